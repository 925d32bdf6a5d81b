// The listening side: hands out channels whose peers are proven, and nothing else.
#pragma once

#include "penstock/channel.hpp"
#include "penstock/endpoint.hpp"
#include "penstock/options.hpp"

namespace penstock {

namespace protocol {
class ListenerCore;
}

/// Counters of a listener, since it opened.
struct ListenerStats {
  std::uint64_t admitted = 0;   ///< channels handed out or ready to be
  std::uint64_t refused = 0;    ///< connections that ended before they were a channel
  std::size_t half_open = 0;    ///< handshakes under way now
  std::size_t open = 0;         ///< channels open now
};

/// Owns a name. Handshakes of many peers run side by side on its executor, bounded by ListenerLimits, so that a slow or
/// hostile one delays nobody (ATK-24). No hidden threads but one: DDE, where it is allowed, has its windows in a thread that all of a process share (docs/DDE.md),
/// and close() of the last waits for it, at most a second and a quarter. Not thread-safe: call it from its executor. Move-only.
/// Destruction closes it; channels handed out live on.
class Listener {
 public:
  /// Checks everything before the name appears: policy, keys, memory, directory, audit sink. The failure has a sentence.
  [[nodiscard]] static result<Listener> open(asio::any_io_executor executor, const Endpoint& endpoint,
                                             ListenOptions options);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  /// The next proven channel. Signature void(error_code, Channel). Refused peers are recorded, never returned here.
  /// cancelled, closed. Several may be outstanding; first come, first served.
  template <class CompletionToken>
  auto async_accept(CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(boost::system::error_code, Channel)>(
        [](auto handler, Listener* self) { self->start_accept(std::move(handler)); }, token, this);
  }

  [[nodiscard]] const Endpoint& endpoint() const noexcept;
  [[nodiscard]] ListenerStats stats() const noexcept;
  [[nodiscard]] asio::any_io_executor get_executor() const noexcept;
  /// Unlinks the name, ends unfinished handshakes, completes outstanding accepts with Error::closed. Idempotent.
  void close() noexcept;

 private:
  using AcceptHandler = Completion<void(boost::system::error_code, Channel)>;
  explicit Listener(std::shared_ptr<protocol::ListenerCore> impl) noexcept;
  void start_accept(AcceptHandler handler);
  std::shared_ptr<protocol::ListenerCore> impl_;
};

}  // namespace penstock
