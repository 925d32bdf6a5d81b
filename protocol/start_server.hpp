// The first instance's side: accepts later starts, decodes them, hands them to the application and answers them.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <list>

#include "penstock/single_instance.hpp"
#include "protocol/start_message.hpp"

namespace penstock::protocol {

/// One connection, which brings one start. Kept by its outstanding operations and by the application's Answer.
class ServedStart : public std::enable_shared_from_this<ServedStart> {
 public:
  ServedStart(Channel channel, std::weak_ptr<StartServer> server);

  void begin();
  /// Thread-safe. The first one counts; nothing where the other end has gone.
  void answer(StartAnswer how, std::uint8_t exit_status = 0);
  [[nodiscard]] bool waiting() const noexcept { return waiting_; }
  /// Closes; whoever still waits takes over. On the executor.
  void end();

 private:
  void receive();
  void on_received(const Incoming& incoming);
  void reply(StartAnswer how, std::uint8_t exit_status);
  void arm(std::chrono::milliseconds time);

  Channel channel_;
  asio::any_io_executor executor_;
  std::weak_ptr<StartServer> server_;
  asio::steady_timer timer_;
  std::vector<std::byte> buffer_;
  std::optional<RequestId> request_;
  std::array<std::byte, 1> body_{};
  std::atomic<bool> waiting_ = false;
  bool ended_ = false;
};

/// Owns the name. Used on the executor alone.
class StartServer : public std::enable_shared_from_this<StartServer> {
 public:
  using Handler = std::function<void(Start, Answer)>;
  /// `variables`: what is taken of a start's environment.
  StartServer(Listener listener, std::size_t at_once, std::vector<std::string> variables)
      : listener_(std::move(listener)), at_once_(at_once), variables_(std::move(variables)) {}

  void serve(Handler handler);
  void stop() noexcept;
  /// stop(), and ends those that were taken.
  void close() noexcept;

  void take(Start start, Answer answer);
  void forget(const ServedStart& one);

 private:
  void accept_more();

  Listener listener_;
  std::size_t at_once_;
  std::vector<std::string> variables_;
  Handler handler_;
  std::list<std::weak_ptr<ServedStart>> served_;
  bool accepting_ = false;
  bool stopped_ = false;
};

}  // namespace penstock::protocol
