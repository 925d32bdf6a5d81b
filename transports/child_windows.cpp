#include <windows.h>

#include "transports/child.hpp"

namespace penstock::transport {

void end_child(const Handle& process) noexcept {
  if (!process) return;
  ::TerminateProcess(process.get(), 1);
  // It may hang in the kernel, on a share that does not answer: nobody has to collect it here.
  ::WaitForSingleObject(process.get(), 5000);
}

}  // namespace penstock::transport
