// Files of the demo's stage, as each platform makes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "penstock/result.hpp"

namespace penstock::tool {

enum class Readers : std::uint8_t { everybody, this_user };

/// A new file that only this user may write. io_error, with a sentence.
[[nodiscard]] result<void> write_demo_file(const std::string& path, std::string_view text, Readers readers);

/// Removes a directory and everything in it, as far as that goes.
void remove_tree(const std::string& path) noexcept;

}  // namespace penstock::tool
