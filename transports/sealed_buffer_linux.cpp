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
constexpr std::uint64_t largest_buffer = std::uint64_t{1} << 40;

result<std::byte*> map(const Handle& memory, std::uint64_t size, int protection) {
  void* const at = ::mmap(nullptr, static_cast<std::size_t>(size), protection, MAP_SHARED, memory.get(), 0);
  if (at == MAP_FAILED) return transport::memory_exhausted("mmap");
  return static_cast<std::byte*>(at);
}

}  // namespace

void SealedBuffer::reset() noexcept {
  if (view_ != nullptr) ::munmap(std::exchange(view_, nullptr), static_cast<std::size_t>(size_));
  size_ = 0;
  memory_.reset();
}

bool SealedBuffer::is_immutable() noexcept { return true; }

result<bytes_view> SealedBuffer::view() {
  if (!valid()) return Error::invalid_argument;
  if (view_ == nullptr) {
    const auto mapped = map(memory_, size_, PROT_READ);
    if (!mapped) return mapped.error();
    view_ = *mapped;
  }
  return bytes_view(view_, static_cast<std::size_t>(size_));
}

result<BufferMaker> BufferMaker::make(std::uint64_t size) {
  if (size == 0 || size > largest_buffer) return Error::invalid_argument;
  BufferMaker made;
  made.buffer_.memory_ = transport::make_memfd();
  if (!made.buffer_.memory_) return transport::memory_exhausted("memfd_create");
  if (::ftruncate(made.buffer_.memory_.get(), static_cast<off_t>(size)) != 0) return transport::memory_exhausted("ftruncate");
  const auto mapped = map(made.buffer_.memory_, size, PROT_READ | PROT_WRITE);
  if (!mapped) return mapped.error();
  made.buffer_.view_ = *mapped;
  made.buffer_.size_ = size;
  return made;
}

result<SealedBuffer> BufferMaker::seal() {
  auto buffer = std::move(buffer_);
  if (!buffer) return Error::invalid_argument;
  // The kernel refuses F_SEAL_WRITE while anybody can still write through a mapping, so the seal is a proof.
  ::munmap(std::exchange(buffer.view_, nullptr), static_cast<std::size_t>(buffer.size_));
  if (::fcntl(buffer.memory_.get(), F_ADD_SEALS, wanted_seals) != 0) return transport::memory_exhausted("F_ADD_SEALS");
  return buffer;
}

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
