// One conversation of ours with its window: the machine of conversation.hpp, between the pump's thread and a carrier's.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "transports/carrier.hpp"
#include "transports/dde/challenge_windows.hpp"
#include "transports/dde/message_windows.hpp"
#include "transports/dde/pump_windows.hpp"
#include "transports/dde/waiter_windows.hpp"

namespace penstock::transport::dde {

/// What conversations of this process share; atoms and the clipboard format.
struct SharedNames {
  Atom frames;
  Names numbers;
  /// resource_exhausted.
  [[nodiscard]] static result<std::shared_ptr<const SharedNames>> make();
};

/// The peer, as its window's process tells it. `claimed`: the handle is held apart, and put into it once a challenge was answered.
struct ClaimedPeer {
  PeerIdentity identity;
  Handle process;
  Handle into;  ///< with PROCESS_DUP_HANDLE; invalid where there is no such right
};
/// Asks who made `window`, holds that process, and asks again. peer_unidentified, peer_gone, peer_out_of_scope (another session, ATK-23),
/// permission_denied, resource_exhausted.
[[nodiscard]] result<ClaimedPeer> identify_window(HWND window);

class Link final : public Served, public std::enable_shared_from_this<Link> {
 public:
  Link(Role role, std::shared_ptr<const SharedNames> names, Timeouts timeouts);

  // --- on the pump's thread -----------------------------------------------------------------------------------------
  /// Client: the window, INITIATE to all others, and exactly one answer; nothing is posted before begin(). Takes as long as the windows of
  /// the desktop take to look at it: at most until `deadline` or Timeouts::broadcast, deadline_exceeded.
  [[nodiscard]] result<HWND> find_server(Pump& pump, std::uint16_t application, std::uint16_t topic, Deadline deadline = {});
  void begin(ClaimedPeer peer);
  /// Server: the window, for a client that is identified. `on_connected` runs on the pump's thread, once, however it turns out.
  [[nodiscard]] HWND accept(Pump& pump, HWND client, ClaimedPeer peer, std::function<void()> on_connected);
  void on_posted(const MSG& message) override;
  void on_sent(UINT message, HWND from, LPARAM parameter) override;
  bool turn(Time now) override;
  [[nodiscard]] std::optional<Time> deadline() const override;
  [[nodiscard]] native_handle process() const noexcept override { return peer_.process.get(); }

  // --- any thread ---------------------------------------------------------------------------------------------------
  [[nodiscard]] result<std::size_t> send(bytes_view bytes);
  [[nodiscard]] result<std::size_t> take(bytes_span buffer);
  [[nodiscard]] result<void> flushed() const;
  [[nodiscard]] result<void> wait_flushed();
  /// Until it is ready or the deadline.
  [[nodiscard]] result<void> wait(Readiness readiness, Deadline deadline);
  /// Until it is connected (none) or has ended.
  [[nodiscard]] result<void> wait_connected(Deadline deadline);
  /// None once it was connected, would_block before, else why it never was.
  [[nodiscard]] result<void> outcome() const;
  void attach(const boost::asio::any_io_executor& executor);
  void detach();
  void async_wait(Readiness readiness, WaitHandler handler);
  void cancel_waits() noexcept;
  void terminate();

  // --- of the carrier's thread, once connected ----------------------------------------------------------------------
  [[nodiscard]] ClaimedPeer& peer() noexcept { return peer_; }
  [[nodiscard]] const result<crypto::Secret<32>>& secret() const noexcept { return secret_; }

 private:
  void advance(Time now);
  void advance_challenge(Time now);
  void perform(Time now);
  void perform(const Action& action, Time now);
  [[nodiscard]] bool peer_died() const;
  [[nodiscard]] bool peer_is_there() const;
  [[nodiscard]] bool left_unheard() const;
  void settle_memory();
  /// What is to be called without the mutex, or nothing.
  [[nodiscard]] std::function<void()> notify();
  void handle(const MSG& message);
  void fire(Readiness readiness);
  [[nodiscard]] bool ready(Readiness readiness) const noexcept;
  [[nodiscard]] Waiter& waiter(Readiness readiness) noexcept { return readiness == Readiness::writable ? writable_ : readable_; }

  const Role role_;
  const std::shared_ptr<const SharedNames> names_;
  const std::chrono::milliseconds window_patience_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Conversation conversation_;
  HWND window_ = nullptr;
  std::uint16_t application_ = 0, topic_ = 0;  // client, while all are asked
  bool vanished_ = false;        // the peer's window, without a goodbye
  std::optional<Time> leaving_;  // our goodbye is due then, or once all was acknowledged
  ClaimedPeer peer_;
  std::function<void()> on_connected_;
  Waiter readable_, writable_;
  boost::asio::any_io_executor executor_;

  GlobalMemory advise_;
  std::map<Id, GlobalMemory> memory_;  // posted, not acknowledged
  std::uint16_t incoming_atom_ = 0;    // of the message that is being answered, and its memory
  Id incoming_memory_ = 0;

  std::optional<Challenge> challenge_;
  bool put_done_ = false, take_done_ = false, proven_ = false, settled_ = false;
  result<crypto::Secret<32>> secret_{Error::permission_denied};
};

}  // namespace penstock::transport::dde
