// The access control of a program that owns its pipe as anybody would: its user's, everything allowed. Wine tells no owner of a pipe
// that was made without one.
#pragma once

#include <windows.h>

#include <sddl.h>

#include <cstdlib>

#include "crypto/windows_text.hpp"
#include "tests/support/users.hpp"

namespace penstock::test {

class OwnSecurity {
 public:
  OwnSecurity() {
    const auto user = to_text(own_user());
    const auto text = to_wide("O:" + user + "D:(A;;FA;;;" + user + ")S:(ML;;NW;;;ME)").value();
    if (::ConvertStringSecurityDescriptorToSecurityDescriptorW(text.c_str(), SDDL_REVISION_1, &descriptor_, nullptr) == 0) std::abort();
    attributes_ = {sizeof(SECURITY_ATTRIBUTES), descriptor_, FALSE};
  }
  ~OwnSecurity() { ::LocalFree(descriptor_); }
  OwnSecurity(const OwnSecurity&) = delete;
  OwnSecurity& operator=(const OwnSecurity&) = delete;
  [[nodiscard]] SECURITY_ATTRIBUTES* get() noexcept { return &attributes_; }

 private:
  PSECURITY_DESCRIPTOR descriptor_ = nullptr;
  SECURITY_ATTRIBUTES attributes_{};
};

}  // namespace penstock::test
