// Sources: memfd_create(2), fcntl(2) "File Sealing", mmap(2), madvise(2).
#include "transports/memory_segment.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "transports/memfd_linux.hpp"

namespace penstock::transport {
namespace {

constexpr int wanted_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

// The place for both is taken first, so that nothing else can come between them.
result<Mapping> map(const Handle& memfd, std::size_t size, std::size_t ring, int protection) {
  const std::size_t whole = size + ring;
  void* const at = ::mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return memory_exhausted("mmap");
  Mapping mapping(static_cast<std::byte*>(at), size, ring);
  constexpr int over = MAP_SHARED | MAP_FIXED;
  if (::mmap(at, size, protection, over, memfd.get(), 0) == MAP_FAILED) return memory_exhausted("mmap");
  if (ring != 0 &&
      ::mmap(mapping.data() + size, ring, protection, over, memfd.get(), static_cast<off_t>(size - ring)) == MAP_FAILED) {
    return memory_exhausted("mmap");
  }
  // A forked child would write into a live channel; a core dump is to hold no ciphertext that a later key could open.
  if (::madvise(at, whole, MADV_DONTFORK) != 0 || ::madvise(at, whole, MADV_DONTDUMP) != 0) return memory_exhausted("madvise");
  return mapping;
}

}  // namespace

Mapping::Mapping(std::byte* data, std::size_t size, std::size_t repeated) noexcept
    : data_(data), size_(size), repeated_(repeated), owner_(::getpid()) {}

void Mapping::reset() noexcept {
  if (data_ != nullptr && owner_ == ::getpid()) ::munmap(data_, size_ + repeated_);
  data_ = nullptr;
  size_ = repeated_ = 0;
}

result<OwnSegment> make_segment(std::size_t size, std::size_t ring) {
  OwnSegment made;
  made.for_peer = make_memfd();
  if (!made.for_peer) return memory_exhausted("memfd_create");
  if (::ftruncate(made.for_peer.get(), static_cast<off_t>(size)) != 0) return memory_exhausted("ftruncate");
  auto memory = map(made.for_peer, size, ring, PROT_READ | PROT_WRITE);
  if (!memory) return memory.error();
  made.memory = std::move(*memory);
  // From here on only the mapping above can write (ATK-15), and nothing can be cut off under a reader (ATK-14).
  if (::fcntl(made.for_peer.get(), F_ADD_SEALS, wanted_seals) != 0) {
    return Failure(Error::unsupported, "this kernel cannot seal memory against later writers (F_SEAL_FUTURE_WRITE, Linux 5.1): use the pipe");
  }
  return made;
}

result<Mapping> map_peer_segment(const Handle& segment, std::size_t size, std::size_t ring) {
  // Only a memfd has seals: of anything else, a file above all, the owner could cut the end off under us (ATK-14).
  const int seals = ::fcntl(segment.get(), F_GET_SEALS);
  if (seals < 0 || (seals & wanted_seals) != wanted_seals) return Error::segment_invalid;
  struct statfs system {};
  // Huge pages are not there before they are touched, and the kernel may have none left then: SIGBUS for who reads (ATK-14).
  if (::fstatfs(segment.get(), &system) != 0 || system.f_type != TMPFS_MAGIC) return Error::segment_invalid;
  struct stat status {};
  if (::fstat(segment.get(), &status) != 0 || !S_ISREG(status.st_mode)) return Error::segment_invalid;
  if (static_cast<std::uint64_t>(status.st_size) != size) return Error::segment_invalid;
  return map(segment, size, ring, PROT_READ);
}

}  // namespace penstock::transport
