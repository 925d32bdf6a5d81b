// What both Penstock contenders are set up with: real policies, real keys, the defaults for everything else.
#pragma once

#include <string>

#include "penstock/penstock.hpp"

namespace penstock::bench {

/// Makes the key pairs of both ends, for Trust::static_key.
void make_keys(const std::string& directory);

struct PenstockSetting {
  Trust trust = Trust::os_identity;
  Suite suite = Suite::aesgcm_sha256;
  WaitProfile wait = WaitProfile::blocking;
  DataPlane plane = DataPlane::pipe;
};

Endpoint endpoint_in(const std::string& directory);
ListenOptions listen_options(const std::string& directory, const PenstockSetting& setting);
ConnectOptions connect_options(const std::string& directory, const PenstockSetting& setting);

/// The value, or fail() with the failure's sentence.
template <class T>
T must(result<T> outcome, const char* what);
void must(const result<void>& outcome, const char* what);

[[noreturn]] void fail_with(const Failure& failure, const char* what);

template <class T>
T must(result<T> outcome, const char* what) {
  if (!outcome) fail_with(outcome.error(), what);
  return std::move(*outcome);
}

}  // namespace penstock::bench
