// One DDE conversation, as a machine without a platform: what came in, what is to be done. Windows, atoms and global memory are
// numbers here. Who sent a message is a number that anybody can write into it, so nothing that comes in is believed further than
// this table goes; what is inside the chunks has its own tags (ATK-16).
//
//   client                               server
//   INITIATE (to all windows)     →
//                                 ←      ACK, sent at once; exactly one server may answer
//   (its process is looked at; nothing is posted before)
//   ADVISE frames, acknowledged   →
//                                 ←      ACK
//   EXECUTE [frame("…")]          ⇄      DATA frames           nonces and handles, then frames; each is answered by ACK
//   TERMINATE                     ⇄      TERMINATE             either may begin
//
// What comes in, from the window of the other end. Anything from another window is ignored, whatever it is.
//
//   message     to          idle, initiating,  linking           proving, connected        terminating      closed
//                           found
//   ADVISE      server      ignored            the link: ACK *   NACK                      ignored          ignored
//   EXECUTE     server      ignored            NACK              chunk: ACK, or a lie **   ignored          ignored
//   DATA        client      ignored            a lie             chunk: ACK, or a lie **   ignored          ignored
//   ACK         either      ignored            client: the link  of what is under way, or  ignored          ignored
//                                                                a lie
//   UNADVISE    server      ignored            NACK              of the link: a lie; NACK  ignored          ignored
//   any other               ignored            NACK              NACK                      ignored          ignored
//   TERMINATE   either      ignored;           answered, ends    answered, ends            ends             ignored
//                           found: answered,
//                           ends
//
//   *  item, format and options exactly as below; else NACK.
//   ** from a peer of ours these are exactly as below; anything else is a lie. A lie is refused (EXECUTE: NACK, DATA: no answer) and
//      ends the conversation with frame_malformed. Sixteen NACKs end it too.
//
// ADVISE: item "frames", our clipboard format, fAckReq and not fDeferUpd (0x8000). DATA: the same item and format, fAckReq and nothing else
// (0x8000): memory stays the sender's. ACK: 0x8000; a busy or negative one to a chunk is a lie, since chunks are never refused otherwise.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <vector>

#include "transports/dde/reassembly.hpp"

namespace penstock::transport::dde {

/// A window, an atom or a piece of global memory. 0: none.
using Id = std::uint64_t;
using Time = std::chrono::steady_clock::time_point;

enum class Role : std::uint8_t { client, server };
/// Only ever forward.
enum class State : std::uint8_t { idle, initiating, found, linking, proving, connected, terminating, closed };

enum class MessageKind : std::uint8_t { initiate, terminate, advise, unadvise, ack, data, request, poke, execute };

inline constexpr std::uint16_t status_ack = 0x8000;      ///< DDEACK::fAck
inline constexpr std::uint16_t status_ack_request = 0x8000;  ///< DDEADVISE::fAckReq, DDEDATA::fAckReq

/// Chunks of one direction that are posted and not acknowledged.
inline constexpr std::size_t most_unacknowledged = 8;
/// Datagrams of ours that wait to be posted whole.
inline constexpr std::size_t most_queued = 4;
inline constexpr int most_refusals = 16;

struct Timeouts {
  std::chrono::milliseconds acknowledge{5'000};  ///< for each chunk
  std::chrono::milliseconds window{250};         ///< for a window to take one message that is sent: INITIATE, or the answer to it
  std::chrono::milliseconds broadcast{10'000};   ///< for all windows of the desktop together
  std::chrono::milliseconds connect{2'000};      ///< from link() or accept() to connected
  std::chrono::milliseconds terminate{2'000};
};

/// A message that was posted to our window. Payload: EXECUTE the memory, DATA what stands behind its four bytes of head.
struct Event {
  MessageKind kind = MessageKind::terminate;
  Id from = 0;
  Id item = 0;                ///< atom
  Id memory = 0;              ///< EXECUTE: to be named in the ACK. ACK of an EXECUTE: what is acknowledged
  std::uint16_t format = 0;
  std::uint16_t status = 0;   ///< the flags of DDEACK, DDEADVISE, DDEDATA
  bytes_view payload{};
};

/// What the platform is to do, in this order.
struct Action {
  enum class Kind : std::uint8_t { initiate, post, release };
  Kind kind = Kind::post;
  MessageKind message = MessageKind::terminate;
  Id to = 0;
  Id item = 0;
  Id memory = 0;               ///< release: whose memory is done with. post of an ACK to an EXECUTE: its memory
  std::uint16_t format = 0;
  std::uint16_t status = 0;
  bool heard = false;          ///< release: the other end has answered, and so has what came with the message
  bool owns_memory = false;    ///< post: its payload goes into memory that posted() names and a later release frees
  std::vector<std::byte> payload;
};

/// The names of the conversation, as numbers.
struct Names {
  Id frames = 0;              ///< the atom of the item "frames"
  std::uint16_t format = 0;   ///< the clipboard format
};

/// Not thread-safe. Never waits: after each call there may be actions, and a deadline.
class Conversation {
 public:
  Conversation(Role role, Names names, Timeouts timeouts = {});

  // --- setting up ---------------------------------------------------------------------------------------------------
  /// Client: one action, to ask all windows. Then answered() for each server that answers and broadcast_done(); or broadcast_stopped(), when
  /// not all could be asked in time.
  void initiate(Time now);
  void answered(Id server);
  /// not_found when nobody answered; socket_unsafe when more than one did: one of them is a squatter, and all are told goodbye (ATK-01).
  void broadcast_done();
  /// deadline_exceeded, and goodbye to those that answered: one alone of some is not known to be the only one.
  void broadcast_stopped();
  /// Client: the one that answered is who it should be. Nothing is posted to it before, whatever it posts (ATK-01).
  void link(Time now);
  /// Server: a client that was answered.
  void accept(Id client, Time now);

  // --- the challenge (challenge_windows.hpp); each once, in state proving ---------------------------------------------
  void send_nonce(std::span<const std::byte, nonce_size> nonce, Time now);
  /// 0: none could be put into the peer.
  void send_handle(std::uint64_t value, Time now);
  [[nodiscard]] const std::optional<std::array<std::byte, nonce_size>>& peer_nonce() const noexcept { return peer_nonce_; }
  [[nodiscard]] const std::optional<std::uint64_t>& peer_handle() const noexcept { return peer_handle_; }
  /// Was the message with our handle posted? Until then nobody was told its value.
  [[nodiscard]] bool handle_told() const noexcept { return handle_told_; }

  // --- what happens ---------------------------------------------------------------------------------------------------
  void receive(const Event& event, Time now);
  /// The post that owns memory, in the order of those actions: done, with this memory.
  void posted(Id memory, Time now);
  /// It could not be posted: the window has gone, or its queue is full. The memory is freed by who could not post it.
  void post_failed(Time now);
  /// The other end's process or window has gone: nothing is posted to it any more.
  void peer_gone();
  void tick(Time now);
  /// This end wants no more.
  void terminate(Time now);
  /// What the challenge found: it is not who it should be.
  void distrust(Error error, Time now) { fail(error, now); }

  // --- datagrams, once connected ----------------------------------------------------------------------------------------
  /// One datagram of at most largest_datagram bytes; how many it took. would_block, or why the conversation ended.
  [[nodiscard]] result<std::size_t> send(bytes_view datagram, Time now);
  /// See Reassembly::take. would_block; truncated once the other end has gone and everything was taken.
  [[nodiscard]] result<std::size_t> take(bytes_span out, Time now);
  /// Would take() answer at once, with bytes or an end?
  [[nodiscard]] bool readable() const noexcept;
  [[nodiscard]] bool writable() const noexcept;
  /// Everything that was sent has been acknowledged.
  [[nodiscard]] bool flushed() const noexcept { return queue_.empty() && unacknowledged_.empty(); }

  [[nodiscard]] State state() const noexcept { return state_; }
  /// Why it ends or has ended; none before.
  [[nodiscard]] Error error() const noexcept { return error_; }
  [[nodiscard]] Id peer() const noexcept { return peer_; }
  /// The next thing to do. Asked again after each, since doing it may have changed what comes.
  [[nodiscard]] std::optional<Action> next_action();
  /// When tick() has something to do at the latest.
  [[nodiscard]] std::optional<Time> deadline() const noexcept;

 private:
  struct Outgoing {
    std::uint64_t number = 0;
    std::vector<std::byte> bytes;
    std::size_t sent = 0;
  };
  struct Unacknowledged {
    Id memory = 0;
    bool posted = false;
    bool tells_handle = false;
    Time since;
  };

  void on_linking(const Event& event, Time now);
  void on_open(const Event& event, Time now);
  [[nodiscard]] result<void> on_chunk(const Chunk& chunk);
  void on_ack(const Event& event, Time now);
  void on_terminate();
  void on_carried(const Event& event, Time now);
  [[nodiscard]] result<void> on_chunk(const Event& event);
  [[nodiscard]] result<void> on_taken(std::uint64_t below);
  void acknowledge(std::size_t at, Time now);
  [[nodiscard]] bool is_link(const Event& event) const noexcept;
  void refuse(const Event& event, Time now);
  void answer(const Event& event, std::uint16_t status);
  void post(MessageKind message);
  void post_chunk(const Chunk& chunk, Time now);
  void pump(Time now);
  void pump_frames(Time now);
  void linked();
  void fail(Error error, Time now);
  void drop_unposted();
  void end(Error error);
  void end_with_answers(Error error);
  [[nodiscard]] bool open() const noexcept { return state_ == State::proving || state_ == State::connected; }

  Role role_;
  Names names_;
  Timeouts timeouts_;
  State state_ = State::idle;
  Error error_ = Error::none;
  bool drained_ends_ = false;  // what is whole may still be taken: it came before the other end went
  Id peer_ = 0;
  std::vector<Id> answers_;
  std::optional<Time> deadline_;  // to be connected, or for the answer to TERMINATE
  std::deque<Action> actions_;
  int refusals_ = 0;

  std::optional<std::array<std::byte, nonce_size>> nonce_, peer_nonce_;
  std::optional<std::uint64_t> handle_, peer_handle_;
  bool nonce_sent_ = false, handle_sent_ = false, handle_told_ = false;

  std::deque<Outgoing> queue_;
  std::deque<Unacknowledged> unacknowledged_;
  std::uint64_t next_number_ = 0;      // of the next datagram of ours
  std::uint64_t posted_below_ = 0;     // of ours, those that are on their way whole
  std::uint64_t peer_took_below_ = 0;
  Reassembly incoming_;
  std::uint64_t told_below_ = 0;
};

}  // namespace penstock::transport::dde
