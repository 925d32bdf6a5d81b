// What the helper serves: one directory, and of it the files that its own rule names. Whoever asks, and however the
// path is spelt, nothing outside is ever opened.
#pragma once

#include <cstdint>
#include <optional>
#include <penstock/handle.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace file_broker {

/// How a request went. The numbers are the reply's status on the wire: 0 came with a descriptor.
enum class Outcome : std::uint32_t {
  opened = 0,
  path_malformed = 1,  ///< not well_formed()
  not_allowed = 2,     ///< the helper's rule does not name it
  outside = 3,         ///< ".." or a link (Windows: any reparse point) would leave the path that was asked for
  not_found = 4,
  not_a_file = 5,  ///< a directory, a device, a pipe…
  failed = 6,      ///< the operating system refused, or the helper has no descriptors left
};
/// One sentence for people. Never null.
[[nodiscard]] const char* sentence(Outcome outcome) noexcept;

/// A value with an open directory. Const members are thread-safe.
class Vault {
 public:
  /// `root` is opened once: whoever renames it later changes nothing. `allowed` are paths below it, or "directory/*".
  /// is_open() is false when the directory cannot be opened, and trouble() says why.
  Vault(const std::string& root, std::vector<std::string> allowed);
  [[nodiscard]] bool is_open() const noexcept { return root_.valid(); }
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

  struct Opened {
    Outcome outcome = Outcome::failed;
    penstock::Handle file;  ///< Outcome::opened: read-only, a regular file
  };
  /// `path` comes from another process: nothing about it is taken for granted.
  [[nodiscard]] Opened open(std::string_view path) const;

 private:
  /// Where the kernel is to start, and what it must then stay beneath: the root for a path that is named whole,
  /// "directory" for what "directory/*" allows. Nothing when no rule names the path.
  struct Start {
    std::string directory;
    std::string path;
  };
  [[nodiscard]] std::optional<Start> find_rule(std::string_view path) const;

  penstock::Handle root_;
  std::string trouble_;
  std::vector<std::string> allowed_;
};

/// Is `path` something the vault would look at? Non-empty, at most 1,024 bytes of UTF-8 (RFC 3629), relative, no
/// control characters, with "/" between components that are all spelt_plainly().
[[nodiscard]] bool well_formed(std::string_view path) noexcept;

/// Does the platform take this component for itself? Windows has names that mean something else: a device (NUL, COM1.txt), a
/// stream of a file (a:b), another file (trailing dots and spaces are dropped), or several files (patterns).
[[nodiscard]] bool spelt_plainly(std::string_view component) noexcept;

}  // namespace file_broker
