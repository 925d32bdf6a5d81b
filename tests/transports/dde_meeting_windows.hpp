// A DDE listener here and a client that is another process, connected by the carriers alone.
#pragma once

#include "tests/transports/meeting.hpp"
#include "transports/dde/dde.hpp"

namespace penstock::transport::testing {

/// Far beyond any machine's slowness, so that a test that shares one with others fails for its own reasons. Windows that nobody runs cost their time.
inline DdeOptions patient(bool allow_own_process = false) {
  using namespace std::chrono_literals;
  return {.allow_own_process = allow_own_process, .timeouts = {.acknowledge = 60s, .window = 5s, .broadcast = 60s, .connect = 60s, .terminate = 60s}};
}

class WaitingDoor {
 public:
  explicit WaitingDoor(const Endpoint& endpoint, DdeOptions options = patient()) {
    auto opened = DdeListener::open(endpoint, options);
    if (!opened) throw std::runtime_error(std::string(opened.error().sentence()));
    listener_ = std::move(*opened);
    if (!listener_->attach(context_.get_executor())) throw std::runtime_error("attach");
  }
  [[nodiscard]] result<std::unique_ptr<Carrier>> accept() {
    for (;;) {
      auto carrier = listener_->accept();
      if (carrier || carrier.error() != Error::would_block) return carrier;
      listener_->async_wait([](boost::system::error_code) {});
      context_.restart();
      context_.run_one();
    }
  }
  [[nodiscard]] DdeListener& listener() { return *listener_; }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }

 private:
  boost::asio::io_context context_;
  std::unique_ptr<DdeListener> listener_;
};

inline result<std::unique_ptr<Carrier>> connect_over_dde(const Endpoint& endpoint, const PeerCheck& check = {}, DdeOptions options = patient()) {
  return connect_dde(endpoint, check, std::chrono::steady_clock::now() + std::chrono::seconds(60), options);
}

/// The role gets the directory as its first word and connects there.
class DdeMeeting {
 public:
  explicit DdeMeeting(const Role& client, Words more = {}) : door_(test::endpoint_in(directory_)) {
    more.insert(more.begin(), directory_.path());
    process_ = std::make_unique<Child>(client, more);
    auto carrier = door_.accept();
    EXPECT_TRUE(carrier) << carrier.error().sentence();
    if (carrier) carrier_ = std::move(*carrier);
  }
  [[nodiscard]] Carrier& carrier() { return *carrier_; }
  [[nodiscard]] WaitingDoor& door() { return door_; }
  [[nodiscard]] Child& process() { return *process_; }
  void drop() { carrier_.reset(); }

 private:
  TempDirectory directory_;
  WaitingDoor door_;
  std::unique_ptr<Child> process_;
  std::unique_ptr<Carrier> carrier_;
};

}  // namespace penstock::transport::testing
