// Both ends of a pipe of this process, made with nothing of Penstock's.
#pragma once

#include <windows.h>

#include <stdexcept>
#include <string>

#include "crypto/windows_text.hpp"
#include "penstock/handle.hpp"
#include "tests/support/endpoints.hpp"
#include "tests/support/security_windows.hpp"

namespace penstock::transport::testing {

inline Handle make_instance(const std::string& address, SECURITY_ATTRIBUTES* attributes) {
  const auto raw = ::CreateNamedPipeW(to_wide(address).value().c_str(), PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE | PIPE_WAIT,
                                      PIPE_UNLIMITED_INSTANCES, 65536, 65536, 0, attributes);
  return raw == INVALID_HANDLE_VALUE ? Handle() : Handle(raw);
}

/// `qos`: what the client lends of itself.
inline Handle open_instance(const std::string& address, DWORD qos = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION) {
  constexpr DWORD rights = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL | SYNCHRONIZE;
  const auto raw = ::CreateFileW(to_wide(address).value().c_str(), rights, 0, nullptr, OPEN_EXISTING, qos, nullptr);
  return raw == INVALID_HANDLE_VALUE ? Handle() : Handle(raw);
}

struct PipePair {
  explicit PipePair(DWORD qos = SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION) {
    const auto address = test::address_of(test::endpoint_in(directory));
    server = make_instance(address, security.get());
    client = open_instance(address, qos);
    if (!server || !client) throw std::runtime_error("no pipe");
  }
  /// One byte from the client to the server: only a client that has written can be impersonated.
  void write_one() const {
    char byte = 'x';
    DWORD moved = 0;
    if (::WriteFile(client.get(), &byte, 1, &moved, nullptr) == 0 || ::ReadFile(server.get(), &byte, 1, &moved, nullptr) == 0)
      throw std::runtime_error("the pipe moves nothing");
  }
  test::TempDirectory directory;
  test::OwnSecurity security;
  Handle server;
  Handle client;
};

}  // namespace penstock::transport::testing
