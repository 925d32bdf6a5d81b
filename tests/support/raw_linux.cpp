#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "tests/support/raw.hpp"

namespace penstock::test {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Handle new_socket() { return Handle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

}  // namespace

struct RawEnd::State {
  Handle socket;
};

RawEnd::RawEnd() = default;
RawEnd::~RawEnd() = default;
RawEnd::RawEnd(RawEnd&&) noexcept = default;
RawEnd& RawEnd::operator=(RawEnd&&) noexcept = default;
RawEnd::RawEnd(Handle connected) : state_(connected ? std::make_unique<State>(std::move(connected)) : nullptr) {}
RawEnd::operator bool() const noexcept { return state_ != nullptr; }

RawEnd RawEnd::connect(const std::string& path) {
  Handle socket = new_socket();
  const auto address = address_of(path);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  return RawEnd(std::move(socket));
}

bool RawEnd::write(bytes_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(state_->socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool RawEnd::read(bytes_span bytes) const {
  while (!bytes.empty()) {
    const auto got = ::recv(state_->socket.get(), bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

void RawEnd::end() const noexcept { ::shutdown(state_->socket.get(), SHUT_RDWR); }

struct RawListener::State {
  Handle socket;
};

RawListener::RawListener() = default;
RawListener::~RawListener() = default;
RawListener::RawListener(RawListener&&) noexcept = default;
RawListener& RawListener::operator=(RawListener&&) noexcept = default;
RawListener::operator bool() const noexcept { return state_ != nullptr; }

RawListener RawListener::open(const std::string& path) {
  RawListener out;
  Handle socket = new_socket();
  const auto address = address_of(path);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return out;
  if (::listen(socket.get(), 16) != 0) return out;
  out.state_ = std::make_unique<State>(std::move(socket));
  return out;
}

RawEnd RawListener::accept() { return RawEnd(Handle(::accept4(state_->socket.get(), nullptr, nullptr, SOCK_CLOEXEC))); }

RawEnd RawListener::try_accept() {
  ::fcntl(state_->socket.get(), F_SETFL, O_NONBLOCK);
  auto got = accept();
  ::fcntl(state_->socket.get(), F_SETFL, 0);
  return got;
}

}  // namespace penstock::test
