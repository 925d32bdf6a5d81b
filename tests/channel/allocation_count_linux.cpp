#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "tests/channel/allocation_count.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// glibc's own entry points, which its manual (Replacing malloc) leaves callable under these names. NOLINTBEGIN
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  *memory = __libc_memalign(alignment, size);
  return *memory != nullptr ? 0 : ENOMEM;
}
}
// NOLINTEND

namespace penstock::test {

std::uint64_t allocation_count() { return allocations.load(std::memory_order_relaxed); }

void allocate_in_every_way() {
  auto* volatile number = new int(7);
  delete number;
  auto* volatile aligned = std::aligned_alloc(64, 64);
  std::free(aligned);
}

}  // namespace penstock::test
