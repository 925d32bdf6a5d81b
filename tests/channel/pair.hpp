// A connected pair of channels in one process, over a real pipe, or through shared memory where the environment says so: the same
// tests run over both.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "penstock/penstock.hpp"
#include "tests/support/endpoints.hpp"
#include "tests/support/users.hpp"

namespace penstock::test {

/// An audit sink that keeps what matters for assertions. Thread-safe.
class RecordingAudit : public AuditSink {
 public:
  struct Event {
    AuditKind kind{};
    Error reason{};
    std::string role;
    std::string operation;
    std::int64_t peer_pid = 0;
  };
  result<void> record(const AuditEvent& event) noexcept override {
    const std::lock_guard lock(mutex_);
    if (failing_) return Error::audit_unavailable;
    events_.push_back({event.kind, event.reason, event.role, std::string(event.operation),
                       event.peer != nullptr ? event.peer->pid : 0});
    return {};
  }
  void fail(bool on) {
    const std::lock_guard lock(mutex_);
    failing_ = on;
  }
  [[nodiscard]] std::vector<Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  [[nodiscard]] std::size_t count(AuditKind kind, Error reason) const {
    std::size_t found = 0;
    for (const auto& event : events()) found += event.kind == kind && event.reason == reason ? 1 : 0;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  bool failing_ = false;
};

/// PENSTOCK_TEST_DATA_PLANE: shared_memory or dde.
inline DataPlane data_plane() {
  const char* const asked = std::getenv("PENSTOCK_TEST_DATA_PLANE");
  const std::string_view word = asked != nullptr ? asked : "";
  return word == "shared_memory" ? DataPlane::shared_memory : word == "dde" ? DataPlane::dde : DataPlane::pipe;
}

/// What takes the place of the kernel's word where there is none.
inline Trust own_trust() { return data_plane() == DataPlane::dde ? Trust::challenge : Trust::os_identity; }

inline Policy own_policy(std::vector<std::string> operations = {"*"}) {
  Rule rule;
  rule.name = "this user";
  rule.users = {own_user()};
  rule.trust = own_trust();
  rule.operations = std::move(operations);
  auto policy = Policy::of({std::move(rule)});
  if (!policy) throw std::runtime_error(std::string(policy.error().sentence()));
  return *policy;
}


inline ListenOptions listen_options() {
  ListenOptions options;
  options.allow_shared_memory = data_plane() == DataPlane::shared_memory;  // beside the pipe, which hostile peers speak
  options.allow_dde = data_plane() == DataPlane::dde;
  options.policy = own_policy();
  options.allow_own_process = true;
  return options;
}

inline ConnectOptions connect_options() {
  ConnectOptions options;
  options.data_plane = data_plane();
  options.trust = own_trust();
  options.policy = own_policy();
  options.allow_own_process = true;
  return options;
}

/// Bytes that differ from place to place and from seed to seed.
inline std::vector<std::byte> pattern(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((i * 31 + seed + (i >> 8)) & 0xFF);
  return out;
}

/// The two ends as blocking channels. The handshake's two halves run in two threads.
struct BlockingPair {
  explicit BlockingPair(ListenOptions listen = listen_options(), ConnectOptions connect = connect_options()) {
    auto opened = blocking::Listener::open(endpoint_in(directory), std::move(listen));
    EXPECT_TRUE(opened) << opened.error().sentence();
    if (!opened) return;
    std::thread accepting([&] {
      auto accepted = opened->accept(std::chrono::seconds(20));
      if (accepted) server = std::move(*accepted);
    });
    auto connected = blocking::connect(endpoint_in(directory), connect);
    EXPECT_TRUE(connected) << connected.error().sentence();
    if (connected) client = std::move(*connected);
    accepting.join();
    EXPECT_TRUE(server.is_open());
  }
  TempDirectory directory;
  blocking::Channel client;
  blocking::Channel server;
};

}  // namespace penstock::test
