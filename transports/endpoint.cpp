// Names and directories of endpoints. The same rules on every platform: a name never says more than a file name does.
#include "penstock/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "transports/scope_directory.hpp"

namespace penstock {
namespace {

constexpr std::size_t longest_name = 64;

constexpr bool name_character(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/// For sentences: a name that was refused may hold anything, terminal escapes included.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, longest_name + 1));
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > out.size() ? out + "..." : out;
}

result<void> check_name(std::string_view name) {
  if (name.empty())
    return Failure(Error::name_invalid, "The endpoint's name is empty: give it one, such as \"disk-helper\".");
  if (name.size() > longest_name) {
    return Failure(Error::name_invalid, fmt::format("The endpoint's name \"{}\" has {} characters: use at most {}.",
                                                    printable(name), name.size(), longest_name));
  }
  // A leading zero byte would be the abstract namespace, where no directory says who may bind (ATK-10).
  if (!std::ranges::all_of(name, name_character)) {
    return Failure(Error::name_invalid, fmt::format("The endpoint's name \"{}\" holds other characters than A-Z, a-z, "
                                                    "0-9, '.', '_' and '-': leave them out.",
                                                    printable(name)));
  }
  if (name.front() == '.') {
    return Failure(Error::name_invalid,
                   fmt::format("The endpoint's name \"{}\" starts with a dot: start it with a letter or digit.", name));
  }
  return {};
}

}  // namespace

const char* to_string(Scope scope) noexcept {
  switch (scope) {
    case Scope::session:
      return "session";
    case Scope::user:
      return "user";
    case Scope::machine:
      return "machine";
  }
  return "invalid";
}

result<Scope> parse_scope(std::string_view text) {
  for (const Scope scope : {Scope::session, Scope::user, Scope::machine}) {
    if (text == to_string(scope)) return scope;
  }
  return Failure(Error::invalid_argument,
                 fmt::format("\"{}\" is no scope: use session, user or machine.", printable(text)));
}

result<Endpoint> Endpoint::make(std::string_view name, Scope scope, std::string_view directory) {
  if (auto valid = check_name(name); !valid) return valid.error();
  Endpoint endpoint;
  endpoint.name_ = name;
  endpoint.scope_ = scope;
  if (directory.empty()) {
    auto own = transport::scope_directory(scope);
    if (!own) return own.error();
    endpoint.directory_ = std::move(own->path);
  } else {
    auto normal = transport::named_directory(directory);
    if (!normal) return normal.error();
    endpoint.directory_ = std::move(*normal);
  }
  const auto length = transport::endpoint_path(endpoint.directory_, name).size() + 1;
  if (length > transport::longest_path()) {
    return Failure(Error::invalid_argument,
                   fmt::format("The endpoint's path would have {} bytes, more than the {} that a "
                               "path may have: use a shorter directory.",
                               length, transport::longest_path()));
  }
  return endpoint;
}

std::string Endpoint::describe() const {
  return fmt::format("{}:{} ({})", to_string(scope_), name_, transport::endpoint_path(directory_, name_));
}

}  // namespace penstock
