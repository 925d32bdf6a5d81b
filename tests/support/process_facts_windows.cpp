#include <windows.h>

#include <psapi.h>
#include <tlhelp32.h>

#include <cstdint>
#include <cstdlib>

#include "crypto/windows_text.hpp"
#include "tests/support/endpoints.hpp"
#include "tests/support/process_facts.hpp"

namespace penstock::test {

std::size_t open_handles() {
  DWORD count = 0;
  if (::GetProcessHandleCount(::GetCurrentProcess(), &count) == 0) std::abort();
  if (count != 0) return count;
  // Wine does not count: every number is asked for. They are given out from below, and those that are free again first.
  constexpr std::uintptr_t last = 0x4000;
  std::size_t found = 0;
  for (std::uintptr_t value = 4; value < last; value += 4) {
    DWORD flags = 0;
    if (::GetHandleInformation(reinterpret_cast<HANDLE>(value), &flags) != 0) ++found;
  }
  if (found == 0 || found > last / 8) std::abort();
  return found;
}

std::size_t thread_count() {
  const Handle snapshot(::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0));
  THREADENTRY32 entry{};
  entry.dwSize = sizeof entry;
  std::size_t count = 0;
  for (BOOL more = ::Thread32First(snapshot.get(), &entry); more != 0; more = ::Thread32Next(snapshot.get(), &entry)) {
    if (entry.th32OwnerProcessID == ::GetCurrentProcessId()) ++count;
  }
  return count;
}

std::size_t memory_in_use() {
  PROCESS_MEMORY_COUNTERS_EX counters{};
  counters.cb = sizeof counters;
  if (::GetProcessMemoryInfo(::GetCurrentProcess(), reinterpret_cast<PROCESS_MEMORY_COUNTERS*>(&counters), sizeof counters) == 0) std::abort();
  // Wine 8 tells what is resident alone.
  return counters.PrivateUsage != 0 ? counters.PrivateUsage : counters.WorkingSetSize;
}

bool name_exists(const Endpoint& endpoint) {
  const auto path = to_wide(address_of(endpoint)).value();
  return ::WaitNamedPipeW(path.c_str(), 1) != 0 || ::GetLastError() == ERROR_SEM_TIMEOUT;
}

bool has_second_user() { return false; }
bool become_second_user() { return false; }

Storm storm_for_this_platform() { return {2'000, 5, 64}; }

}  // namespace penstock::test
