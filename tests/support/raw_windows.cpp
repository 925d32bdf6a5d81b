// Sources: CreateNamedPipeW, ConnectNamedPipe, CreateFileW, CancelIoEx. Overlapped throughout: on a handle without it a read that
// waits keeps every write waiting too.
#include "tests/support/raw.hpp"

#include <windows.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "crypto/windows_text.hpp"
#include "tests/support/security_windows.hpp"
#include "transports/segments.hpp"

namespace penstock::test {
namespace {

/// One overlapped call at a time, waited for.
class Waiting {
 public:
  Waiting() : event_(::CreateEventW(nullptr, TRUE, FALSE, nullptr)) {}
  OVERLAPPED* begin() {
    overlapped_ = {};
    overlapped_.hEvent = event_.get();
    return &overlapped_;
  }
  /// Bytes moved; 0 where it failed, or `stop` was signalled first.
  std::size_t finish(HANDLE pipe, BOOL started, HANDLE stop) {
    if (started == 0 && ::GetLastError() != ERROR_IO_PENDING) return 0;
    const std::array both{event_.get(), stop};
    if (::WaitForMultipleObjects(2, both.data(), FALSE, INFINITE) != WAIT_OBJECT_0) ::CancelIoEx(pipe, &overlapped_);
    DWORD moved = 0;
    return ::GetOverlappedResult(pipe, &overlapped_, &moved, TRUE) != 0 ? moved : 0;
  }
  [[nodiscard]] bool wait(HANDLE pipe) {
    DWORD none = 0;
    return ::GetOverlappedResult(pipe, &overlapped_, &none, TRUE) != 0;
  }
  [[nodiscard]] bool signalled() const { return ::WaitForSingleObject(event_.get(), 0) == WAIT_OBJECT_0; }

 private:
  OVERLAPPED overlapped_{};
  Handle event_;
};

}  // namespace

struct RawEnd::State {
  Handle pipe;
  Handle stop{::CreateEventW(nullptr, TRUE, FALSE, nullptr)};
  Waiting reading;
  Waiting writing;
  transport::SegmentReader segments;

  std::size_t read_some(bytes_span into) {
    return reading.finish(pipe.get(), ::ReadFile(pipe.get(), into.data(), static_cast<DWORD>(into.size()), nullptr, reading.begin()),
                          stop.get());
  }
};

RawEnd::RawEnd() = default;
RawEnd::~RawEnd() = default;
RawEnd::RawEnd(RawEnd&&) noexcept = default;
RawEnd& RawEnd::operator=(RawEnd&&) noexcept = default;
RawEnd::operator bool() const noexcept { return state_ != nullptr; }
RawEnd::RawEnd(Handle connected) {
  if (!connected) return;
  state_ = std::make_unique<State>();
  state_->pipe = std::move(connected);
}

RawEnd RawEnd::connect(const std::string& address) {
  const auto path = to_wide(address).value();
  constexpr DWORD rights = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;
  for (;;) {
    const auto raw = ::CreateFileW(path.c_str(), rights, 0, nullptr, OPEN_EXISTING,
                                   FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, nullptr);
    if (raw != INVALID_HANDLE_VALUE) return RawEnd(Handle(raw));
    if (::GetLastError() != ERROR_PIPE_BUSY) return {};
    ::WaitNamedPipeW(path.c_str(), NMPWAIT_WAIT_FOREVER);
  }
}

bool RawEnd::write(bytes_view bytes) const {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), transport::largest_segment));
    std::array<std::byte, transport::segment_head_size> head;
    const auto size = transport::encode_segment_head(part.size(), {}, head);
    std::vector<std::byte> whole(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
    whole.insert(whole.end(), part.begin(), part.end());
    auto& [pipe, stop, reading, writing, segments] = *state_;
    const auto sent = writing.finish(
        pipe.get(), ::WriteFile(pipe.get(), whole.data(), static_cast<DWORD>(whole.size()), nullptr, writing.begin()), stop.get());
    if (sent != whole.size()) return false;
    bytes = bytes.subspan(part.size());
  }
  return true;
}

bool RawEnd::read(bytes_span bytes) const {
  auto& segments = state_->segments;
  while (!bytes.empty()) {
    while (segments.missing() != 0) {
      std::array<std::byte, transport::segment_head_size> head;
      const auto got = state_->read_some(std::span(head).first(segments.missing()));
      if (got == 0 || !segments.feed(std::span<const std::byte>(head).first(got))) return false;
    }
    const auto got = state_->read_some(bytes.first(std::min(bytes.size(), segments.payload())));
    if (got == 0) return false;
    segments.take(got);
    bytes = bytes.subspan(got);
  }
  return true;
}

// A pipe's end has no shutdown: its owner stops here, and the other sees the end when it is closed.
void RawEnd::end() const noexcept { ::SetEvent(state_->stop.get()); }

struct RawListener::State {
  std::wstring path;
  OwnSecurity security;
  Handle instance;
  Waiting connecting;
  bool already = false;

  bool listen() {
    constexpr DWORD mode = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT;
    const auto raw = ::CreateNamedPipeW(path.c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, mode, PIPE_UNLIMITED_INSTANCES, 65536,
                                        65536, 0, security.get());
    if (raw == INVALID_HANDLE_VALUE) return false;
    instance = Handle(raw);
    already = false;
    if (::ConnectNamedPipe(raw, connecting.begin()) != 0) return true;
    already = ::GetLastError() == ERROR_PIPE_CONNECTED;
    return already || ::GetLastError() == ERROR_IO_PENDING;
  }
  RawEnd take() {
    RawEnd out(std::move(instance));
    if (!listen()) std::abort();
    return out;
  }
};

RawListener::RawListener() = default;
RawListener::~RawListener() {
  if (!state_) return;
  // The kernel writes into the wait until it says that it is done.
  ::CancelIoEx(state_->instance.get(), nullptr);
  if (!state_->already) (void)state_->connecting.wait(state_->instance.get());
}
RawListener::RawListener(RawListener&&) noexcept = default;
RawListener& RawListener::operator=(RawListener&&) noexcept = default;
RawListener::operator bool() const noexcept { return state_ != nullptr; }

RawListener RawListener::open(const std::string& address) {
  RawListener out;
  auto state = std::make_unique<State>();
  state->path = to_wide(address).value();
  if (state->listen()) out.state_ = std::move(state);
  return out;
}

RawEnd RawListener::accept() {
  if (!state_->already && !state_->connecting.wait(state_->instance.get())) return {};
  return state_->take();
}

RawEnd RawListener::try_accept() {
  if (!state_->already && !state_->connecting.signalled()) return {};
  return state_->take();
}

}  // namespace penstock::test
