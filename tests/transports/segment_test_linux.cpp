// Memory from a hostile peer, and ours in a hostile peer's hands: real memfds, and a real second process.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "transports/memory_segment.hpp"
#include "transports/ring.hpp"
#include "transports/sealed_buffer.hpp"

namespace penstock::transport {
namespace {

constexpr std::size_t size = ring_offset + smallest_ring;
constexpr int good_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
constexpr int buffer_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

Handle memfd(std::size_t bytes, int seals) {
  Handle made(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(made.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(::fcntl(made.get(), F_ADD_SEALS, seals), 0);
  return made;
}

TEST(Segment, WhatOneWritesTheOtherReads) {
  auto own = make_segment(size);
  ASSERT_TRUE(own) << own.error().sentence();
  const auto peer = map_peer_segment(own->for_peer, size);
  ASSERT_TRUE(peer) << peer.error().sentence();
  own->memory.data()[size - 1] = std::byte{42};
  EXPECT_EQ(peer->data()[size - 1], std::byte{42});
}

TEST(Segment, Atk14WhatCouldBeCutOffUnderTheReaderIsRefused) {
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL}) {
    const auto hostile = memfd(size, good_seals & ~missing);
    const auto mapped = map_peer_segment(hostile, size);
    ASSERT_FALSE(mapped) << missing;
    EXPECT_EQ(mapped.error(), Error::segment_invalid);
  }
  EXPECT_EQ(map_peer_segment(memfd(size, 0), size).error(), Error::segment_invalid);
  EXPECT_TRUE(map_peer_segment(memfd(size, good_seals), size));
}

TEST(Segment, Atk14AnotherSizeThanAnnouncedIsRefused) {
  for (const std::size_t bytes : {std::size_t{0}, size - 1, size + 1, size / 2, 2 * size}) {
    EXPECT_EQ(map_peer_segment(memfd(bytes, good_seals), size).error(), Error::segment_invalid) << bytes;
  }
}

TEST(Segment, Atk14WhatIsNoMemoryIsRefused) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Handle reading(ends[0]), writing(ends[1]);
  EXPECT_EQ(map_peer_segment(reading, size).error(), Error::segment_invalid);
  const Handle file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(map_peer_segment(file, size).error(), Error::segment_invalid);
  EXPECT_EQ(BufferAccess::adopt(Handle(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)), 100, 1).error(), Error::buffer_unsealed);
}

// Their pages may not be there when they are read: SIGBUS. Making one needs no huge page.
TEST(Segment, Atk14HugePagesAreRefused) {
  constexpr std::size_t huge = std::size_t{2} << 20;
  const Handle made(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB));
  if (!made) GTEST_SKIP() << "this kernel makes no memfd of huge pages";
  ASSERT_EQ(::ftruncate(made.get(), huge), 0);
  ASSERT_EQ(::fcntl(made.get(), F_ADD_SEALS, good_seals), 0);
  EXPECT_EQ(map_peer_segment(made, huge).error(), Error::segment_invalid);
}

TEST(SealedBuffer, Atk14HugePagesAreRefused) {
  constexpr std::size_t huge = std::size_t{2} << 20;
  Handle made(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB));
  if (!made) GTEST_SKIP() << "this kernel makes no memfd of huge pages";
  ASSERT_EQ(::ftruncate(made.get(), huge), 0);
  ASSERT_EQ(::fcntl(made.get(), F_ADD_SEALS, buffer_seals), 0);
  struct stat status {};
  ASSERT_EQ(::fstat(made.get(), &status), 0);
  EXPECT_EQ(BufferAccess::adopt(std::move(made), huge, status.st_ino).error(), Error::buffer_unsealed);
}

// A process with our segment's handle, as a peer has it: every way to write it fails, and one that tries by force ends itself.
TEST(Segment, Atk15AReaderThatWritesFaultsItself) {
  auto own = make_segment(size);
  ASSERT_TRUE(own);
  own->memory.data()[ring_offset] = std::byte{7};
  const auto child = ::fork();
  if (child == 0) {
    const int fd = own->for_peer.get();
    if (::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED) ::_exit(1);
    const std::byte evil{66};
    if (::pwrite(fd, &evil, 1, ring_offset) != -1) ::_exit(2);
    if (::ftruncate(fd, 0) != -1 || ::ftruncate(fd, 2 * size) != -1) ::_exit(3);
    if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size) != -1) ::_exit(4);
    const auto path = "/proc/self/fd/" + std::to_string(fd);
    const int again = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (again >= 0 && ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) != MAP_FAILED) ::_exit(5);
    auto* const mapped = static_cast<volatile std::byte*>(::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0));
    if (::mprotect(const_cast<std::byte*>(mapped), size, PROT_READ | PROT_WRITE) != -1) ::_exit(6);
    ::signal(SIGSEGV, SIG_DFL);
    mapped[ring_offset] = evil;
    ::_exit(7);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "it could write: " << WEXITSTATUS(status);
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_EQ(own->memory.data()[ring_offset], std::byte{7});
}

TEST(Segment, Atk20IsNotMappedInAForkedChild) {
  auto own = make_segment(size);
  ASSERT_TRUE(own);
  const auto child = ::fork();
  if (child == 0) {
    ::signal(SIGSEGV, SIG_DFL);
    own->memory.data()[ring_offset] = std::byte{1};
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(own->memory.data()[ring_offset], std::byte{0});
}

TEST(SealedBuffer, NobodyWritesWhatIsSealedNotEvenItsMaker) {
  auto maker = BufferMaker::make(100'000);
  ASSERT_TRUE(maker);
  maker->bytes()[99'999] = std::byte{9};
  auto buffer = maker->seal();
  ASSERT_TRUE(buffer) << buffer.error().sentence();
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->native(), 0), MAP_FAILED);
  const std::byte evil{66};
  EXPECT_EQ(::pwrite(buffer->native(), &evil, 1, 0), -1);
  EXPECT_EQ(::ftruncate(buffer->native(), 1), -1);
  const auto view = buffer->view();
  ASSERT_TRUE(view);
  ASSERT_EQ(view->size(), 100'000u);
  EXPECT_EQ((*view)[99'999], std::byte{9});
}

TEST(SealedBuffer, AMakerThatIsMappedElsewhereIsNotSealed) {
  auto maker = BufferMaker::make(4096);
  ASSERT_TRUE(maker);
  // Somebody kept a way to write: the kernel refuses the seal, and so do we.
  void* const other = ::mremap(maker->bytes().data(), 0, 4096, MREMAP_MAYMOVE);
  ASSERT_NE(other, MAP_FAILED);
  EXPECT_FALSE(maker->seal());
  ::munmap(other, 4096);
}

TEST(SealedBuffer, Atk13WhatCouldStillChangeIsRefused) {
  const auto identity_of = [](const Handle& memory) {
    struct stat status {};
    EXPECT_EQ(::fstat(memory.get(), &status), 0);
    return std::uint64_t{status.st_ino};
  };
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_SEAL}) {
    auto hostile = memfd(5000, buffer_seals & ~missing);
    const auto identity = identity_of(hostile);
    EXPECT_EQ(BufferAccess::adopt(std::move(hostile), 5000, identity).error(), Error::buffer_unsealed) << missing;
  }
  // F_SEAL_FUTURE_WRITE leaves the maker's own mapping writable.
  auto writable = memfd(5000, good_seals);
  const auto writable_identity = identity_of(writable);
  EXPECT_EQ(BufferAccess::adopt(std::move(writable), 5000, writable_identity).error(), Error::buffer_unsealed);
  auto other = memfd(5000, buffer_seals);
  const auto other_identity = identity_of(other);
  EXPECT_EQ(BufferAccess::adopt(std::move(other), 5000, other_identity + 1).error(), Error::buffer_unsealed);
  auto longer = memfd(5000, buffer_seals);
  const auto longer_identity = identity_of(longer);
  EXPECT_EQ(BufferAccess::adopt(std::move(longer), 5001, longer_identity).error(), Error::buffer_unsealed);
  auto good = memfd(5000, buffer_seals);
  const auto good_identity = identity_of(good);
  EXPECT_TRUE(BufferAccess::adopt(std::move(good), 5000, good_identity));
}

}  // namespace
}  // namespace penstock::transport
