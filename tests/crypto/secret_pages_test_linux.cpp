// What the kernel says of secret memory: guarded, locked, not dumped, wiped on fork.
#include "crypto/secret_pages.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>

#include "crypto/secret.hpp"
#include "tests/crypto/child_linux.hpp"
#include "tests/crypto/sanitized.hpp"

namespace penstock::crypto {
namespace {

struct Mapping {
  std::uintptr_t start = 0, end = 0;
  std::string permissions, flags;
};

// The mapping of /proc/self/smaps (proc(5)) that holds the address.
Mapping mapping_of(std::uintptr_t address) {
  std::ifstream smaps("/proc/self/smaps");
  Mapping found;
  for (std::string line; std::getline(smaps, line);) {
    std::istringstream words(line);
    std::uintptr_t start = 0, end = 0;
    char dash = 0;
    std::string permissions;
    if (words >> std::hex >> start >> dash >> end >> permissions && dash == '-') {
      if (start <= address && address < end) found = {start, end, permissions, {}};
    } else if (line.starts_with("VmFlags:") && found.end != 0) {
      found.flags = line.substr(8) + " ";
      return found;
    }
  }
  return {};
}

std::uintptr_t address_of(const SecretSlot& slot) {
  return reinterpret_cast<std::uintptr_t>(slot.bytes().data());
}

bool has(const Mapping& mapping, const std::string& flag) {
  return mapping.flags.find(" " + flag + " ") != std::string::npos;
}

long locked_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmLck:")) return std::stol(line.substr(6));
  }
  return -1;
}

TEST(SecretPages, AreKeptOutOfCoreDumpsAndForks) {
  const auto slot = SecretSlot::allocate(64);
  ASSERT_TRUE(slot);
  const auto mapping = mapping_of(address_of(*slot));
  EXPECT_EQ(mapping.permissions, "rw-p");
  EXPECT_TRUE(has(mapping, "dd")) << mapping.flags;
  EXPECT_TRUE(has(mapping, "wf")) << mapping.flags;
}

TEST(SecretPages, AreLocked) {
  if (!test::mlock_is_real) GTEST_SKIP() << "this sanitizer replaces mlock(2) by nothing";
  ASSERT_TRUE(initialise());
  const auto before = locked_kilobytes();
  const auto chunk = map_secret_chunk();
  ASSERT_TRUE(chunk);
  EXPECT_GE(locked_kilobytes() - before, static_cast<long>(secret_chunk_size / 1024));
  EXPECT_TRUE(has(mapping_of(reinterpret_cast<std::uintptr_t>(*chunk)), "lo"));
}

TEST(SecretPages, AreGuardedOnBothSides) {
  const auto slot = SecretSlot::allocate(64);
  ASSERT_TRUE(slot);
  const auto chunk = mapping_of(address_of(*slot));
  EXPECT_EQ(chunk.end - chunk.start, secret_chunk_size);
  EXPECT_EQ(mapping_of(chunk.end).permissions, "---p");
  // Before the chunk: the page that ends in sodium_malloc's canary, then the guard.
  const auto canary = mapping_of(chunk.start - 1);
  EXPECT_EQ(mapping_of(canary.start - 1).permissions, "---p");
}

TEST(SecretPages, ReadingOnPastTheEndEndsTheProcess) {
  const auto slot = SecretSlot::allocate(64);
  ASSERT_TRUE(slot);
  const auto address = address_of(*slot);
  const auto end = mapping_of(address).end;
  const auto read_until = [&](std::uintptr_t stop) {
    return test::in_child([&] {
      std::signal(SIGSEGV, SIG_DFL);
      unsigned sum = 0;
      for (auto at = address; at < stop; ++at) sum += *reinterpret_cast<const volatile unsigned char*>(at);
      return sum == 0 ? 0 : 1;  // the child reads wiped pages
    });
  };
  EXPECT_TRUE(read_until(end).exited_with(0));
  EXPECT_TRUE(read_until(end + 1).killed_by(SIGSEGV));
}

TEST(SecretPages, WithoutLockedMemoryThereAreNoSecrets) {
  if (!test::mlock_is_real) GTEST_SKIP() << "this sanitizer replaces mlock(2) by nothing";
  const auto ending = test::in_child([] {
    const rlimit none{0, 0};
    if (!(::setrlimit(RLIMIT_MEMLOCK, &none) == 0)) return 1;
    if (::geteuid() == 0) {
      constexpr unsigned nobody = 65534;
      if (!(::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0)) return 2;
    }
    // What the parent had is wiped here, so this needs a new chunk.
    const auto slot = SecretSlot::allocate(64);
    if (!(!slot)) return 3;
    if (!(slot.error() == Error::memory_unlocked)) return 4;
    const std::string sentence(slot.error().sentence());
    for (const char* word : {"RLIMIT_MEMLOCK", "LimitMEMLOCK", "ulimit -l"}) {
      if (!(sentence.find(word) != std::string::npos)) return 5;
    }
    // Refused every time, not only the first.
    if (!(SecretSlot::allocate(64).has_error())) return 6;
    return 0;
  });
  EXPECT_TRUE(ending.exited_with(0)) << ending.status;
}

}  // namespace
}  // namespace penstock::crypto
