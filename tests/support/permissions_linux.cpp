#include <sys/stat.h>

#include <cstdlib>

#include "tests/support/permissions.hpp"

namespace penstock::test {

void set_mode(const std::string& path, unsigned mode) {
  if (::chmod(path.c_str(), mode) != 0) std::abort();
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777u : 0u;
}

std::string remedy(const std::string& change, const std::string& path) {
  return "chmod " + change + " " + path;
}

Umask::Umask(unsigned mask) : before_(::umask(mask)) {}

Umask::~Umask() {
  ::umask(before_);
}

}  // namespace penstock::test
