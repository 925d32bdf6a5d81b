// Cipher suites, patterns, scopes and bindings as they stand on the wire.
#pragma once

#include <string_view>

#include "crypto/noise.hpp"
#include "penstock/options.hpp"

namespace penstock::protocol {

/// The suite that `automatic` means here. suite_unavailable when AES was asked for by name and this processor has none.
[[nodiscard]] result<Suite> resolve(Suite suite);
[[nodiscard]] crypto::Cipher cipher_of(Suite suite) noexcept;
[[nodiscard]] crypto::HashKind hash_of(Suite suite) noexcept;
/// "25519_AESGCM_SHA256", "25519_ChaChaPoly_BLAKE2b".
[[nodiscard]] std::string_view suite_name(Suite suite) noexcept;
/// "NN", "XX", "NNpsk0".
[[nodiscard]] std::string_view pattern_of(Trust trust) noexcept;

}  // namespace penstock::protocol
