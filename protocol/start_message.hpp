// A start as it travels from a later instance to the first: the body of the request `start`, and of its answer.
#pragma once

#include "penstock/single_instance.hpp"

namespace penstock::protocol {

/// The operation that a later start calls.
inline constexpr std::string_view start_operation = "single-instance/start";

/// Little-endian 32-bit numbers; a text is its length in bytes and its bytes:
///
///     format (1), number of arguments, each argument, directory, number of variables, name and value of each
///
/// message_too_large, with a sentence, beyond a bound of the header.
[[nodiscard]] result<std::vector<std::byte>> encode_start(const Start& start);

/// Strict: message_malformed for another format, a bound passed, text that `sound_text` refuses, an empty or doubled variable name or one
/// with '=', bytes missing or left over. Allocates no more than a small multiple of what it was given.
[[nodiscard]] result<Start> decode_start(bytes_view bytes);

/// How a start was answered: Reply::status.
enum class StartAnswer : std::uint32_t {
  done = 0,       ///< the body is one byte, the exit status
  refused = 1,    ///< the application said no. From here on the body is empty
  malformed = 2,  ///< decode_start said no
  dropped = 3,    ///< nobody answered
};

/// The exit status, or what start() fails with: operation_refused, cancelled; message_malformed for what is no answer, too.
[[nodiscard]] result<int> decode_answer(std::uint32_t status, bytes_view body);

}  // namespace penstock::protocol
