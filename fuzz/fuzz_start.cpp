// What a later start of a program sends to the first: whatever is read keeps every bound, and is what would be sent for it.
#include "fuzz/input.hpp"
#include "protocol/start_message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  using fuzz::require;
  const bytes_view input = std::as_bytes(std::span(data, size));
  const auto start = protocol::decode_start(input);
  if (!start) {
    require(start.error() == Error::message_malformed, "another error");
    return 0;
  }
  require(start->arguments.size() <= max_start_arguments && start->environment.size() <= max_start_variables, "more than the bounds");
  for (const auto& one : start->environment) require(start->variable(one.name) == one.value, "a variable twice");
  const auto again = protocol::encode_start(*start);
  require(again && std::ranges::equal(*again, input), "two encodings of one start");
  return 0;
}
