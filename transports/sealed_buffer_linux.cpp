// Sources: memfd_create(2), fcntl(2) "File Sealing", mmap(2).
#include "transports/sealed_buffer.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "transports/memfd_linux.hpp"

namespace penstock {
namespace {

constexpr int wanted_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

}  // namespace

namespace transport {

result<Handle> make_memory(std::uint64_t size) {
  auto memory = make_memfd();
  if (!memory) return memory_exhausted("memfd_create");
  if (::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) return memory_exhausted("ftruncate");
  return memory;
}

result<std::byte*> map_memory(const Handle& memory, std::uint64_t size, bool writable) {
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* const at = ::mmap(nullptr, static_cast<std::size_t>(size), protection, MAP_SHARED, memory.get(), 0);
  if (at == MAP_FAILED) return memory_exhausted("mmap");
  return static_cast<std::byte*>(at);
}

void unmap_memory(std::byte* at, std::uint64_t size) noexcept { ::munmap(at, static_cast<std::size_t>(size)); }

// The kernel refuses F_SEAL_WRITE while anybody can still write through a mapping, so the seal is a proof.
result<Handle> seal_memory(Handle memory) {
  if (::fcntl(memory.get(), F_ADD_SEALS, wanted_seals) != 0) return memory_exhausted("F_ADD_SEALS");
  return memory;
}

}  // namespace transport

bool SealedBuffer::is_immutable() noexcept { return true; }

result<std::uint64_t> BufferAccess::identity(const SealedBuffer& buffer) {
  struct stat status {};
  if (::fstat(buffer.native(), &status) != 0) return Error::invalid_argument;
  return std::uint64_t{status.st_ino};
}

result<SealedBuffer> BufferAccess::adopt(Handle memory, std::uint64_t size, std::uint64_t identity) {
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0 || (seals & wanted_seals) != wanted_seals) return Error::buffer_unsealed;
  // Huge pages are not there before they are touched, and the kernel may have none left then: SIGBUS for who reads (ATK-14).
  struct statfs system {};
  if (::fstatfs(memory.get(), &system) != 0 || system.f_type != TMPFS_MAGIC) return Error::buffer_unsealed;
  struct stat status {};
  if (::fstat(memory.get(), &status) != 0) return Error::buffer_unsealed;
  if (size == 0 || static_cast<std::uint64_t>(status.st_size) != size || status.st_ino != identity) return Error::buffer_unsealed;
  SealedBuffer buffer;
  buffer.memory_ = std::move(memory);
  buffer.size_ = size;
  return buffer;
}

}  // namespace penstock
