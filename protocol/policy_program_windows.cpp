// Sources: NtCreateFile, BY_HANDLE_FILE_INFORMATION; the rights are crypto/file_access_windows.cpp's.
#include <fmt/format.h>
#include <windows.h>

#include <winternl.h>

#include <algorithm>
#include <array>
#include <vector>

#include "crypto/nt_file_windows.hpp"
#include "crypto/trusted_file.hpp"
#include "crypto/windows_text.hpp"
#include "protocol/policy_system.hpp"

namespace penstock::protocol {
namespace {

using crypto::FileAccess;
using crypto::FileRole;

struct Passed {
  std::string path;
  FileAccess access;
};

// What a place needs besides the sentence that a fault has anyway.
Failure refuse(const Failure& fault) {
  return Failure(Error::policy_invalid, fmt::format("others could replace the program; {}", fault.sentence()));
}

std::optional<FileNumber> number_of(native_handle file) {
  BY_HANDLE_FILE_INFORMATION information{};
  if (!::GetFileInformationByHandle(file, &information)) return std::nullopt;
  return FileNumber{information.dwVolumeSerialNumber,
                    std::uint64_t{information.nFileIndexHigh} << 32 | information.nFileIndexLow};
}

bool is_absolute(const std::string& path) noexcept {
  return path.size() > 3 && path[1] == ':' && (path[2] == '\\' || path[2] == '/');
}

// One user, and not a group: a program that "everybody" owns is everybody's to change.
bool is_one_user(const Sid& sid) {
  if (crypto::is_system(sid) || sid == effective_user()) return true;
  std::array<wchar_t, 256> name{};
  std::array<wchar_t, 256> domain{};
  auto name_size = static_cast<DWORD>(name.size());
  auto domain_size = static_cast<DWORD>(domain.size());
  SID_NAME_USE use = SidTypeInvalid;
  auto bytes = std::vector<std::byte>(sid.bytes().begin(), sid.bytes().end());
  return !bytes.empty() &&
         ::LookupAccountSidW(nullptr, bytes.data(), name.data(), &name_size, domain.data(), &domain_size, &use) &&
         use == SidTypeUser;
}

// "MZ": what every program of Windows begins with.
bool is_program(native_handle file) {
  std::array<char, 2> start{};
  DWORD got = 0;
  return ::ReadFile(file, start.data(), 2, &got, nullptr) && got == 2 && start[0] == 'M' && start[1] == 'Z';
}

}  // namespace

result<FileNumber> find_file(const std::string& path) {
  const auto wide = to_wide(path);
  const HANDLE opened =
      !wide || wide->empty()
          ? INVALID_HANDLE_VALUE
          : ::CreateFileW(wide->c_str(), FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                          nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  const auto number = wide ? ::GetLastError() : ERROR_INVALID_NAME;
  const auto cannot = [&](unsigned long reason) {
    return Failure(Error::invalid_argument,
                   fmt::format("{} cannot be looked at ({}); correct the path", path, windows_reason(reason)));
  };
  if (opened == INVALID_HANDLE_VALUE) return cannot(number);
  const Handle file(opened);
  const auto found = number_of(file.get());
  if (!found) return cannot(::GetLastError());
  return *found;
}

result<FileNumber> find_trusted_program(const std::string& path) {
  if (!is_absolute(path)) {
    return Failure(Error::policy_invalid, "the path is not absolute; write it from the drive's letter, as C:\\…");
  }
  const auto split = crypto::split_path(path, Error::policy_invalid);
  if (!split) return Failure(Error::policy_invalid, fmt::format("{} is no program; name the program itself", path));
  const auto name = to_wide(split->name);
  if (!name) return Failure(Error::policy_invalid, "the path is no UTF-8; correct it");

  std::vector<Passed> above;  // from the root down
  const auto keep = [&](const crypto::Step& step) -> result<void> {
    above.push_back({step.path, step.access});
    return {};
  };
  const auto directory = crypto::walk_down(split->directory, Error::io_error, Error::permission_denied, keep);
  if (!directory && directory.error() == Error::permission_denied) return refuse(directory.error());
  if (!directory) {
    return Failure(Error::policy_invalid,
                   fmt::format("{} cannot be looked at; {}", path, directory.error().sentence()));
  }
  const auto opened = crypto::open_at(directory->get(), *name,
                                      {.access = FILE_READ_DATA | FILE_READ_ATTRIBUTES | READ_CONTROL,
                                       .share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                       .disposition = FILE_OPEN});
  const auto cannot = [&](unsigned long number) {
    return Failure(Error::policy_invalid,
                   fmt::format("{} cannot be looked at ({}); install the program first, or correct the path", path,
                               windows_reason(number)));
  };
  if (!opened.handle) return cannot(opened.error);
  const auto attributes = crypto::file_attributes(opened.handle.get());
  if (crypto::is_reparse_point(attributes)) {
    return Failure(
        Error::policy_invalid,
        fmt::format("{} is a reparse point (a symbolic link or the like), which may lead elsewhere tomorrow; name the "
                    "program itself",
                    path));
  }
  if (attributes == 0 || (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 || !is_program(opened.handle.get())) {
    return Failure(
        Error::policy_invalid,
        fmt::format("{} is not a program (a regular file that Windows can run); name the program itself", path));
  }
  const auto access = crypto::read_file_access(opened.handle.get());
  if (!access) return cannot(::GetLastError());

  // Whoever owns the program may change it: nobody else may, but the system.
  const auto& owner = access->owner;
  if (!is_one_user(owner)) {
    return Failure(Error::policy_invalid,
                   fmt::format("others could replace the program; {0} belongs to {1}, who is no user: run: "
                               "icacls \"{0}\" /setowner *S-1-5-32-544",
                               path, to_text(owner)));
  }
  if (const auto fault = crypto::find_access_fault(*access, FileRole::file, owner)) {
    return refuse(crypto::access_failure(Error::policy_invalid, path, FileRole::file, *fault, owner));
  }
  // Below a directory in which others may make entries, all must be the system's or ours: anybody could take the place
  // once another owner has left it.
  const auto ours = [](const Sid& who) { return crypto::is_system(who) || who == effective_user(); };
  bool below_is_ours = ours(owner);
  for (auto step = above.rbegin(); step != above.rend(); ++step) {
    const auto role = step != above.rbegin() && below_is_ours ? FileRole::parent : FileRole::directory;
    if (const auto fault = crypto::find_access_fault(step->access, role, owner)) {
      return refuse(crypto::access_failure(Error::policy_invalid, step->path, role, *fault, owner));
    }
    below_is_ours = below_is_ours && ours(step->access.owner);
  }
  const auto number = number_of(opened.handle.get());
  if (!number) return cannot(::GetLastError());
  return *number;
}

}  // namespace penstock::protocol
