// What trusted_file_test.cpp and its platform's companion ask.
#pragma once

#include <string>

#include "crypto/trusted_file.hpp"

namespace penstock::test {

inline constexpr crypto::TrustedFileRules rules{
    .secret = false, .max_size = 100, .unreadable = Error::policy_unreadable, .unsafe_ = Error::policy_unsafe};

inline Error read_error(const std::string& path) {
  const auto contents = crypto::read_trusted_file(path, rules);
  return contents ? Error::none : contents.error().code();
}

inline std::string sentence(const std::string& path) {
  const auto contents = crypto::read_trusted_file(path, rules);
  return contents ? "" : std::string(contents.error().sentence());
}

inline bool mentions(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

}  // namespace penstock::test
