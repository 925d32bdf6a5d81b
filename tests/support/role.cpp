#include <cstdio>
#include <cstdlib>
#include <map>

#include "tests/support/child.hpp"

namespace penstock::test {
namespace {

constexpr const char* role_argument = "--penstock-role";

std::map<std::string, const Role*>& roles() {
  static std::map<std::string, const Role*> all;
  return all;
}

}  // namespace

Role::Role(const char* name, Function function) : name_(name), run_(function) {
  if (!roles().emplace(name_, this).second) std::abort();
}

const Role* Role::find(const std::string& name) {
  const auto found = roles().find(name);
  return found == roles().end() ? nullptr : found->second;
}

Words role_arguments(const Role& role, const Words& words, std::uintptr_t in, std::uintptr_t out) {
  Words all{role_argument, role.name(), std::to_string(in), std::to_string(out)};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

void run_role_if_told(int argc, char** argv) {
  if (argc < 5 || std::string(argv[1]) != role_argument) return;
  const auto* const role = Role::find(argv[2]);
  if (role == nullptr) std::_Exit(98);
  const int status = role->run(line_of(std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10)),
                               Words(argv + 5, argv + argc));
  std::fflush(nullptr);
  std::_Exit(status);
}

void Line::tell_number(std::uint64_t number) const {
  for (int i = 0; i < 8; ++i) tell(static_cast<char>(number >> 8 * i));
}

std::uint64_t Line::hear_number() const {
  std::uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number |= std::uint64_t{static_cast<unsigned char>(hear())} << 8 * i;
  return number;
}

}  // namespace penstock::test
