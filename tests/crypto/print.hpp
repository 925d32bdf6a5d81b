// Names of parameters in test output, so that a test's name does not depend on addresses.
#pragma once

#include <ostream>

#include "crypto/aead.hpp"
#include "penstock/result.hpp"

namespace penstock {

inline void PrintTo(Error error, std::ostream* out) {
  *out << error_name(error);
}
inline void PrintTo(const Failure& failure, std::ostream* out) {
  *out << error_name(failure.code());
}

namespace crypto {
inline void PrintTo(Cipher cipher, std::ostream* out) {
  *out << (cipher == Cipher::aes256_gcm ? "aes" : "chacha");
}
}  // namespace crypto

}  // namespace penstock
