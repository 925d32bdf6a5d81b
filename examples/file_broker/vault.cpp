// What the vault is on every platform: its rule, its sentences, and the paths it looks at.
#include "vault.hpp"

#include <algorithm>

namespace file_broker {
namespace {

constexpr std::size_t longest_path = 1024;

}  // namespace

const char* sentence(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::opened:
      return "The file is open.";
    case Outcome::path_malformed:
      return "This is no path that the helper looks at.";
    case Outcome::not_allowed:
      return "The helper's rule does not name this file.";
    case Outcome::outside:
      return "The path leads out of the directory that is served.";
    case Outcome::not_found:
      return "There is no such file.";
    case Outcome::not_a_file:
      return "This is not a regular file.";
    case Outcome::failed:
      break;
  }
  return "The file could not be opened.";
}

std::optional<Vault::Start> Vault::find_rule(std::string_view path) const {
  for (const std::string_view rule : allowed_) {
    if (path == rule && !rule.ends_with("/*")) return Start{".", std::string(path)};
    if (!rule.ends_with("/*")) continue;
    const auto directory = rule.substr(0, rule.size() - 1);  // with its slash
    if (path.size() > directory.size() && path.starts_with(directory)) {
      return Start{std::string(directory), std::string(path.substr(directory.size()))};
    }
  }
  return std::nullopt;
}

bool well_formed(std::string_view path) noexcept {
  if (path.empty() || path.size() > longest_path || path.front() == '/') return false;
  for (std::size_t at = 0; at < path.size();) {
    const auto lead = static_cast<unsigned char>(path[at]);
    if (lead < 0x20 || lead == 0x7F) return false;  // NUL among them: the kernel would see a shorter path
    const std::size_t size = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
    if (size == 0 || path.size() - at < size) return false;
    for (std::size_t i = 1; i < size; ++i) {
      if ((static_cast<unsigned char>(path[at + i]) & 0xC0u) != 0x80u) return false;
    }
    // Not the shortest form, a surrogate, or beyond U+10FFFF: several spellings of one name are refused.
    const auto second = size > 1 ? static_cast<unsigned char>(path[at + 1]) : 0u;
    if (lead == 0xE0 && second < 0xA0) return false;
    if (lead == 0xED && second > 0x9F) return false;
    if (lead == 0xF0 && second < 0x90) return false;
    if (lead == 0xF4 && second > 0x8F) return false;
    at += size;
  }
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (!spelt_plainly(path.substr(0, end))) return false;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

}  // namespace file_broker
