// Sources: MapViewOfFile, DuplicateHandle, "File Mapping Security and Access Rights".
#include "transports/sealed_buffer.hpp"

#include <windows.h>

#include "crypto/windows_text.hpp"
#include "transports/memory_segment.hpp"
#include "transports/section_windows.hpp"

namespace penstock {
namespace transport {

result<Handle> make_memory(std::uint64_t size) { return make_section(size); }

result<std::byte*> map_memory(const Handle& memory, std::uint64_t size, bool writable) {
  const DWORD access = writable ? FILE_MAP_READ | FILE_MAP_WRITE : FILE_MAP_READ;
  void* const at = ::MapViewOfFile(memory.get(), access, 0, 0, static_cast<SIZE_T>(size));
  if (at == nullptr) return windows_error(::GetLastError());
  return static_cast<std::byte*>(at);
}

void unmap_memory(std::byte* at, std::uint64_t) noexcept { ::UnmapViewOfFile(at); }

// The only handle that is left can map it for reading and nothing else.
result<Handle> seal_memory(Handle memory) {
  HANDLE weaker = nullptr;
  const auto own = ::GetCurrentProcess();
  if (::DuplicateHandle(own, memory.get(), own, &weaker, SECTION_MAP_READ | SECTION_QUERY, FALSE, 0) == 0) {
    return windows_error(::GetLastError());
  }
  return Handle(weaker);
}

}  // namespace transport

// Sections have no seals.
bool SealedBuffer::is_immutable() noexcept { return false; }

result<std::uint64_t> BufferAccess::identity(const SealedBuffer& buffer) {
  return buffer.valid() ? result<std::uint64_t>(0) : Error::invalid_argument;
}

result<SealedBuffer> BufferAccess::adopt(Handle memory, std::uint64_t size, std::uint64_t identity) {
  if (identity != 0 || size == 0 || size > transport::largest_buffer) return Error::buffer_unsealed;
  // Mapped once to see what it is: committed memory of the paging file, and so large.
  auto mapped = transport::map_peer_segment(memory, static_cast<std::size_t>(size));
  if (!mapped) return Error::buffer_unsealed;
  SealedBuffer buffer;
  buffer.memory_ = std::move(memory);
  buffer.size_ = size;
  return buffer;
}

}  // namespace penstock
