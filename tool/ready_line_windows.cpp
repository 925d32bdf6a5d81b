#include <windows.h>

#include "penstock/handle.hpp"
#include "tool/ready_line.hpp"
#include "tool/standard_streams.hpp"

namespace penstock::tool {

bool say_ready(std::int64_t number) {
  if (number == 1 || number == 2) return write_all(number == 1 ? Stream::output : Stream::error, "ready\n").has_value();
  const auto raw = reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(number));
  DWORD written = 0;
  if (raw == nullptr || ::WriteFile(raw, "ready\n", 6, &written, nullptr) == 0 || written != 6) return false;
  ::CloseHandle(raw);
  return true;
}

}  // namespace penstock::tool
