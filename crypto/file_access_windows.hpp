// Who may do what to a file, by its owner and its access-control list: the one place that decides whether a file of
// Windows is one that others could have put or changed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "penstock/native.hpp"
#include "penstock/result.hpp"

namespace penstock::crypto {

/// One entry of a list. Of an unknown kind: allowed, to nobody known, everything.
struct AccessEntry {
  Sid who;
  std::uint32_t rights = 0;  ///< an access mask
  bool allow = true;
  bool inherit_only = false;  ///< only for what will be made below; says nothing of the file itself
};

/// What the system says of an open file.
struct FileAccess {
  Sid owner;
  bool has_list = false;  ///< false: a null list, which lets everybody do everything
  bool low_label = false;  ///< its mandatory label lets processes below medium integrity write it: sandboxes of its owner
  std::vector<AccessEntry> entries;
};

/// What a file is to the one that must be trusted.
enum class FileRole : std::uint8_t {
  parent,     ///< a directory further up
  directory,  ///< the directory that the file is in
  file,
  secret_file,  ///< nobody else may even read it
};

struct AccessFault {
  enum class Kind : std::uint8_t { owner, no_list, low_label, entry } kind{};
  Sid who;                   ///< the owner, or whom the entry is for; invalid for an entry of an unknown kind
  std::uint32_t rights = 0;  ///< those of the entry that are too many
};

/// SYSTEM, Administrators, TrustedInstaller: what root is on Linux. They can take any file anyway.
[[nodiscard]] bool is_system(const Sid& sid) noexcept;

/// The rights that nobody but the system and the owner may have on a file in this role; generic ones included.
[[nodiscard]] std::uint32_t forbidden_rights(FileRole role) noexcept;

/// Why a file is not to be trusted by `self`. Plain facts in, so that a table can test it. Entries that deny are not
/// counted in a file's favour: what they take away depends on their order and on the groups of whoever asks.
[[nodiscard]] std::optional<AccessFault> find_access_fault(const FileAccess& access, FileRole role, const Sid& self);

/// The fault as a sentence that says what to run.
[[nodiscard]] Failure access_failure(Error code, const std::string& path, FileRole role, const AccessFault& fault,
                                     const Sid& self);

/// Owner and list of an open file (READ_CONTROL). None: see GetLastError().
[[nodiscard]] std::optional<FileAccess> read_file_access(native_handle file);

/// The user of this process's token, asked once: a process keeps it for life. Nobody if the system will not say.
[[nodiscard]] const Sid& process_user() noexcept;

/// The security of a file that Penstock makes, in force from its first moment: of this process's user; for it, SYSTEM
/// and Administrators alone, whatever the directory would pass on; readable by everybody if asked.
class NewFileSecurity {
 public:
  /// io_error, when the system will not make one.
  [[nodiscard]] static result<NewFileSecurity> make(bool others_may_read);
  /// The same as text ("Security Descriptor String Format").
  [[nodiscard]] static std::string text(bool others_may_read);
  /// A SECURITY_DESCRIPTOR. Valid as long as *this.
  [[nodiscard]] void* get() const noexcept { return descriptor_.get(); }

 private:
  explicit NewFileSecurity(void* descriptor) : descriptor_(descriptor) {}
  struct Free {
    void operator()(void* memory) const noexcept;
  };
  std::unique_ptr<void, Free> descriptor_;
};

}  // namespace penstock::crypto
