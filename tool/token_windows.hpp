// What this process's own token says. Source: GetTokenInformation.
#pragma once

#include <windows.h>

#include <optional>
#include <vector>

#include "penstock/handle.hpp"

namespace penstock::tool {

[[nodiscard]] inline Handle own_token() {
  HANDLE raw = nullptr;
  return ::OpenProcessToken(::GetCurrentProcess(), TOKEN_QUERY, &raw) != 0 ? Handle(raw) : Handle();
}

/// The information of one class, of whatever size; empty when there is none.
[[nodiscard]] inline std::vector<std::byte> token_information(const Handle& token, TOKEN_INFORMATION_CLASS what) {
  DWORD size = 0;
  if (!token) return {};
  ::GetTokenInformation(token.get(), what, nullptr, 0, &size);
  std::vector<std::byte> out(size);
  if (size == 0 || ::GetTokenInformation(token.get(), what, out.data(), size, &size) == 0) return {};
  return out;
}

}  // namespace penstock::tool
