// Sources: MapViewOfFile, DuplicateHandle, VirtualQuery, GetMappedFileName, "File Mapping Security and Access Rights".
#include "transports/memory_segment.hpp"

#include <windows.h>
// After windows.h, which it needs.
#include <psapi.h>

#include <array>

#include "crypto/windows_text.hpp"
#include "transports/section_windows.hpp"

namespace penstock::transport {
namespace {

// Enough to map for reading and to ask for the size. Whoever has no more cannot map it for writing (ATK-15).
constexpr DWORD reading = SECTION_MAP_READ | SECTION_QUERY;

/// Committed memory of the paging file, all of it, from `at` on? Reserved pages would fault under a reader, and so would those of a
/// file on a disk or a network that goes away (ATK-14).
bool is_sound(const void* at, std::size_t size) noexcept {
  MEMORY_BASIC_INFORMATION region{};
  if (::VirtualQuery(at, &region, sizeof region) != sizeof region) return false;
  if (region.State != MEM_COMMIT || region.Type != MEM_MAPPED || region.RegionSize < size) return false;
  std::array<wchar_t, 64> name{};
  return ::K32GetMappedFileNameW(::GetCurrentProcess(), const_cast<void*>(at), name.data(), name.size()) == 0;
}

}  // namespace

Mapping::Mapping(std::byte* data, std::size_t size, std::size_t repeated) noexcept : data_(data), size_(size), repeated_(repeated) {}

void Mapping::reset() noexcept {
  if (data_ != nullptr) ::UnmapViewOfFile(std::exchange(data_, nullptr));
  size_ = 0;
}

result<OwnSegment> make_segment(std::size_t size, std::size_t /*ring*/) {
  OwnSegment made;
  const auto section = make_section(size);
  if (!section) return section.error();
  void* const at = ::MapViewOfFile(section->get(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, size);
  if (at == nullptr) return windows_error(::GetLastError());
  made.memory = Mapping(static_cast<std::byte*>(at), size);
  HANDLE weaker = nullptr;
  const auto own = ::GetCurrentProcess();
  if (::DuplicateHandle(own, section->get(), own, &weaker, reading, FALSE, 0) == 0) return windows_error(::GetLastError());
  made.for_peer = Handle(weaker);
  return made;
}

result<Mapping> map_peer_segment(const Handle& segment, std::size_t size, std::size_t /*ring*/) {
  void* const at = ::MapViewOfFile(segment.get(), FILE_MAP_READ, 0, 0, size);
  if (at == nullptr) return Error::segment_invalid;
  Mapping mapping(static_cast<std::byte*>(at), size);
  if (!is_sound(at, size)) return Error::segment_invalid;
  return mapping;
}

}  // namespace penstock::transport
