// What the second provider does to memory: it allocates with a thread's first record and never again, does without
// where it gets none, and leaves no key behind. In an executable of its own: it stands in for malloc, which OpenSSL
// calls.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>

#include "crypto/aead.hpp"
#include "tests/crypto/hex.hpp"

namespace {
std::atomic<std::size_t> allocations = 0;
thread_local constinit bool none_left = false;
}  // namespace

// glibc's own entry points, which its manual (Replacing malloc) leaves callable under these names. NOLINTBEGIN
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);

void* malloc(std::size_t size) {
  ++allocations;
  return none_left ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return none_left ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  ++allocations;
  return none_left ? nullptr : __libc_realloc(memory, size);
}
}
// NOLINTEND

namespace penstock::crypto {
namespace {

constexpr std::size_t size = 16384;

template <class Body>
void in_a_thread(Body body) {
  std::thread(body).join();
}

TEST(AeadProviderMemory, AllocatesWithAThreadsFirstRecordAndNeverAgain) {
  ASSERT_NE(large::provider(), nullptr);
  const auto key = AeadKey::make(Cipher::aes256_gcm, byte_array<32>{}, 0);
  ASSERT_TRUE(key);
  in_a_thread([&] {
    test::Bytes record = test::counting(size);
    byte_array<tag_size> tag{};
    bool right = true;
    const auto round = [&](std::uint64_t nonce) {
      right = right && key->seal(nonce, as_bytes("header"), record, record.data(), tag);
      right = right && key->open(nonce, as_bytes("header"), record, tag, record.data());
      right = right && key->open(nonce, as_bytes("other"), {}, tag, nullptr).error() == Error::record_forged;
    };
    const auto none = allocations.load();
    round(0);
    const auto before = allocations.load();
    EXPECT_GT(before, none) << "the counter does not see what OpenSSL allocates";
    for (std::uint64_t nonce = 1; nonce < 1000; ++nonce) round(nonce);
    EXPECT_EQ(allocations.load(), before);
    EXPECT_TRUE(right);
  });
}

TEST(AeadProviderMemory, WithoutMemoryForAContextLibsodiumTakesTheRecord) {
  ASSERT_NE(large::provider(), nullptr);
  const auto second = AeadKey::make(Cipher::aes256_gcm, byte_array<32>{}, 0);
  const auto sodium = AeadKey::make(Cipher::aes256_gcm, byte_array<32>{}, large::never);
  ASSERT_TRUE(second && sodium);
  in_a_thread([&] {
    test::Bytes record(size), expected(size), unread(size);
    byte_array<tag_size> tag{}, expected_tag{}, unread_tag{};
    const byte_array<32> raw{};
    const std::array<unsigned char, 12> nonce{};
    none_left = true;
    const auto outcome = large::seal({raw, nonce, {}}, unread, unread.data(), unread_tag);
    const bool sealed = second->seal(1, {}, record, record.data(), tag).has_value();
    none_left = false;
    EXPECT_EQ(outcome, large::Outcome::not_begun);
    EXPECT_TRUE(std::ranges::all_of(unread, [](std::byte byte) { return byte == std::byte{0}; }));
    EXPECT_TRUE(sealed);
    EXPECT_TRUE(sodium->seal(1, {}, expected, expected.data(), expected_tag));
    EXPECT_EQ(test::hex(tag), test::hex(expected_tag));
    EXPECT_TRUE(record == expected);
    // And it is tried again when there is memory.
    EXPECT_EQ(large::seal({raw, nonce, {}}, unread, unread.data(), unread_tag), large::Outcome::done);
  });
}

// How often 32 secret bytes stand in memory that may be written, apart from secret pages, which the kernel shows as
// wiped in a forked child ("wf"). AES-256's expanded key begins with the key itself.
std::size_t copies_of(bytes_view secret) {
  struct Range {
    std::uintptr_t from, to;
  };
  std::vector<Range> ranges;
  std::ifstream smaps("/proc/self/smaps");
  Range range{};
  bool writable = false;
  for (std::string line; std::getline(smaps, line);) {
    char rights[5] = {};
    Range next{};  // the names of fields begin with hex digits too
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s", &next.from, &next.to, rights) == 3) {
      range = next;
      writable = rights[0] == 'r' && rights[1] == 'w';
    } else if (line.starts_with("VmFlags:") && writable && line.find(" wf") == std::string::npos) {
      ranges.push_back(range);
    }
  }
  EXPECT_FALSE(ranges.empty());
  std::size_t found = 0;
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  // What is read is itself a copy: it is wiped before the next step, and reading the buffer into itself finds zeros.
  static std::array<std::byte, 65536> buffer;
  for (const auto& [from, to] : ranges) {
    for (std::uintptr_t at = from; at < to; at += buffer.size() - secret.size() + 1) {
      const auto wanted = std::min<std::uintptr_t>(buffer.size(), to - at);
      const auto got = ::pread(memory, buffer.data(), wanted, static_cast<off_t>(at));
      if (got <= 0) continue;
      const auto window = bytes_view(buffer).first(static_cast<std::size_t>(got));
      for (auto rest = window;;) {
        const auto hit = std::ranges::search(rest, secret);
        if (hit.empty()) break;
        ++found;
        rest = {hit.begin() + 1, rest.end()};
      }
      wipe(buffer);
    }
  }
  ::close(memory);
  return found;
}

TEST(AeadProviderMemory, LeavesNoKeyOutsideSecretMemory) {
  ASSERT_NE(large::provider(), nullptr);
  const auto secret = Secret<32>::random();
  ASSERT_TRUE(secret);
  const auto key = AeadKey::make(Cipher::aes256_gcm, secret->bytes(), 0);
  ASSERT_TRUE(key);
  test::Bytes record(size);
  byte_array<tag_size> tag{};
  ASSERT_TRUE(key->seal(1, {}, record, record.data(), tag));
  EXPECT_EQ(copies_of(secret->bytes()), 0u) << "after sealing";
  ASSERT_TRUE(key->open(1, {}, record, tag, record.data()));
  EXPECT_EQ(copies_of(secret->bytes()), 0u) << "after opening";
  EXPECT_EQ(key->open(2, {}, record, tag, record.data()).error(), Error::record_forged);
  EXPECT_EQ(copies_of(secret->bytes()), 0u) << "after a refusal";

  const auto planted = std::make_unique<byte_array<32>>();
  std::ranges::copy(secret->bytes(), planted->begin());
  EXPECT_EQ(copies_of(secret->bytes()), 1u) << "the search does not find what there is";
}

}  // namespace
}  // namespace penstock::crypto
