#include "transports/dde/atom_windows.hpp"

#include <windows.h>

namespace penstock::transport::dde {

result<Atom> Atom::add(const std::wstring& text) {
  if (text.empty() || text.size() > 255) return Error::invalid_argument;
  const auto number = ::GlobalAddAtomW(text.c_str());
  return number != 0 ? result<Atom>(Atom(number)) : Error::resource_exhausted;
}

void Atom::drop(std::uint16_t number) noexcept {
  if (number >= 0xC000) ::GlobalDeleteAtom(number);
}

}  // namespace penstock::transport::dde
