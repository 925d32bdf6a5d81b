// What `serve` and `connect` agree on, beside bytes in messages (docs/COMMAND.md, "On the channel").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tool/ended.hpp"

namespace penstock::tool {

// A message is a piece of the stream, of any size. An empty one is the stream's end in that direction: the end is said,
// never inferred from a channel that closes (ATK-26).

/// The call that is answered with the program's last word, after everything it wrote.
inline constexpr std::string_view exit_status_operation = "exit-status";
/// Status of the reply to any other call.
inline constexpr unsigned not_served = 1;

/// "exited 3" or "killed 15".
[[nodiscard]] std::string last_word(const Ended& ended);
/// The exit status that it stands for: 0–255, or 128 + the signal. Nothing for other words.
[[nodiscard]] std::optional<int> read_last_word(std::string_view text);

/// How a piece of a stream is read before it is sent.
inline constexpr std::size_t piece_size = 65536;

}  // namespace penstock::tool
