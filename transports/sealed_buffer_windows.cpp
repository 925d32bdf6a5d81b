// Sources: CreateFileMapping, MapViewOfFile, DuplicateHandle, "File Mapping Security and Access Rights".
#include "transports/sealed_buffer.hpp"

#include <windows.h>

#include "crypto/windows_text.hpp"
#include "transports/memory_segment.hpp"

namespace penstock {
namespace {

constexpr std::uint64_t largest_buffer = std::uint64_t{1} << 40;

result<std::byte*> map(const Handle& section, std::uint64_t size, DWORD access) {
  void* const at = ::MapViewOfFile(section.get(), access, 0, 0, static_cast<SIZE_T>(size));
  if (at == nullptr) return windows_error(::GetLastError());
  return static_cast<std::byte*>(at);
}

}  // namespace

void SealedBuffer::reset() noexcept {
  if (view_ != nullptr) ::UnmapViewOfFile(std::exchange(view_, nullptr));
  size_ = 0;
  memory_.reset();
}

// Sections have no seals.
bool SealedBuffer::is_immutable() noexcept { return false; }

result<bytes_view> SealedBuffer::view() {
  if (!valid()) return Error::invalid_argument;
  if (view_ == nullptr) {
    const auto mapped = map(memory_, size_, FILE_MAP_READ);
    if (!mapped) return mapped.error();
    view_ = *mapped;
  }
  return bytes_view(view_, static_cast<std::size_t>(size_));
}

result<BufferMaker> BufferMaker::make(std::uint64_t size) {
  if (size == 0 || size > largest_buffer) return Error::invalid_argument;
  BufferMaker made;
  constexpr DWORD kind = PAGE_READWRITE | SEC_COMMIT;
  const auto high = static_cast<DWORD>(size >> 32);
  made.buffer_.memory_ = Handle(::CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, kind, high, static_cast<DWORD>(size), nullptr));
  if (!made.buffer_.memory_) return windows_error(::GetLastError());
  const auto mapped = map(made.buffer_.memory_, size, FILE_MAP_READ | FILE_MAP_WRITE);
  if (!mapped) return mapped.error();
  made.buffer_.view_ = *mapped;
  made.buffer_.size_ = size;
  return made;
}

// The only handle that is left can map it for reading and nothing else.
result<SealedBuffer> BufferMaker::seal() {
  auto buffer = std::move(buffer_);
  if (!buffer) return Error::invalid_argument;
  ::UnmapViewOfFile(std::exchange(buffer.view_, nullptr));
  HANDLE weaker = nullptr;
  const auto own = ::GetCurrentProcess();
  if (::DuplicateHandle(own, buffer.memory_.get(), own, &weaker, SECTION_MAP_READ | SECTION_QUERY, FALSE, 0) == 0) {
    return windows_error(::GetLastError());
  }
  buffer.memory_ = Handle(weaker);
  return buffer;
}

result<std::uint64_t> BufferAccess::identity(const SealedBuffer& buffer) {
  return buffer.valid() ? result<std::uint64_t>(0) : Error::invalid_argument;
}

result<SealedBuffer> BufferAccess::adopt(Handle memory, std::uint64_t size, std::uint64_t identity) {
  if (identity != 0 || size == 0 || size > largest_buffer) return Error::buffer_unsealed;
  // Mapped once to see what it is: committed memory of the paging file, and so large.
  auto mapped = transport::map_peer_segment(memory, static_cast<std::size_t>(size));
  if (!mapped) return Error::buffer_unsealed;
  SealedBuffer buffer;
  buffer.memory_ = std::move(memory);
  buffer.size_ = size;
  return buffer;
}

}  // namespace penstock
