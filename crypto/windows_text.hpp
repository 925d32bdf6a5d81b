// Text and errors of Windows as the rest of Penstock has them: UTF-8, and sentences.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "penstock/error.hpp"

namespace penstock {

/// UTF-8 to UTF-16. None for malformed UTF-8 or a zero character: what the kernel would read differently is not passed on.
[[nodiscard]] std::optional<std::wstring> to_wide(std::string_view text);

/// UTF-16 to UTF-8. What is no UTF-16 becomes U+FFFD: for people, never to be looked up again.
[[nodiscard]] std::string to_utf8(std::wstring_view text);

/// "Access is denied. (5)" and the like, for a GetLastError() value. Allocates: for set-up paths only.
[[nodiscard]] std::string windows_reason(unsigned long number);

/// Out of handles, memory or the like: it may work again after something has been closed.
[[nodiscard]] bool is_windows_exhaustion(unsigned long number) noexcept;

/// What an operation failed with, where nothing more particular is known.
[[nodiscard]] Error windows_error(unsigned long number) noexcept;

}  // namespace penstock
