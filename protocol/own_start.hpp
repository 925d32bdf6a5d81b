// How this process was started, as the operating system tells it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/result.hpp"

namespace penstock::protocol {

/// May it stand in a start? Linux: no zero byte. Windows: and UTF-8 that UTF-16 can be made of.
[[nodiscard]] bool sound_text(std::string_view text) noexcept;

/// Linux: a copy of argv, invalid_argument where it is none. Windows: GetCommandLineW and CommandLineToArgvW, whatever main() was given;
/// invalid_argument where that is no UTF-16, since another file would be opened than was meant.
[[nodiscard]] result<std::vector<std::string>> own_arguments(int argc, const char* const* argv);

/// Absolute; empty where there is none. Windows: invalid_argument as above.
[[nodiscard]] result<std::string> own_directory();

/// None where it is not set. Windows: invalid_argument as above.
[[nodiscard]] result<std::optional<std::string>> own_variable(const std::string& name);

}  // namespace penstock::protocol
