#include "tests/support/scratch.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace penstock::test {

std::string Scratch::write(const std::string& name, const std::string& contents, unsigned mode) const {
  const auto path = *this / name;
  std::ofstream(path, std::ios::binary) << contents;
  set_mode(path, mode);
  return path;
}

std::size_t Scratch::files() const {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path()), {}));
}

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace penstock::test
