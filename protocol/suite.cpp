#include "protocol/suite.hpp"

namespace penstock::protocol {

result<Suite> resolve(Suite suite) {
  const bool aes = crypto::available(crypto::Cipher::aes256_gcm);
  if (suite == Suite::automatic) return aes ? Suite::aesgcm_sha256 : Suite::chachapoly_blake2b;
  if (suite == Suite::aesgcm_sha256 && !aes) return Error::suite_unavailable;
  return suite;
}

crypto::Cipher cipher_of(Suite suite) noexcept {
  return suite == Suite::aesgcm_sha256 ? crypto::Cipher::aes256_gcm : crypto::Cipher::chacha20_poly1305;
}

crypto::HashKind hash_of(Suite suite) noexcept {
  return suite == Suite::aesgcm_sha256 ? crypto::HashKind::sha256 : crypto::HashKind::blake2b;
}

std::string_view suite_name(Suite suite) noexcept {
  return suite == Suite::aesgcm_sha256 ? "25519_AESGCM_SHA256" : "25519_ChaChaPoly_BLAKE2b";
}

std::string_view pattern_of(Trust trust) noexcept {
  switch (trust) {
    case Trust::os_identity: return "NN";
    case Trust::static_key: return "XX";
    case Trust::launch_secret:
    case Trust::challenge: return "NNpsk0";
  }
  return "";
}

}  // namespace penstock::protocol
