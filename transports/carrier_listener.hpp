// A name that others connect to, over one carrier. What hands out connections looks like this, whatever it is made of.
#pragma once

#include "transports/carrier.hpp"

namespace penstock::transport {

/// Not thread-safe. At most one wait at a time.
class CarrierListener {
 public:
  virtual ~CarrierListener() = default;
  /// The carrier's, as in CarrierTraits.
  [[nodiscard]] virtual const char* name() const noexcept = 0;
  /// The next connection with its identity already read: would_block, resource_exhausted (no descriptor now: it stays in the backlog, try
  /// again after a channel has closed), peer_* (that one was closed), closed, io_error.
  [[nodiscard]] virtual result<std::unique_ptr<Carrier>> accept() = 0;
  /// Whom the last accept() that failed was about, where that is known; until the next one.
  [[nodiscard]] virtual const PeerIdentity* refused() const noexcept { return nullptr; }
  [[nodiscard]] virtual result<void> attach(const boost::asio::any_io_executor& executor) = 0;
  virtual void async_wait(WaitHandler handler) = 0;
  virtual void cancel_waits() noexcept = 0;
  /// Gives the name back. Final.
  virtual void close() noexcept = 0;
};

}  // namespace penstock::transport
