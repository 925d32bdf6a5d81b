// The carrier over one conversation.
#pragma once

#include "transports/dde/dde.hpp"
#include "transports/dde/link_windows.hpp"
#include "transports/dde/meeting_place_windows.hpp"

namespace penstock::transport::dde {

class LinkCarrier final : public Carrier {
 public:
  LinkCarrier(std::shared_ptr<Pump> pump, std::shared_ptr<Link> link, std::shared_ptr<const PeerIdentity> self)
      : pump_(std::move(pump)), link_(std::move(link)), self_(std::move(self)) {}
  ~LinkCarrier() override { close(); }

  [[nodiscard]] const CarrierTraits& traits() const noexcept override;
  [[nodiscard]] const PeerIdentity& peer() const noexcept override { return link_->peer().identity; }
  [[nodiscard]] const PeerIdentity& self() const noexcept override { return *self_; }
  [[nodiscard]] result<void> sender_checks(bool on) override;
  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle> handles, Wait wait) override;
  [[nodiscard]] result<void> finish_sends(Wait wait) override;
  [[nodiscard]] result<Received> receive(bytes_span buffer, HandleList& handles, Wait wait) override;
  [[nodiscard]] result<void> wait(Readiness readiness, Deadline deadline) override;
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor& executor) override;
  void detach() override;
  void async_wait(Readiness readiness, WaitHandler handler) override;
  void cancel_waits() noexcept override { link_->cancel_waits(); }
  [[nodiscard]] native_handle native() const noexcept override { return no_handle; }
  void close() noexcept override;
  [[nodiscard]] result<const crypto::Secret<32>*> challenge_secret() const noexcept override;
  [[nodiscard]] result<void> challenge_was_answered() override;

 private:
  [[nodiscard]] bool closed() const noexcept { return pump_ == nullptr; }

  std::shared_ptr<Pump> pump_;  // null once closed
  std::shared_ptr<Link> link_;
  std::shared_ptr<const PeerIdentity> self_;
  boost::asio::any_io_executor executor_;
  bool checking_ = true;
};

}  // namespace penstock::transport::dde
