// A peer about whom the kernel tells everything, and a rule that asks for all of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "penstock/policy.hpp"
#include "protocol/policy_system.hpp"
#include "tests/support/users.hpp"

namespace penstock::test {

inline PublicKey key_of(unsigned char fill) {
  byte_array<PublicKey::size> bytes;
  bytes.fill(std::byte{fill});
  return PublicKey(bytes);
}

/// What a program is as far as a rule looks: on Linux that it may be executed, on Windows that it begins like this.
inline constexpr const char* program_text = "MZ, but it will never run\n";

inline Executable executable_at(const std::string& path) {
  const auto file = protocol::find_file(path);
  if (!file) std::abort();
  Executable executable;
  executable.path = path;
  executable.device = file->device;
  executable.inode = file->inode;
  return executable;
}

inline PeerIdentity pinned_peer(const user_id& user) {
  PeerIdentity peer;
  peer.strength = Strength::pinned;
  peer.process_key = 77;
  peer.pid = 4711;
  peer.uid = user;
  peer.gid = user;
  return peer;
}
inline PeerIdentity pinned_test_peer(unsigned number) {
  return pinned_peer(test_user(number));
}

/// A rule for `trust` that says no more than it must.
inline Rule plain_rule(const std::string& name, Trust trust = Trust::os_identity) {
  Rule rule;
  rule.name = name;
  rule.trust = trust;
  if (trust == Trust::static_key) rule.public_keys = {key_of(1)};
  rule.operations = {"*"};
  return rule;
}

inline Policy policy_of(std::vector<Rule> rules) {
  auto policy = Policy::of(std::move(rules));
  if (!policy) {
    ADD_FAILURE() << policy.error().sentence();
    std::abort();
  }
  return std::move(*policy);
}

/// The rule that admits, or the error's name.
template <class Result>
std::string verdict(const Result& admitted) {
  return admitted ? admitted->rule() : error_name(admitted.error().code());
}

inline bool mentions(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

}  // namespace penstock::test
