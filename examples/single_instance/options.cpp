#include "options.hpp"

#include <algorithm>
#include <charconv>

namespace single_instance {
namespace {

using penstock::Error;
using penstock::Failure;
using penstock::result;

result<penstock::DataPlane> carrier_of(std::string_view text) {
  if (text == "pipe") return penstock::DataPlane::pipe;
  if (text == "shared-memory") return penstock::DataPlane::shared_memory;
  if (text == "dde") return penstock::DataPlane::dde;
  return Failure(Error::invalid_argument, "--carrier is pipe, shared-memory or dde.");
}

result<int> number_of(std::string_view text) {
  int number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size() && number >= 0) return number;
  return Failure(Error::invalid_argument, "--status and --patience take a number.");
}

/// A word that stands alone.
bool take_flag(Options& options, std::string_view word) {
  if (word == "--quit") return options.quit = true;
  if (word == "--wait") return options.wait = true;
  if (word == "--done") return options.done = true;
  if (word == "--help") return options.help = true;
  if (word == "--same-program") return options.how.same_program = true;
  if (word == "--user-without-session") return options.how.user_without_session = true;
  return false;
}

result<void> take_value(Options& options, std::string_view word, const std::string& value) {
  if (word == "--name") options.name = value;
  if (word == "--directory") options.how.directory = value;
  if (word == "--environment") options.how.environment.push_back(value);
  if (word == "--carrier") {
    const auto carrier = carrier_of(value);
    if (!carrier) return carrier.error();
    options.how.data_plane = *carrier;
  }
  if (word == "--scope") {
    const auto scope = penstock::parse_scope(value);
    if (!scope) return scope.error();
    options.how.scope = *scope;
  }
  if (word == "--status" || word == "--patience") {
    const auto number = number_of(value);
    if (!number) return number.error();
    if (word == "--status") options.status = *number;
    if (word == "--patience") options.how.reach_deadline = options.how.answer_deadline = std::chrono::milliseconds(*number);
  }
  return {};
}

}  // namespace

result<Options> read(std::span<const std::string> arguments) {
  constexpr std::string_view valued[] = {"--name", "--directory", "--environment", "--carrier", "--scope", "--status", "--patience"};
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!word.starts_with("--")) {
      options.words.push_back(word);
      continue;
    }
    if (take_flag(options, word)) continue;
    if (std::ranges::find(valued, word) == std::end(valued) || i + 1 == arguments.size()) {
      return Failure(Error::invalid_argument, "Unknown option, or one without its value: " + word);
    }
    if (auto taken = take_value(options, word, arguments[++i]); !taken) return taken.error();
  }
  return options;
}

}  // namespace single_instance
