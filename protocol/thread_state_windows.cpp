// Not thread_local: GCC for Windows frees the memory of a thread's variables before it runs their destructors, so that a key
// would be wiped in memory that is somebody else's by then (GCC bug 83562). Sources: FlsAlloc, FlsSetValue.
#include <windows.h>

#include <cstdlib>

#include "protocol/thread_state.hpp"

namespace penstock::protocol {
namespace {

void WINAPI destroy(void* state) { delete static_cast<ThreadState*>(state); }

DWORD slot() {
  static const DWORD number = ::FlsAlloc(destroy);
  return number;
}

}  // namespace

ThreadState& thread_state() {
  if (void* const there = ::FlsGetValue(slot())) return *static_cast<ThreadState*>(there);
  auto made = std::make_unique<ThreadState>();
  // A process out of slots cannot start threads either.
  if (::FlsSetValue(slot(), made.get()) == 0) std::abort();
  return *made.release();
}

}  // namespace penstock::protocol
