#include "crypto/key_file.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "crypto/trusted_file.hpp"
#include "crypto/wiped.hpp"

namespace penstock::crypto {

bool decode_hex(bytes_view hex, std::span<std::byte, 32> key) noexcept {
  if (hex.size() != key_hex_size) return false;
  std::size_t size = 0;
  const char* end = nullptr;
  const char* const begin = reinterpret_cast<const char*>(hex.data());
  const int failed =
      sodium_hex2bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), begin, hex.size(), nullptr, &size, &end);
  // One key, one text: upper case, which libsodium accepts, is another text.
  Wiped<key_hex_size> again;
  encode_hex(key, again.bytes());
  return failed == 0 && size == key.size() && end == begin + hex.size() && equal_secret(again.bytes(), hex);
}

void encode_hex(std::span<const std::byte, 32> key, std::span<std::byte, key_hex_size> hex) noexcept {
  Wiped<key_hex_size + 1> text;  // and a terminator
  sodium_bin2hex(reinterpret_cast<char*>(text.data()), key_hex_size + 1,
                 reinterpret_cast<const unsigned char*>(key.data()), key.size());
  std::copy_n(text.data(), key_hex_size, hex.begin());
}

result<SecretSlot> format_key_file(std::string_view label, std::span<const std::byte, 32> key) {
  auto text = SecretSlot::allocate(label.size() + key_hex_size + 1);
  if (!text) return text.error();
  const auto bytes = text->bytes();
  std::ranges::copy(as_bytes(label), bytes.begin());
  encode_hex(key, bytes.subspan(label.size()).first<key_hex_size>());
  bytes.back() = std::byte{'\n'};
  return text;
}

result<Secret<32>> read_key_file(const std::string& path, std::string_view label, bool secret) {
  const auto invalid = [&](const char* what) {
    return Failure(Error::key_invalid,
                   fmt::format("{} {}: it must hold one line, \"{}\" and 64 lower-case hex digits, and "
                               "nothing else. Restore it, or make a new key.",
                               path, what, label));
  };
  const TrustedFileRules rules{.secret = secret,
                               .max_size = 4096,  // more than a key, so that trailing bytes are told from a wrong file
                               .unreadable = Error::key_unreadable,
                               .unsafe_ = Error::key_unsafe};
  auto file = open_trusted_file(path, rules);
  if (!file) return file.error();

  const std::size_t expected = label.size() + key_hex_size + 1;
  auto text = SecretSlot::allocate(expected + 1);
  auto key = Secret<32>::make();
  if (!text) return text.error();
  if (!key) return key.error();
  auto size = read_up_to(*file, text->bytes());
  if (!size) return Failure(Error::key_unreadable, fmt::format("{}: {}", path, size.error().sentence()));
  if (*size < expected) return invalid("is too short");
  if (*size > expected) return invalid("is too long");

  const auto bytes = text->bytes().first(expected);
  if (as_text(bytes.first(label.size())) != label) return invalid("is no such key file");
  if (bytes.back() != std::byte{'\n'}) return invalid("does not end in a line feed");
  if (!decode_hex(bytes.subspan(label.size(), key_hex_size), key->bytes())) return invalid("holds something else");
  return key;
}

}  // namespace penstock::crypto
