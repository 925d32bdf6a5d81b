// Reading whole trusted files: the same on every platform.
#include "crypto/trusted_file.hpp"

#include <fmt/format.h>

namespace penstock::crypto {

result<std::string> read_trusted_file(const std::string& path, const TrustedFileRules& rules) {
  auto file = open_trusted_file(path, rules);
  if (!file) return file.error();
  // One byte more than is allowed, so that a file which grows after the check is seen to be too large.
  std::string contents(rules.max_size + 1, '\0');
  auto size = read_up_to(*file, std::as_writable_bytes(std::span(contents)));
  if (!size) return Failure(rules.unreadable, fmt::format("{}: {}", path, size.error().sentence()));
  if (*size > rules.max_size) {
    return Failure(rules.unreadable, fmt::format("{} grew while it was read: let its writer finish first.", path));
  }
  contents.resize(*size);
  return contents;
}

}  // namespace penstock::crypto
