// Secret pages on Windows. Sources: VirtualLock, SetProcessWorkingSetSizeEx, WerRegisterExcludedMemoryBlock, libsodium
// "Secure memory".
//
// What Linux has and Windows has not: nothing keeps a full dump that another tool writes (task manager, procdump, a
// kernel dump) from holding the pages, and hibernation writes all memory. There is no fork(2), so nothing has to be
// wiped on one.
#include <fmt/format.h>
#include <sodium.h>
#include <windows.h>

#include <cstring>

#include "crypto/secret_pages.hpp"
#include "crypto/windows_text.hpp"

namespace penstock::crypto {
namespace {

Failure unlocked(unsigned long reason) {
  return Failure(
      Error::memory_unlocked,
      fmt::format(
          "{} bytes of memory for secrets cannot be locked against swapping ({}): give the account the right to "
          "increase a process working set, or lift the job's limit on it.",
          secret_chunk_size, windows_reason(reason)));
}

// A process may lock about as much as its smallest working set, which begins with 200 KiB.
bool grow_working_set() noexcept {
  constexpr std::size_t step = 4 * secret_chunk_size;
  SIZE_T least = 0;
  SIZE_T most = 0;
  DWORD flags = 0;
  const HANDLE self = ::GetCurrentProcess();
  if (!::GetProcessWorkingSetSizeEx(self, &least, &most, &flags)) return false;
  return ::SetProcessWorkingSetSizeEx(self, least + step, most + step, flags) != 0;
}

// 0, or a Windows error.
unsigned long lock(void* chunk) noexcept {
  if (sodium_mlock(chunk, secret_chunk_size) == 0) return 0;
  const auto reason = ::GetLastError();
  if (reason != ERROR_WORKING_SET_QUOTA && reason != ERROR_NOT_ENOUGH_QUOTA) return reason;
  if (!grow_working_set()) return ::GetLastError();
  return sodium_mlock(chunk, secret_chunk_size) == 0 ? 0 : ::GetLastError();
}

// Reports of Windows' own error reporting leave the chunk out, from version 1703 on. Older ones lack the function, and
// there is room for 512 blocks: what cannot be had is gone without, since it stops one kind of dump among several.
void exclude_from_reports(const void* chunk) noexcept {
  using Exclude = HRESULT(WINAPI*)(const void*, DWORD);
  static const auto exclude = [] {
    const HMODULE kernel = ::GetModuleHandleW(L"kernel32.dll");
    // By way of void(*)(), which is what a function of unknown type is.
    const auto found = kernel == nullptr
                           ? nullptr
                           : reinterpret_cast<void (*)()>(::GetProcAddress(kernel, "WerRegisterExcludedMemoryBlock"));
    return reinterpret_cast<Exclude>(found);
  }();
  if (exclude != nullptr) static_cast<void>(exclude(chunk, static_cast<DWORD>(secret_chunk_size)));
}

}  // namespace

result<std::byte*> map_secret_chunk() {
  void* const chunk = sodium_malloc(secret_chunk_size);
  if (chunk == nullptr) {
    return Failure(Error::resource_exhausted, "No memory is left for secrets: free some, or enlarge the paging file.");
  }
  // sodium_malloc locks too, but it tells nobody when it could not.
  if (const auto reason = lock(chunk); reason != 0) {
    sodium_free(chunk);
    return unlocked(reason);
  }
  exclude_from_reports(chunk);
  std::memset(chunk, 0, secret_chunk_size);
  return static_cast<std::byte*>(chunk);
}

void hold_over_fork(void (*)(), void (*)()) {}

}  // namespace penstock::crypto
