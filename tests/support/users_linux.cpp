#include <unistd.h>

#include "tests/support/users.hpp"

namespace penstock::test {

user_id test_user(unsigned number) {
  return number;
}

std::string test_user_toml(unsigned number) {
  return std::to_string(number);
}

std::string test_user_word(unsigned number) {
  return std::to_string(number);
}

user_id own_user() {
  return ::geteuid();
}

user_id known_user() {
  return 0;
}

std::string known_user_name() {
  return "root";
}

user_id known_group() {
  return 0;
}

std::string known_group_name() {
  return "root";
}

}  // namespace penstock::test
