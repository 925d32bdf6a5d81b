#include "crypto/noise_symmetric.hpp"

#include <algorithm>

#include "crypto/wiped.hpp"

namespace penstock::crypto {

result<SymmetricState> SymmetricState::make(std::string_view protocol_name, Cipher cipher, HashKind kind) {
  if (!available(cipher)) return Error::suite_unavailable;
  auto chaining_key = Secret<max_hash_size>::make();
  if (!chaining_key) return chaining_key.error();

  SymmetricState made;
  made.cipher_ = cipher;
  made.kind_ = kind;
  made.size_ = hash_size(kind);
  made.chaining_key_ = std::move(*chaining_key);
  // "If protocol_name is less than or equal to HASHLEN bytes in length, sets h equal to protocol_name with zero bytes
  // appended to make HASHLEN bytes. Otherwise sets h = HASH(protocol_name)."
  const auto name = as_bytes(protocol_name);
  if (name.size() <= made.size_) {
    std::ranges::copy(name, made.hash_.begin());
  } else {
    hash(kind, {name}, made.hash_.data());
  }
  std::ranges::copy(made.hash_, made.chaining_key_.bytes().begin());
  return made;
}

void SymmetricState::mix_hash(bytes_view data) noexcept {
  hash(kind_, {bytes_view(hash_).first(size_), data}, hash_.data());
}

result<void> SymmetricState::initialise_key(std::span<const std::byte, key_size> key) {
  auto made = AeadKey::make(cipher_, key);
  if (!made) return made.error();
  key_ = std::move(*made);
  nonce_ = 0;
  return {};
}

result<void> SymmetricState::mix_key(bytes_view input) {
  if (!chaining_key_.alive()) return Error::forked;
  // temp_k is truncated to 32 bytes where HASHLEN is 64; hkdf cuts.
  Wiped<key_size> temp_k;
  hkdf(kind_, chaining_key(), input, {chaining_key(), temp_k.bytes()});
  return initialise_key(temp_k.bytes());
}

result<void> SymmetricState::mix_key_and_hash(bytes_view input) {
  if (!chaining_key_.alive()) return Error::forked;
  Wiped<max_hash_size> temp_h;
  Wiped<key_size> temp_k;
  hkdf(kind_, chaining_key(), input, {chaining_key(), temp_h.first(size_), temp_k.bytes()});
  mix_hash(temp_h.first(size_));
  return initialise_key(temp_k.bytes());
}

result<void> SymmetricState::encrypt_and_hash(bytes_view plaintext, bytes_span out) {
  if (key_.valid()) {
    const auto tag = out.subspan(plaintext.size()).first<tag_size>();
    const auto associated = bytes_view(hash_).first(size_);
    auto sealed = key_.seal(nonce_, associated, plaintext, out.data(), tag);
    if (!sealed) return sealed.error();
    ++nonce_;
  } else {
    std::ranges::copy(plaintext, out.begin());
  }
  mix_hash(out.first(plaintext.size() + overhead()));
  return {};
}

result<void> SymmetricState::decrypt_and_hash(bytes_view ciphertext, bytes_span out) {
  if (key_.valid()) {
    if (ciphertext.size() < tag_size) return Error::handshake_malformed;
    const auto body = ciphertext.first(ciphertext.size() - tag_size);
    const auto associated = bytes_view(hash_).first(size_);
    auto opened = key_.open(nonce_, associated, body, ciphertext.last<tag_size>(), out.data());
    if (!opened) return opened.error() == Error::record_forged ? Failure(Error::handshake_failed) : opened.error();
    ++nonce_;
  } else {
    std::ranges::copy(ciphertext, out.begin());
  }
  mix_hash(ciphertext);
  return {};
}

result<NoiseResult> SymmetricState::split() const {
  if (!chaining_key_.alive()) return Error::forked;
  Wiped<key_size> first, second;
  hkdf(kind_, chaining_key(), {}, {first.bytes(), second.bytes()});
  auto initiator_to_responder = AeadKey::make(cipher_, first.bytes());
  if (!initiator_to_responder) return initiator_to_responder.error();
  auto responder_to_initiator = AeadKey::make(cipher_, second.bytes());
  if (!responder_to_initiator) return responder_to_initiator.error();

  NoiseResult made;
  made.initiator_to_responder = std::move(*initiator_to_responder);
  made.responder_to_initiator = std::move(*responder_to_initiator);
  made.hash = hash_;
  made.hash_size = size_;
  return made;
}

void SymmetricState::reset() noexcept {
  chaining_key_.reset();
  key_.reset();
}

}  // namespace penstock::crypto
