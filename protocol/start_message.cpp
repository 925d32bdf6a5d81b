#include "protocol/start_message.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/own_start.hpp"
#include "protocol/wire.hpp"

namespace penstock::protocol {
namespace {

constexpr std::uint32_t format = 1;

void put_number(std::vector<std::byte>& out, std::size_t number) {
  const auto at = out.size();
  out.resize(at + 4);
  put(out.data() + at, static_cast<std::uint32_t>(number));
}

void put_text(std::vector<std::byte>& out, std::string_view text) {
  put_number(out, text.size());
  const auto bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::size_t size_of(const Start& start) {
  std::size_t size = 4 * 4 + start.directory.size();
  for (const auto& argument : start.arguments) size += 4 + argument.size();
  for (const auto& variable : start.environment) size += 8 + variable.name.size() + variable.value.size();
  return size;
}

Failure too_large(std::string_view what, std::size_t bound) {
  return Failure(Error::message_too_large,
                 fmt::format("This start has more {} than can be handed to the first instance ({}): start it with less.", what, bound));
}

/// Takes numbers and texts off the front. Once something is missing, all that follows is.
class Reader {
 public:
  explicit Reader(bytes_view bytes) : rest_(bytes) {}

  /// None beyond `bound`, too.
  std::optional<std::uint32_t> number(std::size_t bound) {
    if (rest_.size() < 4) return {};
    const auto value = get<std::uint32_t>(rest_.data());
    if (value > bound) return {};
    rest_ = rest_.subspan(4);
    return value;
  }
  std::optional<std::string> text(std::size_t bound) {
    const auto size = number(bound);
    if (!size || rest_.size() < *size) return {};
    std::string out(as_text(rest_.first(*size)));
    rest_ = rest_.subspan(*size);
    return sound_text(out) ? std::optional(std::move(out)) : std::nullopt;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  bytes_view rest_;
};

// No reserve() by a number that the sender chose: what is not there is not allocated for.
bool read_arguments(Reader& reader, Start& start) {
  const auto count = reader.number(max_start_arguments);
  if (!count) return false;
  for (std::uint32_t i = 0; i < *count; ++i) {
    auto argument = reader.text(max_start_bytes);
    if (!argument) return false;
    start.arguments.push_back(std::move(*argument));
  }
  return true;
}

bool read_environment(Reader& reader, Start& start) {
  const auto count = reader.number(max_start_variables);
  if (!count) return false;
  for (std::uint32_t i = 0; i < *count; ++i) {
    auto name = reader.text(max_variable_name);
    if (!name || name->empty() || name->find('=') != std::string::npos || start.variable(*name)) return false;
    auto value = reader.text(max_start_bytes);
    if (!value) return false;
    start.environment.push_back({std::move(*name), std::move(*value)});
  }
  return true;
}

}  // namespace

result<std::vector<std::byte>> encode_start(const Start& start) {
  if (start.arguments.size() > max_start_arguments) return too_large("arguments", max_start_arguments);
  if (start.directory.size() > max_start_directory) return too_large("bytes of a working directory", max_start_directory);
  if (start.environment.size() > max_start_variables) return too_large("environment variables", max_start_variables);
  for (const auto& variable : start.environment) {
    if (variable.name.size() > max_variable_name) return too_large("bytes of a variable's name", max_variable_name);
  }
  const auto size = size_of(start);
  if (size > max_start_bytes) return too_large("bytes of arguments and environment", max_start_bytes);
  std::vector<std::byte> out;
  out.reserve(size);
  put_number(out, format);
  put_number(out, start.arguments.size());
  for (const auto& argument : start.arguments) put_text(out, argument);
  put_text(out, start.directory);
  put_number(out, start.environment.size());
  for (const auto& variable : start.environment) {
    put_text(out, variable.name);
    put_text(out, variable.value);
  }
  return out;
}

result<Start> decode_start(bytes_view bytes) {
  if (bytes.size() > max_start_bytes) return Error::message_malformed;
  Reader reader(bytes);
  if (reader.number(format) != format) return Error::message_malformed;
  Start start;
  if (!read_arguments(reader, start)) return Error::message_malformed;
  auto directory = reader.text(max_start_directory);
  if (!directory) return Error::message_malformed;
  start.directory = std::move(*directory);
  if (!read_environment(reader, start) || !reader.at_end()) return Error::message_malformed;
  return start;
}

result<int> decode_answer(std::uint32_t status, bytes_view body) {
  const auto answer = static_cast<StartAnswer>(status);
  if (answer == StartAnswer::done && body.size() == 1) return std::to_integer<int>(body[0]);
  if (!body.empty()) return Error::message_malformed;
  switch (answer) {
    case StartAnswer::refused:
      return Failure(Error::operation_refused, "The instance that runs already refused this start: its own messages say why.");
    case StartAnswer::malformed:
      return Failure(Error::message_malformed,
                     "The instance that runs already did not understand this start: it may be another version; end it, and start again.");
    case StartAnswer::dropped:
      return Failure(Error::cancelled, "The instance that runs already took this start and gave no answer: see what it did of it.");
    default:
      return Error::message_malformed;
  }
}

}  // namespace penstock::protocol

namespace penstock {

std::optional<std::string_view> Start::variable(std::string_view name) const noexcept {
  const auto found = std::ranges::find(environment, name, &StartVariable::name);
  return found == environment.end() ? std::nullopt : std::optional<std::string_view>(found->value);
}

}  // namespace penstock
