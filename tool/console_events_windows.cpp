#include "tool/console_events_windows.hpp"

#include <windows.h>

namespace penstock::tool {
namespace {

// Called on a thread that the system makes for it.
BOOL WINAPI on_event(DWORD kind) {
  ::ReleaseSemaphore(end_request_event().get(), 1, nullptr);
  // When this returns for one of these three, the process ends at once. It ends itself sooner, or is ended some seconds later.
  if (kind == CTRL_CLOSE_EVENT || kind == CTRL_LOGOFF_EVENT || kind == CTRL_SHUTDOWN_EVENT) ::Sleep(INFINITE);
  return TRUE;
}

Handle watch() {
  Handle requests(::CreateSemaphoreW(nullptr, 0, 1024, nullptr));
  // A parent may have had Ctrl-C ignored, which is inherited: a request to us is a request.
  ::SetConsoleCtrlHandler(nullptr, FALSE);
  return requests;
}

}  // namespace

const Handle& end_request_event() {
  static const Handle requests = watch();
  static const bool registered = ::SetConsoleCtrlHandler(on_event, TRUE) != 0;  // after it: the handler asks for it
  static_cast<void>(registered);
  return requests;
}

}  // namespace penstock::tool
