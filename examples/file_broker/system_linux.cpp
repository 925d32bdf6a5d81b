#include "system.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>

namespace file_broker {
namespace {

bool write_all(const std::byte* data, std::size_t size) {
  while (size > 0) {
    const auto written = ::write(STDOUT_FILENO, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

std::vector<std::string> arguments_of(int count, char** arguments) {
  if (count < 1) return {};
  return {arguments + 1, arguments + count};
}

penstock::native_handle standard_error() noexcept {
  return STDERR_FILENO;
}

bool copy_out(const penstock::Handle& file) {
  std::array<std::byte, 16384> block;
  for (;;) {
    const auto got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (!write_all(block.data(), static_cast<std::size_t>(got))) return false;
  }
}

struct EndRequest::Impl {
  explicit Impl(boost::asio::io_context& loop) : signals(loop, SIGTERM, SIGINT) {}
  boost::asio::signal_set signals;
};

EndRequest::EndRequest(boost::asio::io_context& loop, std::string_view /*signals come to any process*/,
                       std::function<void()> then)
    : impl_(std::make_unique<Impl>(loop)) {
  impl_->signals.async_wait([then = std::move(then)](boost::system::error_code error, int) {
    if (!error) then();
  });
}

EndRequest::~EndRequest() = default;

}  // namespace file_broker
