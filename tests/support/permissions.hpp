// Who may do what to a file, in the words of the tests: permission bits, which each platform puts into its own.
#pragma once

#include <string>

namespace penstock::test {

/// Exactly these permission bits. On Windows the access-control list that says the same: all for the owner, SYSTEM and
/// Administrators; for everybody else what group or others get together; in a directory writing includes deleting what
/// another owns, unless the sticky bit (01000) is there.
void set_mode(const std::string& path, unsigned mode);

/// The bits of a file itself, never of what it leads to. On Windows what everybody else may stands in both places, and
/// the owner's part is 6.
[[nodiscard]] unsigned mode_of(const std::string& path);

/// The command that a refusal must tell a person to run: chmod CHANGE PATH, icacls "PATH".
[[nodiscard]] std::string remedy(const std::string& change, const std::string& path);

/// umask(2) while it lives; Windows has none.
class Umask {
 public:
  explicit Umask(unsigned mask);
  ~Umask();
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  unsigned before_ = 0;
};

}  // namespace penstock::test
