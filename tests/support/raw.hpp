// A peer that knows nothing of Penstock: it owns a name or opens one, and moves bytes as the carrier would put them (on Windows in
// segments). Blocking; one thread may read while another writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"

namespace penstock::test {

class RawEnd {
 public:
  RawEnd();
  ~RawEnd();
  RawEnd(RawEnd&&) noexcept;
  RawEnd& operator=(RawEnd&&) noexcept;
  explicit RawEnd(Handle connected);

  /// Invalid where nobody is at that address.
  [[nodiscard]] static RawEnd connect(const std::string& address);
  [[nodiscard]] explicit operator bool() const noexcept;

  [[nodiscard]] bool write(bytes_view bytes) const;
  /// Exactly bytes.size() bytes, or false at the end.
  [[nodiscard]] bool read(bytes_span bytes) const;
  /// One frame as it stands on the wire (the length is at offset 12 of a 32-byte header); empty at the end.
  [[nodiscard]] std::vector<std::byte> read_frame() const;
  /// Waits for the other end to close. True when it did, and had not said a word.
  [[nodiscard]] bool ends_without_a_word() const;
  /// Both directions are over; a read or write in another thread returns.
  void end() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class RawListener {
 public:
  /// Invalid where the name is not to be had.
  [[nodiscard]] static RawListener open(const std::string& address);
  RawListener();
  ~RawListener();
  RawListener(RawListener&&) noexcept;
  RawListener& operator=(RawListener&&) noexcept;
  [[nodiscard]] explicit operator bool() const noexcept;
  [[nodiscard]] RawEnd accept();
  /// Does not wait. Invalid where nobody waits.
  [[nodiscard]] RawEnd try_accept();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::test
