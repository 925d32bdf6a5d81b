// The carrier over one end of a Windows pipe: what pipe and inherited share.
#pragma once

#include <memory>

#include "transports/carrier.hpp"
#include "transports/pipe_io_windows.hpp"
#include "transports/segments.hpp"

namespace penstock::transport {

/// What is known before the first byte.
struct PipeEnds {
  PeerIdentity peer;
  std::shared_ptr<const PeerIdentity> self;
};

/// Which end of the pipe is ours, and what that lets us ask of each message.
enum class PipeEnd : std::uint8_t {
  server,     ///< the client's token and number are asked for
  client,     ///< the server's number is asked for
  inherited,  ///< server of a child that got its end from us: its token is asked for; the number would be our own
  adopted,    ///< such a child's end: the server's number is asked for
};

class PipeCarrier final : public Carrier {
 public:
  /// Tries to open the peer's process for handles: without that right none can be sent.
  [[nodiscard]] static std::unique_ptr<Carrier> make(std::shared_ptr<PipeIo> io, PipeEnd end, PipeEnds ends);
  ~PipeCarrier() override { close(); }

  [[nodiscard]] const CarrierTraits& traits() const noexcept override { return traits_; }
  [[nodiscard]] const PeerIdentity& peer() const noexcept override { return ends_.peer; }
  [[nodiscard]] const PeerIdentity& self() const noexcept override { return *ends_.self; }
  [[nodiscard]] result<void> sender_checks(bool on) override;
  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) override;
  [[nodiscard]] result<void> finish_sends(Wait wait) override;
  [[nodiscard]] result<Received> receive(bytes_span buffer, HandleList& handles, Wait wait) override;
  [[nodiscard]] result<void> wait(Readiness readiness, Deadline deadline) override;
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor& executor) override { return io_->attach(executor); }
  void detach() override { io_->detach(); }
  void async_wait(Readiness readiness, WaitHandler handler) override;
  void cancel_waits() noexcept override { io_->cancel_waits(); }
  void close() noexcept override;
  [[nodiscard]] native_handle native() const noexcept override { return no_handle; }

 private:
  PipeCarrier(const CarrierTraits& traits, std::shared_ptr<PipeIo> io, PipeEnd end, PipeEnds ends, Handle into_peer);
  [[nodiscard]] result<std::size_t> read(bytes_span buffer, Wait wait);
  [[nodiscard]] result<Received> try_receive(bytes_span buffer, HandleList& handles, Wait wait);
  [[nodiscard]] result<void> take_handles(HandleList& handles);
  [[nodiscard]] result<MessageSender> sender() const;
  [[nodiscard]] std::size_t staged() const noexcept { return staged_end_ - staged_begin_; }

  const CarrierTraits& traits_;
  std::shared_ptr<PipeIo> io_;
  PipeEnd end_;
  PipeEnds ends_;
  Handle into_peer_;  // the peer's process, with PROCESS_DUP_HANDLE; invalid where we have no such right
  SegmentReader reader_;
  std::array<std::byte, 1024> staging_;  // heads, and small segments with theirs: one read for both
  std::size_t staged_begin_ = 0, staged_end_ = 0;
  bool checking_ = true;
};

}  // namespace penstock::transport
