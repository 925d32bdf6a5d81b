// TLS 1.3 by OpenSSL, both ends with certificates (ECDSA P-256), X25519, TLS_AES_256_GCM_SHA384, over a Unix socket.
// No session tickets and no resumption: Penstock has none either, and each set-up then proves both ends.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bench/contender.hpp"
#include "bench/peers/tls_certificates.hpp"
#include "bench/unix_socket.hpp"

namespace penstock::bench {
namespace {

[[noreturn]] void fail_tls(const char* what) {
  char text[256] = "no reason given";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  fail(std::string("TLS, ") + what + ": " + text);
}

struct Free {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;

Context make_context(const std::string& directory, const SSL_METHOD* method, const char* end) {
  Context context(SSL_CTX_new(method));
  SSL_CTX* const raw = context.get();
  if (raw == nullptr) fail_tls("context");
  const auto own = directory + "/" + end + ".pem";
  const auto ca = directory + "/ca.pem";
  const bool good =
      SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(raw, "TLS_AES_256_GCM_SHA384") == 1 && SSL_CTX_set1_groups_list(raw, "X25519") == 1 &&
      SSL_CTX_use_certificate_file(raw, own.c_str(), SSL_FILETYPE_PEM) == 1 &&
      SSL_CTX_use_PrivateKey_file(raw, own.c_str(), SSL_FILETYPE_PEM) == 1 &&
      SSL_CTX_load_verify_locations(raw, ca.c_str(), nullptr) == 1 && SSL_CTX_set_num_tickets(raw, 0) == 1;
  if (!good) fail_tls("set-up");
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
  // In its favour: one read takes all records that have arrived, and an idle connection holds no buffers.
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_default_read_buffer_len(raw, 65536);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

class TlsConnection final : public Connection {
 public:
  TlsConnection(SSL_CTX* context, Handle socket, bool server) : socket_(std::move(socket)), ssl_(SSL_new(context)) {
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.get()) != 1) fail_tls("connection");
    if ((server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get())) != 1) fail_tls("handshake");
    if (SSL_get_verify_result(ssl_.get()) != X509_V_OK || SSL_get0_peer_certificate(ssl_.get()) == nullptr) {
      fail("TLS: the peer was not authenticated");
    }
    if (std::string(SSL_get_cipher_name(ssl_.get())) != "TLS_AES_256_GCM_SHA384") fail("TLS: another suite was agreed");
  }

  void send(bytes_view message) override {
    std::size_t sent = 0;
    if (SSL_write_ex(ssl_.get(), message.data(), message.size(), &sent) != 1 || sent != message.size())
      fail_tls("write");
  }

  void receive(bytes_span message) override {
    while (!message.empty()) {
      std::size_t got = 0;
      if (SSL_read_ex(ssl_.get(), message.data(), message.size(), &got) != 1) fail_tls("read");
      message = message.subspan(got);
    }
  }

 private:
  Handle socket_;
  std::unique_ptr<SSL, Free> ssl_;
};

class TlsServer final : public Server {
 public:
  explicit TlsServer(const std::string& directory)
      : context_(make_context(directory, TLS_server_method(), "server")),
        listener_(listen_at(directory + "/tls.sock")) {}
  std::unique_ptr<Connection> accept() override {
    return std::make_unique<TlsConnection>(context_.get(), accept_from(listener_), true);
  }

 private:
  Context context_;
  Handle listener_;
};

class TlsClient final : public Client {
 public:
  explicit TlsClient(const std::string& directory)
      : context_(make_context(directory, TLS_client_method(), "client")), path_(directory + "/tls.sock") {}
  std::unique_ptr<Connection> connect() override {
    return std::make_unique<TlsConnection>(context_.get(), connect_to(path_), false);
  }

 private:
  Context context_;
  std::string path_;
};

}  // namespace

void add_tls(std::vector<Contender>& list) {
  Contender made;
  made.name = "tls13";
  made.what = "TLS 1.3, AES-256-GCM, both ends with certificates (OpenSSL)";
  made.events = {true, true, true, true, false, true};
  made.prepare = make_certificates;
  made.serve = [](const std::string& directory) { return std::make_unique<TlsServer>(directory); };
  made.client = [](const std::string& directory) { return std::make_unique<TlsClient>(directory); };
  list.push_back(std::move(made));
}

}  // namespace penstock::bench
