// A listener here and a client that is another process, connected by the carriers alone.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "tests/support/child.hpp"
#include "tests/support/endpoints.hpp"
#include "transports/pipe.hpp"

namespace penstock::transport::testing {

using test::Child;
using test::Line;
using test::Role;
using test::TempDirectory;
using test::Words;

/// A listener with a blocking accept. What it accepts waits without an executor.
class WaitingPipe {
 public:
  explicit WaitingPipe(const Endpoint& endpoint, PipeOptions options = {}) {
    auto opened = PipeListener::open(endpoint, 16, options);
    if (!opened) throw std::runtime_error(std::string(opened.error().sentence()));
    listener_ = std::move(*opened);
    if (!listener_->attach(context_.get_executor())) throw std::runtime_error("attach");
  }
  [[nodiscard]] result<std::unique_ptr<Carrier>> accept(bool detached = true) {
    for (;;) {
      auto carrier = listener_->accept();
      if (carrier && detached) (*carrier)->detach();
      if (carrier || carrier.error() != Error::would_block) return carrier;
      listener_->async_wait([](boost::system::error_code) {});
      context_.restart();
      context_.run_one();
    }
  }
  [[nodiscard]] PipeListener& listener() { return *listener_; }
  [[nodiscard]] boost::asio::io_context& context() { return context_; }

 private:
  boost::asio::io_context context_;
  std::unique_ptr<PipeListener> listener_;
};

/// With a deadline far beyond any machine's slowness.
inline result<std::unique_ptr<Carrier>> connect_to(const Endpoint& endpoint, const PeerCheck& check = {}, PipeOptions options = {}) {
  return connect_pipe(endpoint, {}, check, std::chrono::steady_clock::now() + std::chrono::seconds(60), options);
}

/// Receives until the other end closes or `size` bytes are there.
inline std::string receive_text(Carrier& carrier, std::size_t size) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  HandleList handles;
  while (text.size() < size) {
    const auto got = carrier.receive(std::span(buffer).first(std::min(buffer.size(), size - text.size())), handles, Wait::yes);
    if (!got) break;
    text += as_text(std::span(buffer).first(got->size));
  }
  return text;
}

inline bool send_all(Carrier& carrier, std::string_view text) {
  for (auto left = as_bytes(text); !left.empty();) {
    const auto done = carrier.send(left, {}, Wait::yes);
    if (!done || *done == 0) return false;
    left = left.subspan(*done);
  }
  return true;
}

/// The role gets the directory as its first word and connects there.
class Meeting {
 public:
  /// `detached`: no executor is bound, and the carrier waits by itself.
  explicit Meeting(const Role& client, bool detached = true) : listener_(test::endpoint_in(directory_)), process_(client, {directory_.path()}) {
    auto carrier = listener_.accept(detached);
    EXPECT_TRUE(carrier) << carrier.error().sentence();
    if (carrier) carrier_ = std::move(*carrier);
  }
  [[nodiscard]] Carrier& carrier() { return *carrier_; }
  /// Of the listener: what it accepts may be attached to no other (Windows).
  [[nodiscard]] boost::asio::io_context& context() { return listener_.context(); }
  [[nodiscard]] Child& process() { return process_; }
  void drop() { carrier_.reset(); }

 private:
  TempDirectory directory_;
  WaitingPipe listener_;
  Child process_;
  std::unique_ptr<Carrier> carrier_;
};

}  // namespace penstock::transport::testing
