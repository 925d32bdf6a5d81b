// operator new, in all its forms; what the C runtime's own functions take is not seen here.
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "tests/channel/allocation_count.hpp"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = ::_aligned_malloc(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return allocate(size, static_cast<std::size_t>(alignment)); }
void operator delete(void* memory) noexcept { ::_aligned_free(memory); }
void operator delete[](void* memory) noexcept { ::_aligned_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { ::_aligned_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { ::_aligned_free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { ::_aligned_free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { ::_aligned_free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { ::_aligned_free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { ::_aligned_free(memory); }

namespace penstock::test {

std::uint64_t allocation_count() { return allocations.load(std::memory_order_relaxed); }

void allocate_in_every_way() {
  auto* volatile number = new int(7);
  delete number;
  struct alignas(64) Wide {
    int value;
  };
  auto* volatile wide = new Wide{};
  delete wide;
}

}  // namespace penstock::test
