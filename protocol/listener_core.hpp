// The listening machinery: accepts, runs handshakes side by side within bounds, and queues proven channels.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>
#include <vector>

#include "penstock/listener.hpp"
#include "protocol/completion.hpp"
#include "protocol/handshake_driver.hpp"
#include "protocol/shares.hpp"
#include "transports/carrier_listener.hpp"

namespace penstock::protocol {

class ListenerCore : public std::enable_shared_from_this<ListenerCore> {
 public:
  using AcceptHandler = Completion<void(boost::system::error_code, Channel)>;

  [[nodiscard]] static result<std::shared_ptr<ListenerCore>> open(asio::any_io_executor executor,
                                                                  const Endpoint& endpoint, ListenOptions options);
  ListenerCore(asio::any_io_executor executor, Endpoint endpoint, ListenOptions options,
               std::vector<std::unique_ptr<transport::CarrierListener>> listeners);

  void start();
  void start_accept(AcceptHandler handler);
  void close();
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }
  [[nodiscard]] ListenerStats stats() const noexcept;

 private:
  // Shared with the wait it is in: a wait that completes in the same turn as the deadline finds it dropped, not gone.
  struct HalfOpen {
    std::unique_ptr<HandshakeDriver> driver;
    user_id user{};
    std::chrono::steady_clock::time_point deadline;
    bool dropped = false;
  };
  using HalfOpenPointer = std::shared_ptr<HalfOpen>;
  struct Waiting {
    std::uint64_t number;
    AcceptHandler handler;
  };

  /// A carrier that the name answers over.
  struct Way {
    std::unique_ptr<transport::CarrierListener> listener;
    bool accepting = false;  ///< a wait is outstanding
  };

  void wait_for_connections();
  void accept_all(Way& way);
  void begin(std::unique_ptr<transport::Carrier> carrier);
  void advance(const HalfOpenPointer& one);
  void admit(const HalfOpenPointer& one);
  void drop(const HalfOpenPointer& one, bool admitted);
  void arm_deadline();
  void on_deadline();
  void pause_accepting();
  [[nodiscard]] bool may_accept() const noexcept;
  void cancel_accept(std::uint64_t number);
  void hand_out();
  void record(AuditKind kind, const Failure& reason);

  asio::any_io_executor executor_;
  Endpoint endpoint_;
  ListenOptions options_;
  std::shared_ptr<HandshakeInputs> inputs_;
  std::vector<Way> ways_;  ///< made once: waits hold references into it
  asio::steady_timer deadline_;
  asio::steady_timer retry_;
  std::list<HalfOpenPointer> half_open_;  ///< oldest first: all have the same time
  std::deque<Channel> ready_;
  std::list<Waiting> waiting_;
  std::shared_ptr<Shares> shares_;
  std::uint64_t next_waiting_ = 1;
  std::uint64_t admitted_ = 0, refused_ = 0;
  bool pausing_ = false;
  bool deadline_armed_ = false;
  bool closed_ = false;
};

}  // namespace penstock::protocol
