#include "tool/dde_path.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace penstock::tool {
namespace {

constexpr std::string_view superscripts[] = {"\xC2\xB9", "\xC2\xB2", "\xC2\xB3"};

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// Whatever stands behind the first dot, and spaces before it: NUL, nul.txt and "NUL .txt" are the same device.
bool names_device(std::string_view component) {
  auto base = component.substr(0, component.find('.'));
  while (base.ends_with(' ')) base.remove_suffix(1);
  std::string name(base);
  std::ranges::transform(name, name.begin(), upper);
  constexpr std::array<std::string_view, 7> devices{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"};
  if (std::ranges::find(devices, name) != devices.end()) return true;
  if (!name.starts_with("COM") && !name.starts_with("LPT")) return false;
  const auto number = std::string_view(name).substr(3);
  const bool digit = number.size() == 1 && number[0] >= '0' && number[0] <= '9';
  return digit || std::ranges::find(superscripts, number) != std::end(superscripts);
}

const char* component_fault(std::string_view component) {
  if (component.empty()) return "two backslashes stand side by side, or one at the end";
  if (component == "." || component == "..") return "\".\" and \"..\" are not taken";
  if (component.find(':') != std::string_view::npos) return "a stream of a file is not taken";
  if (component.find_first_of("<>\"|?*") != std::string_view::npos) return "no file's name has < > \" | ? or *";
  if (component.back() == '.' || component.back() == ' ') return "a name that ends in a dot or a space is another name's";
  return names_device(component) ? "it names a device" : nullptr;
}

const char* components_fault(std::string_view rest, std::size_t least) {
  std::size_t count = 0;
  for (;;) {
    const auto end = rest.find('\\');
    if (const auto* fault = component_fault(rest.substr(0, end))) return fault;
    ++count;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return count < least ? "a share and a file in it are missing" : nullptr;
}

bool is_drive(std::string_view path) noexcept {
  return path.size() >= 3 && upper(path[0]) >= 'A' && upper(path[0]) <= 'Z' && path[1] == ':' && path[2] == '\\';
}

}  // namespace

const char* dde_path_fault(std::string_view path, bool network) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::ranges::any_of(path, is_control)) return "it has a control character";
  if (path.find('/') != std::string_view::npos) return "parts of a path are separated by backslashes";
  if (path.starts_with("\\\\?") || path.starts_with("\\\\.") || path.starts_with("\\??")) return "it begins as names of devices do";
  const bool elsewhere = path.starts_with("\\\\");
  if (elsewhere && !network) return "it is another machine's, which the rule does not allow";
  if (elsewhere) return components_fault(path.substr(2), 3);
  if (!is_drive(path)) return "it is not absolute";
  return path.size() == 3 ? nullptr : components_fault(path.substr(3), 1);
}

}  // namespace penstock::tool
