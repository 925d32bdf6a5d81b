// Users for tests: made up, our own, and one that every machine has.
#pragma once

#include <string>

#include "penstock/native.hpp"

namespace penstock::test {

/// A user or group that need not exist: the number itself; on Windows S-1-5-21-1-2-3-NUMBER.
[[nodiscard]] user_id test_user(unsigned number);
/// The same as a policy file writes it: 1000; "S-1-5-21-1-2-3-1000" in quotes.
[[nodiscard]] std::string test_user_toml(unsigned number);
/// The same as `penstock policy explain` takes it, without quotes.
[[nodiscard]] std::string test_user_word(unsigned number);

/// Who runs the test.
[[nodiscard]] user_id own_user();

/// An account that every machine has, and its name in this machine's language: root; SYSTEM.
[[nodiscard]] user_id known_user();
[[nodiscard]] std::string known_user_name();
/// The same of groups: root; Administrators.
[[nodiscard]] user_id known_group();
[[nodiscard]] std::string known_group_name();

}  // namespace penstock::test
