#include "protocol/connect.hpp"

#include <boost/asio/steady_timer.hpp>

#include "protocol/async_channel.hpp"
#include "protocol/closed_table.hpp"
#include "protocol/completion.hpp"
#include "transports/dde/dde.hpp"
#include "transports/pipe.hpp"

namespace penstock::protocol {

result<Suite> check_options(const ConnectOptions& options) {
  if (options.policy.rules().empty()) {
    return Failure(Error::invalid_argument, "no policy: say who may be the listener (Policy::user, Policy::load)");
  }
  if (options.trust == Trust::launch_secret) {
    return Failure(Error::invalid_argument, "trust launch-secret is for launch() and adopt()");
  }
  if (options.trust == Trust::static_key && !options.keys) {
    return Failure(Error::invalid_argument, "trust static-key needs keys: `penstock keygen` makes a pair");
  }
  if ((options.trust == Trust::challenge) != (options.data_plane == DataPlane::dde) && options.trust != Trust::static_key) {
    return Failure(Error::invalid_argument, options.data_plane == DataPlane::dde
                                                ? "over DDE a peer is only claimed: use trust challenge, or static-key"
                                                : "trust challenge is for DataPlane::dde: elsewhere the kernel names the peer");
  }
  if (options.data_plane == DataPlane::shared_memory) {
    if (auto sound = check_ring(options.channel.limits.ring_bytes); !sound) return sound.error();
  }
  return resolve(options.suite);
}

namespace {

// What the handshake runs over. A DDE broadcast waits for the windows of the desktop, here and now.
result<std::unique_ptr<transport::Carrier>> open_carrier(const Endpoint& endpoint, const ConnectOptions& options,
                                                         const transport::PeerCheck& check, transport::Deadline deadline) {
  if (options.data_plane != DataPlane::dde) {
    return transport::connect_pipe(endpoint, options.policy.users(), check, deadline, {options.allow_own_process});
  }
  transport::DdeOptions how;
  how.allow_own_process = options.allow_own_process;
  return transport::connect_dde(endpoint, check, deadline, how);
}

}  // namespace

result<std::unique_ptr<HandshakeDriver>> open_connection(const Endpoint& endpoint, const ConnectOptions& options,
                                                         transport::Deadline deadline) {
  const auto suite = check_options(options);
  if (!suite) return suite.error();
  auto inputs = std::make_shared<HandshakeInputs>();
  inputs->policy = options.policy;
  inputs->keys = options.keys;
  inputs->channel = std::make_shared<const ChannelSettings>(options.channel, options.audit, endpoint.describe());

  const char* const way = options.data_plane == DataPlane::dde ? "dde" : "pipe";
  const transport::PeerCheck check = [&](const PeerIdentity& server) -> result<void> {
    const auto allowed = options.policy.precheck({server, options.trust, nullptr});
    if (allowed) return {};
    record_refusal(*inputs->channel, true, way, &server, nullptr, allowed.error());
    return allowed.error();
  };
  auto carrier = open_carrier(endpoint, options, check, deadline);
  if (!carrier) {
    // What the kernel said of the server and was no proof; a policy's refusal is recorded already, with the peer (ATK-01).
    const bool told = carrier.error() == Error::peer_refused || carrier.error() == Error::peer_too_weak;
    if (!told && closed_row(carrier.error().code()).effect == Effect::refuse_peer) {
      record_refusal(*inputs->channel, true, way, nullptr, nullptr, carrier.error());
    }
    return carrier.error();
  }

  HandshakeContext context;
  context.initiator = true;
  context.endpoint = {endpoint.scope(), endpoint.name()};
  context.trust = options.trust;
  context.suite = *suite;
  context.data_plane = options.data_plane;
  return HandshakeDriver::make(std::move(*carrier), std::move(inputs), std::move(context));
}

namespace {

// One asynchronous connection attempt, kept alive by the wait it is in.
class ConnectOperation : public std::enable_shared_from_this<ConnectOperation> {
 public:
  ConnectOperation(asio::any_io_executor executor, Endpoint endpoint, ConnectOptions options,
                   Completion<void(boost::system::error_code, Channel)> handler)
      : executor_(std::move(executor)),
        timer_(executor_),
        retry_(executor_),
        endpoint_(std::move(endpoint)),
        options_(std::move(options)),
        handler_(std::move(handler)) {}

  void start() {
    handler_.on_cancel([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->fail(Error::cancelled);
    });
    timer_.expires_after(options_.deadline);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
      if (!ec) self->fail(self->driver_ ? Error::handshake_timeout : Error::deadline_exceeded);
    });
    attempt();
  }

 private:
  // A full backlog has no event to wait for (connect(2): EAGAIN on Unix sockets), so it is tried again, ever more slowly.
  void attempt() {
    if (!handler_) return;
    // DDE asks every window of the desktop and has no event for their answers: that takes this thread's time, mostly some milliseconds of it.
    const auto until = options_.data_plane == DataPlane::dde ? timer_.expiry() : std::chrono::steady_clock::now();
    auto driver = open_connection(endpoint_, options_, until);
    if (!driver && driver.error() == Error::deadline_exceeded) {
      retry_.expires_after(delay_);
      delay_ = std::min(2 * delay_, std::chrono::milliseconds(50));
      retry_.async_wait([self = shared_from_this()](boost::system::error_code ec) {
        if (!ec) self->attempt();
      });
      return;
    }
    if (!driver) return fail(driver.error());
    driver_ = std::move(*driver);
    if (auto attached = driver_->carrier().attach(executor_); !attached) return fail(attached.error());
    advance();
  }

  void advance() {
    if (!handler_) return;
    const auto need = driver_->advance();
    if (!need) return fail(need.error());
    if (*need == HandshakeDriver::Need::nothing) return succeed();
    const auto ready = *need == HandshakeDriver::Need::readable ? transport::Readiness::readable
                                                                : transport::Readiness::writable;
    driver_->carrier().async_wait(ready, [self = shared_from_this()](boost::system::error_code ec) {
      if (!ec) self->advance();
    });
  }

  void succeed() {
    auto core = driver_->take();
    if (!core) return fail(core.error());
    finish(Failure(), Channel(std::make_shared<AsyncChannel>(executor_, std::move(*core))));
  }

  void fail(const Failure& reason) {
    if (!handler_) return;
    if (driver_) driver_->refuse(reason);
    finish(reason, Channel(std::make_shared<AsyncChannel>(executor_, nullptr, reason)));
  }

  void finish(const Failure& reason, Channel channel) {
    timer_.cancel();
    retry_.cancel();
    handler_.complete(executor_, to_code(reason), std::move(channel));
  }

  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  asio::steady_timer retry_;
  std::chrono::milliseconds delay_{1};
  Endpoint endpoint_;
  ConnectOptions options_;
  Completion<void(boost::system::error_code, Channel)> handler_;
  std::unique_ptr<HandshakeDriver> driver_;
};

}  // namespace
}  // namespace penstock::protocol

namespace penstock::detail {

void start_connect(asio::any_io_executor executor, Endpoint endpoint, ConnectOptions options, ConnectHandler handler) {
  std::make_shared<protocol::ConnectOperation>(std::move(executor), std::move(endpoint), std::move(options),
                                               std::move(handler))
      ->start();
}

}  // namespace penstock::detail
