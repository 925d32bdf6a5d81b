// An authority and one certificate for each end, ECDSA on P-256, made when the benchmark starts.
#pragma once

#include <string>

namespace penstock::bench {

/// Writes ca.pem, and server.pem, client.pem: certificate and private key together.
void make_certificates(const std::string& directory);

}  // namespace penstock::bench
