// The file of the program that a process runs, opened so that the peer, who chose it, can neither hold us up nor answer for it.
#pragma once

#include "penstock/identity.hpp"

namespace penstock::transport {

enum class ProgramAccess : std::uint8_t {
  look,  ///< its number alone
  read,  ///< its bytes; nobody writes it meanwhile
};

/// Only a file of a local volume: of another machine's, that machine would say which file it is, and when. Never waits for an
/// opportunistic lock that its holder does not give up. Invalid where there is no such file or it may not be opened.
[[nodiscard]] Handle open_program_file(native_handle process, ProgramAccess access);

/// Volume serial number and file index of an open, ordinary file.
struct ProgramNumber {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
};
[[nodiscard]] std::optional<ProgramNumber> program_number(native_handle file) noexcept;

/// The path as Windows tells it, for people. Empty where it does not.
[[nodiscard]] std::string program_path(native_handle process);

}  // namespace penstock::transport
