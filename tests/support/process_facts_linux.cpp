#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/endpoints.hpp"
#include "tests/support/process_facts.hpp"

namespace penstock::test {
namespace {

constexpr uid_t nobody = 65534;

std::size_t entries(const char* directory) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

}  // namespace

// One of them is the listing's own.
std::size_t open_handles() { return entries("/proc/self/fd") - 1; }

std::size_t thread_count() { return entries("/proc/self/task"); }

std::size_t memory_in_use() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool name_exists(const Endpoint& endpoint) {
  struct stat status {};
  return ::lstat(address_of(endpoint).c_str(), &status) == 0;
}

bool has_second_user() { return ::geteuid() == 0; }

bool become_second_user() {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(nobody, nobody, nobody) == 0 && ::setresuid(nobody, nobody, nobody) == 0;
}

// Without a second user the storm and the honest ones would share one user's places.
Storm storm_for_this_platform() { return {10'000, has_second_user() ? 20 : 0, 8}; }

}  // namespace penstock::test
