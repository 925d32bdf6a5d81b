#include "bench/peers/tls_certificates.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

#include "bench/contender.hpp"

namespace penstock::bench {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, Freed<std::fclose>>;

Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  if (!key) fail("OpenSSL made no P-256 key");
  return key;
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    fail("OpenSSL refused a certificate extension");
}

Certificate make_certificate(const char* name, long number, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), number);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 86400);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* const signer = issuer != nullptr ? issuer : made.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(signer));
  add_extension(made.get(), signer, NID_basic_constraints,
                issuer != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (X509_sign(made.get(), issuer_key, EVP_sha256()) == 0) fail("OpenSSL could not sign a certificate");
  return made;
}

void write(const std::string& path, X509* certificate, EVP_PKEY* key) {
  const File file(std::fopen(path.c_str(), "wx"));
  if (!file || PEM_write_X509(file.get(), certificate) != 1) fail("cannot write " + path);
  if (key != nullptr && PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    fail("cannot write " + path);
  }
}

}  // namespace

void make_certificates(const std::string& directory) {
  const auto ca_key = make_key();
  const auto ca = make_certificate("Bench CA", 1, ca_key.get(), nullptr, ca_key.get());
  write(directory + "/ca.pem", ca.get(), nullptr);
  long number = 2;
  for (const char* end : {"server", "client"}) {
    const auto key = make_key();
    const auto certificate = make_certificate(end, number++, key.get(), ca.get(), ca_key.get());
    write(directory + "/" + end + ".pem", certificate.get(), key.get());
  }
}

}  // namespace penstock::bench
