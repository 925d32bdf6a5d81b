// What the tests of this layer share: real processes, private directories, and gates instead of sleeps.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "tests/transports/meeting.hpp"

namespace penstock::transport::testing {

inline constexpr unsigned nobody = 65534;

[[nodiscard]] bool is_root();

/// A new directory below /tmp, 0755 so that other users can walk into it, removed with all that is in it.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// A directory below, with exactly this owner and mode.
  [[nodiscard]] std::string make(const std::string& name, unsigned mode, unsigned owner = 0xFFFFFFFF) const;

 private:
  std::string path_;
};

/// One process tells another, by a pipe that both have: numbers go in, numbers come out, in order.
class Gate {
 public:
  Gate();
  void tell(std::int64_t number = 0) const;
  /// Blocks. −1 when every teller has gone.
  [[nodiscard]] std::int64_t wait() const;
  /// The child that only listens drops the telling end, so that it sees the end of its parent.
  void only_wait() { in_.reset(); }
  void only_tell() { out_.reset(); }
  [[nodiscard]] int out() const { return out_.get(); }

 private:
  Handle out_;
  Handle in_;
};

/// A forked process that runs `body` and exits with what it returns. Killed and reaped if it is still there at the end.
class Process {
 public:
  explicit Process(const std::function<int()>& body);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  [[nodiscard]] int pid() const { return pid_; }
  /// Exit code, or 128 + signal.
  int wait();
  void kill();

 private:
  int pid_;
};

/// In a child: becomes `user` for good, groups included.
void become(unsigned user);

/// A listener with a blocking accept.
class WaitingListener {
 public:
  explicit WaitingListener(const Endpoint& endpoint, PipeOptions options = {});
  [[nodiscard]] result<std::unique_ptr<Carrier>> accept();
  [[nodiscard]] PipeListener& listener() { return *listener_; }

 private:
  boost::asio::io_context context_;
  std::unique_ptr<PipeListener> listener_;
};

[[nodiscard]] Endpoint endpoint_in(const std::string& directory, Scope scope = Scope::machine,
                                   const std::string& name = "helper");
/// As connect_to, where the server must be one of `server_users`.
[[nodiscard]] result<std::unique_ptr<Carrier>> connect_to_users(const Endpoint& endpoint, std::span<const std::uint32_t> server_users,
                                                                const PeerCheck& check = {});
/// A client that stays until it is let go (a peer that has ended is refused): 0 when it was accepted.
[[nodiscard]] int connect_and_stay(const Endpoint& endpoint, std::span<const std::uint32_t> server_users = {});

[[nodiscard]] std::size_t open_descriptors();
[[nodiscard]] std::string sentence_of(const Failure& failure);

}  // namespace penstock::transport::testing
