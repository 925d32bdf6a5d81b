// Standard input, output and error of this process, as each platform has them.
#pragma once

#include <cstdint>
#include <string_view>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

enum class Stream : std::uint8_t { input, output, error };

/// Opens nothing at each of the three that is closed: it would be taken by the next socket or key file, and a message for
/// people written into it. False when that cannot be done.
[[nodiscard]] bool occupy_standard_streams();

/// The stream's own handle. Borrowed.
[[nodiscard]] native_handle native(Stream stream) noexcept;

/// Is a person at the other side of it?
[[nodiscard]] bool is_terminal(Stream stream) noexcept;

/// A terminal that acts on ANSI sequences. A Windows console is told to, and told back when this process ends.
[[nodiscard]] bool takes_sequences(Stream stream) noexcept;

/// All of it. UTF-8. io_error; the sentence is the system's reason alone (a full disk, a closed pipe).
[[nodiscard]] result<void> write_all(Stream stream, std::string_view text);

}  // namespace penstock::tool
