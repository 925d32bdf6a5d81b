// What Windows calls a handle and a user. The only header that differs between platforms.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock {

/// The platform's raw handle: a HANDLE, null for none. Never INVALID_HANDLE_VALUE, nor another pseudo-handle.
using native_handle = void*;
inline constexpr native_handle no_handle = nullptr;

/// A security identifier ([MS-DTYP] 2.4.2): a user, a group, a logon session or an integrity level. A value; thread-safe as
/// one; holds no pointer.
class Sid {
 public:
  /// SECURITY_MAX_SID_SIZE.
  static constexpr std::size_t max_size = 68;

  /// Nobody: equal to no SID of Windows.
  constexpr Sid() = default;
  /// The binary form. None unless it is one whole SID of revision 1.
  [[nodiscard]] static std::optional<Sid> from_bytes(std::span<const std::byte> bytes) noexcept;
  /// "S-1-5-21-…": revision 1, decimal numbers, or an identifier authority from 2^32 up in hexadecimal.
  [[nodiscard]] static std::optional<Sid> parse(std::string_view text) noexcept;

  [[nodiscard]] bool valid() const noexcept { return size_ != 0; }
  /// Empty for nobody. Valid as long as *this.
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), size_}; }
  /// The last of its numbers (the RID), 0 where it has none.
  [[nodiscard]] std::uint32_t last() const noexcept;

  friend bool operator==(const Sid&, const Sid&) = default;
  friend std::strong_ordering operator<=>(const Sid&, const Sid&) = default;

 private:
  std::array<std::byte, max_size> bytes_{};  // zero behind size_, so that comparing all of it is right
  std::uint8_t size_ = 0;
};

/// A user or a group.
using user_id = Sid;
inline constexpr user_id no_user{};

/// For people: "S-1-5-21-…"; "nobody" for nobody.
[[nodiscard]] std::string to_text(const Sid& sid);

}  // namespace penstock
