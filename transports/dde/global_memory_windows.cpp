#include "transports/dde/global_memory_windows.hpp"

#include <windows.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace penstock::transport::dde {
namespace {

std::mutex guard;
std::set<void*> held;

void forget(void* raw) noexcept {
  const std::scoped_lock lock(guard);
  held.erase(raw);
}

}  // namespace

result<GlobalMemory> GlobalMemory::of(bytes_view head, bytes_view body) {
  GlobalMemory memory(::GlobalAlloc(GMEM_MOVEABLE | GMEM_DDESHARE, head.size() + body.size()));
  if (!memory.valid()) return Error::resource_exhausted;
  {
    const std::scoped_lock lock(guard);
    held.insert(memory.get());
  }
  auto* const at = static_cast<std::byte*>(::GlobalLock(memory.get()));
  if (at == nullptr) return Error::resource_exhausted;
  std::ranges::copy(body, std::ranges::copy(head, at).out);
  ::GlobalUnlock(memory.get());
  return memory;
}

void GlobalMemory::reset() noexcept {
  if (raw_ == nullptr) return;
  forget(raw_);
  ::GlobalFree(std::exchange(raw_, nullptr));
}

void* GlobalMemory::release() noexcept {
  forget(raw_);
  return std::exchange(raw_, nullptr);
}

void free_received(void* raw) noexcept {
  if (raw != nullptr) ::GlobalFree(raw);
}

std::optional<std::vector<std::byte>> copy_out(void* raw, std::size_t most) {
  if (raw == nullptr) return std::nullopt;
  const auto size = ::GlobalSize(raw);
  if (size == 0 || size > most) return std::nullopt;
  const auto* const at = static_cast<const std::byte*>(::GlobalLock(raw));
  if (at == nullptr) return std::nullopt;
  std::vector<std::byte> out(at, at + size);
  ::GlobalUnlock(raw);
  return out;
}

bool is_held_here(void* raw) noexcept {
  const std::scoped_lock lock(guard);
  return held.contains(raw);
}

std::size_t global_memory_held() noexcept {
  const std::scoped_lock lock(guard);
  return held.size();
}

}  // namespace penstock::transport::dde
