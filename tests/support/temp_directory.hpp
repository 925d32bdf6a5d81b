// A private directory (ours, nobody else may even look) that goes with its contents. No link is on the way to it.
#pragma once

#include <string>

namespace penstock::test {

class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  /// As the platform writes paths.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Below it. `name` may have components, separated by '/'.
  [[nodiscard]] std::string file(const std::string& name) const;

 private:
  std::string path_;
};

}  // namespace penstock::test
