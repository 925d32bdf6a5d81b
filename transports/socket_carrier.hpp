// The carrier over a connected Unix stream socket: what pipe and inherited share.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>

#include "transports/carrier.hpp"

namespace penstock::transport {

/// Readiness of a descriptor on an executor. Owns nothing of it: the descriptor stays its owner's, in blocking mode
/// again after release().
class Watch {
 public:
  /// `raw` stays open as long as *this or until release().
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor& executor, native_handle raw);
  void async_wait(Readiness readiness, WaitHandler handler);
  void cancel() noexcept;
  /// Ends outstanding waits and gives the descriptor back as it was.
  void release() noexcept;
  /// In a forked child: forgets the descriptor and leaves the reactor, which parent and child share, as it is.
  void forget() noexcept;
  ~Watch() { release(); }
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  boost::asio::any_io_executor executor_;  // stays after release(): later waits still complete through it
  std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor_;
};

/// What is known before the first byte.
struct SocketEnds {
  PeerIdentity peer;
  std::shared_ptr<const PeerIdentity> self;
};

class SocketCarrier final : public Carrier {
 public:
  /// Turns the sender checks on. `socket` is connected and in blocking mode.
  [[nodiscard]] static result<std::unique_ptr<Carrier>> make(const CarrierTraits& traits, Handle socket,
                                                             SocketEnds ends);
  ~SocketCarrier() override { close(); }

  [[nodiscard]] const CarrierTraits& traits() const noexcept override { return traits_; }
  [[nodiscard]] const PeerIdentity& peer() const noexcept override { return ends_.peer; }
  [[nodiscard]] const PeerIdentity& self() const noexcept override { return *ends_.self; }
  [[nodiscard]] result<void> sender_checks(bool on) override;
  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) override;
  [[nodiscard]] result<Received> receive(bytes_span buffer, HandleList& handles, Wait wait) override;
  [[nodiscard]] result<void> wait(Readiness readiness, Deadline deadline) override;
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor& executor) override;
  void detach() override { watch_.release(); }
  void async_wait(Readiness readiness, WaitHandler handler) override {
    watch_.async_wait(readiness, std::move(handler));
  }
  void cancel_waits() noexcept override { watch_.cancel(); }
  void close() noexcept override;
  [[nodiscard]] native_handle native() const noexcept override { return socket_.get(); }

 private:
  SocketCarrier(const CarrierTraits& traits, Handle socket, SocketEnds ends);

  const CarrierTraits& traits_;
  SocketEnds ends_;
  Handle socket_;  // before watch_, which must go first
  Watch watch_;
  int owner_;  // the process that made it; a fork's copy must not end its parent's connection
};

}  // namespace penstock::transport
