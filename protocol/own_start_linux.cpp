// Sources: getcwd(3), environ(7).
#include <cstdlib>
#include <filesystem>

#include "protocol/own_start.hpp"

namespace penstock::protocol {

bool sound_text(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos;
}

result<std::vector<std::string>> own_arguments(int argc, const char* const* argv) {
  if (argc < 0 || (argc > 0 && argv == nullptr)) return Failure(Error::invalid_argument, "argc and argv must be those of main().");
  for (int i = 0; i < argc; ++i) {
    if (argv[i] == nullptr) return Failure(Error::invalid_argument, "argc and argv must be those of main().");
  }
  return std::vector<std::string>(argv, argv + argc);
}

// A directory that was removed has no name, and one outside of this process's root none that means anything.
result<std::string> own_directory() {
  std::error_code failed;
  auto path = std::filesystem::current_path(failed).string();
  return failed || !path.starts_with('/') ? std::string() : path;
}

result<std::optional<std::string>> own_variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::optional<std::string>() : std::optional<std::string>(value);
}

}  // namespace penstock::protocol
