#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "tool/standard_streams.hpp"

namespace penstock::tool {

bool occupy_standard_streams() {
  for (int raw = 0; raw <= 2; ++raw) {
    if (::fcntl(raw, F_GETFD) >= 0) continue;
    if (::open("/dev/null", O_RDWR) != raw) return false;
  }
  return true;
}

native_handle native(Stream stream) noexcept {
  return static_cast<int>(stream);  // in the order of STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO
}

bool is_terminal(Stream stream) noexcept {
  return ::isatty(native(stream)) == 1;
}

bool takes_sequences(Stream stream) noexcept {
  const char* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): the command has one thread
  return kind != nullptr && std::string_view(kind) != "dumb" && is_terminal(stream);
}

result<void> write_all(Stream stream, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(native(stream), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failure(Error::io_error, std::generic_category().message(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace penstock::tool
