#include "tool/progress.hpp"

#include <fmt/format.h>

#include "tool/standard_streams.hpp"

namespace penstock::tool {
namespace {

constexpr std::chrono::seconds patience{2};
constexpr std::chrono::milliseconds pace{250};

void show(const std::string& text) {
  static_cast<void>(write_all(Stream::error, text));
}

}  // namespace

Progress::Progress(std::string verb)
    : verb_(std::move(verb)), on_(is_terminal(Stream::error)), next_(std::chrono::steady_clock::now() + patience) {}

void Progress::advance(std::uint64_t bytes) {
  bytes_ += bytes;
  if (!on_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + pace;
  shown_ = true;
  show(fmt::format("\r{} {:.1f} MiB ", verb_, static_cast<double>(bytes_) / (1024.0 * 1024.0)));
}

void Progress::clear() {
  if (!shown_) return;
  show(fmt::format("\r{:40}\r", ""));
  shown_ = false;
}

Waiting::Waiting(std::string what) : what_(std::move(what)) {
  if (is_terminal(Stream::error)) thread_ = std::thread([this] { run(); });
}

Waiting::~Waiting() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Waiting::run() {
  const auto started = std::chrono::steady_clock::now();
  auto next = started + patience;
  std::unique_lock lock(mutex_);
  bool shown = false;
  while (!ended_.wait_until(lock, next, [this] { return over_; })) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(next - started);
    show(fmt::format("\rwaiting for {}, {} s ", what_, seconds.count()));
    next += std::chrono::seconds(1);
    shown = true;
  }
  if (shown) show(fmt::format("\r{:100}\r", ""));
}

}  // namespace penstock::tool
