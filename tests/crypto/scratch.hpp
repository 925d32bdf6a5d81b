// A directory of the test's own, mode 0700, removed afterwards.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace penstock::test {

class Scratch {
 public:
  Scratch() {
    std::string name = testing::TempDir() + "/penstock-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    // Without links on the way: Penstock refuses those.
    path_ = std::filesystem::canonical(name).string();
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  /// Writes a file with exactly these permission bits, whatever the umask.
  std::string write(const std::string& name, const std::string& contents, unsigned mode) const {
    const auto path = *this / name;
    std::ofstream(path, std::ios::binary) << contents;
    if (::chmod(path.c_str(), mode) != 0) std::abort();
    return path;
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::string path_;
};

inline std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777u : 0u;
}

}  // namespace penstock::test
