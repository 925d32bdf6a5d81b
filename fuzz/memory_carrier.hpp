// A carrier whose other end is the fuzz input: bytes appear when the script says so, and what is sent is only counted.
#pragma once

#include <algorithm>
#include <vector>

#include "fuzz/input.hpp"
#include "transports/carrier.hpp"

namespace penstock::fuzz {

/// This process, twice: what own_identity() gives is alive and pinned, so that the real checks run.
inline const PeerIdentity& this_process() {
  static const PeerIdentity identity = [] {
    auto own = own_identity();
    require(own.has_value(), "own_identity");
    return std::move(*own);
  }();
  return identity;
}

class MemoryCarrier : public transport::Carrier {
 public:
  /// Bytes the peer has sent; consumed from the front.
  std::vector<std::byte> incoming;
  std::vector<std::byte> outgoing;
  bool open = true;
  bool ended = false;      ///< the peer is gone once `incoming` is empty
  bool congested = false;  ///< send takes nothing

  [[nodiscard]] const transport::CarrierTraits& traits() const noexcept override {
    static constexpr transport::CarrierTraits pipe{1, "pipe", true, true};
    return pipe;
  }
  [[nodiscard]] const PeerIdentity& peer() const noexcept override { return this_process(); }
  [[nodiscard]] const PeerIdentity& self() const noexcept override { return this_process(); }
  [[nodiscard]] result<void> sender_checks(bool) override { return {}; }
  [[nodiscard]] result<std::size_t> send(bytes_view bytes, std::span<const native_handle>, transport::Wait) override {
    if (!open) return Error::closed;
    if (congested) return Error::would_block;
    outgoing.insert(outgoing.end(), bytes.begin(), bytes.end());
    return bytes.size();
  }
  [[nodiscard]] result<transport::Received> receive(bytes_span buffer, HandleList&, transport::Wait) override {
    if (!open) return Error::closed;
    if (incoming.empty()) return ended ? Error::truncated : Error::would_block;
    const auto size = std::min(buffer.size(), incoming.size());
    std::copy_n(incoming.begin(), size, buffer.begin());
    incoming.erase(incoming.begin(), incoming.begin() + static_cast<std::ptrdiff_t>(size));
    transport::Received received;
    received.size = size;
    received.sender = transport::MessageSender{this_process().pid, this_process().uid, this_process().gid,
                                               this_process().process_key};
    return received;
  }
  [[nodiscard]] result<void> wait(transport::Readiness, transport::Deadline) override { return {}; }
  [[nodiscard]] result<void> attach(const boost::asio::any_io_executor&) override { return {}; }
  void detach() override {}
  void async_wait(transport::Readiness, transport::WaitHandler) override {}
  void cancel_waits() noexcept override {}
  [[nodiscard]] native_handle native() const noexcept override { return no_handle; }
  void close() noexcept override { open = false; }
};

}  // namespace penstock::fuzz
