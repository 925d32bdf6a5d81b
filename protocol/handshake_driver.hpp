// Runs a Handshake over a Carrier without waiting: reads exactly its frames, writes its answers, says what it waits for.
#pragma once

#include <memory>

#include "protocol/channel_core.hpp"
#include "protocol/handshake.hpp"
#include "protocol/segment_exchange.hpp"

namespace penstock::protocol {

/// What a handshake needs to live as long as it does.
struct HandshakeInputs {
  Policy policy;
  std::shared_ptr<const StaticKeys> keys;
  crypto::Secret<32> launch_secret;
  std::shared_ptr<const ChannelSettings> channel;  ///< never null
};

class HandshakeDriver {
 public:
  /// `inputs` is shared by all handshakes of a listener. What they know of `context` is filled in here.
  [[nodiscard]] static result<std::unique_ptr<HandshakeDriver>> make(std::unique_ptr<transport::Carrier> carrier,
                                                                     std::shared_ptr<const HandshakeInputs> inputs,
                                                                     HandshakeContext context);

  using Need = HandshakeNeed;
  /// Goes as far as it can. `nothing`: finished, take() it. Any failure is final and was recorded.
  [[nodiscard]] result<Need> advance();
  /// As advance(), waiting in between, until done or the deadline: handshake_timeout.
  [[nodiscard]] result<void> run(transport::Deadline deadline);
  /// Ends it from outside (a deadline, a limit, a close): recorded as a refusal for `reason`.
  void refuse(const Failure& reason);
  /// The channel, once, after `nothing`.
  [[nodiscard]] result<std::unique_ptr<ChannelCore>> take();

  [[nodiscard]] transport::Carrier& carrier() noexcept { return *carrier_; }
  /// Has everything been exchanged but the peer's confirm record?
  [[nodiscard]] bool awaits_confirm() const noexcept { return handshake_.awaits_confirm(); }

 private:
  HandshakeDriver(std::unique_ptr<transport::Carrier> carrier, std::shared_ptr<const HandshakeInputs> inputs,
                  Handshake handshake, bool initiator);
  [[nodiscard]] result<Need> try_advance();
  [[nodiscard]] result<bool> write_some();
  [[nodiscard]] result<bool> read_some();
  [[nodiscard]] result<void> conclude();

  std::unique_ptr<transport::Carrier> carrier_;
  std::shared_ptr<const HandshakeInputs> inputs_;
  Handshake handshake_;
  HandshakeOutput out_;
  std::size_t sent_ = 0;
  std::array<std::byte, max_handshake_frame> in_{};
  std::size_t held_ = 0;
  std::size_t frame_ = header_size;  ///< bytes of the frame under way, as far as known
  std::optional<transport::MessageSender> sender_;
  std::optional<Session> session_;                  ///< once the handshake has finished
  std::unique_ptr<SegmentExchange> segments_;       ///< where records go through shared memory
  bool initiator_;
  bool ended_ = false;
};

/// Records that a connection ended before it was a channel.
void record_refusal(const ChannelSettings& settings, bool initiator, std::string_view carrier, const PeerIdentity* peer,
                    const Handshake* handshake, const Failure& reason) noexcept;

}  // namespace penstock::protocol
