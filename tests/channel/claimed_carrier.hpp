// A carrier as DDE's is seen from above, on every platform: whose it is was only claimed, and it promises no order.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "crypto/secret.hpp"
#include "transports/traits.hpp"

namespace penstock::test {

inline PeerIdentity claimed_self() {
  auto self = own_identity();
  EXPECT_TRUE(self);
  self->strength = Strength::claimed;
  return std::move(*self);
}

/// This process at both ends, as a window would name it. Carries nothing.
class ClaimedCarrier : public transport::Carrier {
 public:
  explicit ClaimedCarrier(std::optional<unsigned char> secret) {
    if (!secret) return;
    std::array<std::byte, 32> bytes;
    bytes.fill(std::byte{*secret});
    auto made = crypto::Secret<32>::copy_of(bytes);
    EXPECT_TRUE(made);
    secret_.emplace(std::move(*made));
  }
  [[nodiscard]] const transport::CarrierTraits& traits() const noexcept override { return transport::dde_traits; }
  [[nodiscard]] const PeerIdentity& peer() const noexcept override { return peer_; }
  [[nodiscard]] const PeerIdentity& self() const noexcept override { return self_; }
  [[nodiscard]] result<const crypto::Secret<32>*> challenge_secret() const noexcept override {
    return secret_ ? result<const crypto::Secret<32>*>(&*secret_) : Error::permission_denied;
  }
  [[nodiscard]] result<void> challenge_was_answered() override {
    peer_.strength = Strength::pinned;
    return {};
  }
  [[nodiscard]] result<void> sender_checks(bool) override { return {}; }
  [[nodiscard]] result<std::size_t> send(bytes_view, std::span<const native_handle>, transport::Wait) override { return Error::closed; }
  [[nodiscard]] result<transport::Received> receive(bytes_span, HandleList&, transport::Wait) override { return Error::closed; }
  [[nodiscard]] result<void> wait(transport::Readiness, transport::Deadline) override { return {}; }
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor&) override { return {}; }
  void detach() override {}
  void async_wait(transport::Readiness, transport::WaitHandler) override {}
  void cancel_waits() noexcept override {}
  [[nodiscard]] native_handle native() const noexcept override { return no_handle; }
  void close() noexcept override {}

 private:
  PeerIdentity peer_ = claimed_self();
  PeerIdentity self_ = claimed_self();
  std::optional<crypto::Secret<32>> secret_;
};

}  // namespace penstock::test
