#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "tests/support/endpoints.hpp"

namespace penstock::test {

Endpoint endpoint_in(const std::string& directory, const char* name, Scope scope) {
  auto made = Endpoint::make(name, scope, directory);
  if (!made) throw std::runtime_error(std::string(made.error().sentence()));
  return *made;
}

Handle file_with(std::string_view text) {
  Handle file(::memfd_create("penstock-test", MFD_CLOEXEC));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  return file;
}

std::string text_of(native_handle file) {
  std::array<char, 64> text{};
  const auto got = ::pread(file, text.data(), text.size(), 0);
  return {text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

bool is_inherited(native_handle handle) { return (::fcntl(handle, F_GETFD) & FD_CLOEXEC) == 0; }

}  // namespace penstock::test
