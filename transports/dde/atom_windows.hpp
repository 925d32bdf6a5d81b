// One reference on a global atom, dropped once. Source: GlobalAddAtomW, GlobalDeleteAtom.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "penstock/result.hpp"

namespace penstock::transport::dde {

/// Any process of the desktop can drop references that are not its own: an atom is a name that is easy to compare, and nothing more.
class Atom {
 public:
  Atom() = default;
  /// invalid_argument for an empty text or one of more than 255 characters, resource_exhausted.
  [[nodiscard]] static result<Atom> add(const std::wstring& text);
  Atom(Atom&& other) noexcept : number_(std::exchange(other.number_, std::uint16_t{0})) {}
  Atom& operator=(Atom&& other) noexcept {
    if (this == &other) return *this;
    reset();
    number_ = std::exchange(other.number_, std::uint16_t{0});
    return *this;
  }
  Atom(const Atom&) = delete;
  Atom& operator=(const Atom&) = delete;
  ~Atom() { reset(); }

  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }
  void reset() noexcept { drop(std::exchange(number_, std::uint16_t{0})); }
  /// The reference goes to whoever gets the message.
  [[nodiscard]] std::uint16_t release() noexcept { return std::exchange(number_, std::uint16_t{0}); }
  /// Drops a reference that a message brought. Integer atoms (below 0xC000) have none.
  static void drop(std::uint16_t number) noexcept;

 private:
  explicit Atom(std::uint16_t number) noexcept : number_(number) {}
  std::uint16_t number_ = 0;
};

}  // namespace penstock::transport::dde
