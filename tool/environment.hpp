// This process's environment, as each platform has it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock::tool {

/// The names that every program of ours is given, where they are set: what programs need to start, find others and know their
/// user's language and places. None that makes a program load something.
[[nodiscard]] std::span<const char* const> plain_names() noexcept;

/// UTF-8. None where it is not set, or is no text.
[[nodiscard]] std::optional<std::string> variable(const std::string& name);

/// Are these one variable? On Windows names that differ in case alone are.
[[nodiscard]] bool same_variable(std::string_view a, std::string_view b) noexcept;

}  // namespace penstock::tool
