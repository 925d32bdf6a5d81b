// A private directory in which a test makes files of every kind.
#pragma once

#include <cstddef>
#include <string>

#include "tests/support/permissions.hpp"
#include "tests/support/temp_directory.hpp"

namespace penstock::test {

class Scratch : public TempDirectory {
 public:
  [[nodiscard]] std::string operator/(const std::string& name) const { return file(name); }
  /// Writes a file with exactly these permission bits (set_mode); returns its path.
  std::string write(const std::string& name, const std::string& contents, unsigned mode) const;
  /// How many entries it has.
  [[nodiscard]] std::size_t files() const;
};

[[nodiscard]] std::string contents_of(const std::string& path);

}  // namespace penstock::test
