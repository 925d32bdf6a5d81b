#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "tool/input_file.hpp"

namespace penstock::tool {
namespace {

Failure failed() {
  return Failure(Error::io_error, std::generic_category().message(errno));
}

}  // namespace

result<InputFile> InputFile::open(const std::string& path) {
  Handle handle(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                            : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!handle) return failed();
  return InputFile(std::move(handle));
}

result<std::size_t> InputFile::read(bytes_span buffer) const {
  ssize_t got = 0;
  do got = ::read(handle_.get(), buffer.data(), buffer.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) return failed();
  return static_cast<std::size_t>(got);
}

void remove_own_file(const std::string& path) noexcept {
  ::unlink(path.c_str());
}

}  // namespace penstock::tool
