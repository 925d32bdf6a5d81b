// Sources: proc(5), fs-verity (kernel documentation), statx(2), pidfd_open(2).
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fsverity.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>

#include "transports/proc_linux.hpp"

namespace penstock::transport {
namespace {

constexpr std::uint32_t audit_unset = 0xFFFFFFFF;  // AUDIT_UID_UNSET, and "no session"
constexpr std::size_t largest_proc_file = 65536;

std::optional<std::uint32_t> read_audit_number(const Handle& directory, const char* name) {
  const auto text = read_proc_file(directory.get(), name);
  if (!text) return std::nullopt;
  const auto number = parse_number(*text);
  if (!number || *number < 0 || *number >= audit_unset) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// The line of the unified hierarchy: `0::/user.slice/...`.
std::optional<std::string> read_cgroup(const Handle& directory) {
  const auto text = read_proc_file(directory.get(), "cgroup");
  if (!text) return std::nullopt;
  const auto start = text->starts_with("0::") ? 0 : text->find("\n0::");
  if (start == std::string::npos) return std::nullopt;
  const auto from = text->find("0::", start) + 3;
  return text->substr(from, text->find('\n', from) - from);
}

// Of the very file whose device and inode were taken: the process may exec between two looks.
std::optional<std::string> measure_verity(const Handle& program) {
  const auto file = reopen_for_reading(program);
  if (!file) return std::nullopt;
  // fsverity_digest ends in a flexible array: head and digest share one block.
  constexpr std::size_t longest = 64;
  alignas(fsverity_digest) std::array<unsigned char, sizeof(fsverity_digest) + longest> block{};
  fsverity_digest head{};
  head.digest_size = longest;
  std::memcpy(block.data(), &head, sizeof head);
  if (::ioctl(file.get(), FS_IOC_MEASURE_VERITY, block.data()) != 0) return std::nullopt;
  std::memcpy(&head, block.data(), sizeof head);
  if (head.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 || head.digest_size != 32) return std::nullopt;
  std::string hex;
  for (std::size_t i = 0; i < 32; ++i) fmt::format_to(std::back_inserter(hex), "{:02x}", block[sizeof head + i]);
  return hex;
}

}  // namespace

Handle reopen_for_reading(const Handle& file) {
  struct statfs system{};
  // A file system in user space answers when its owner likes, and with what he likes (ATK-24).
  if (::fstatfs(file.get(), &system) != 0 || system.f_type == FUSE_SUPER_MAGIC) return Handle();
  return Handle(::open(fmt::format("/proc/self/fd/{}", file.get()).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

std::optional<std::string> read_proc_file(native_handle directory, const char* path) {
  const Handle file(::openat(directory, path, O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> block;
  while (text.size() <= largest_proc_file) {
    const auto got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return std::nullopt;
}

std::optional<std::string> status_field(const std::string& text, const char* name) {
  const auto label = fmt::format("{}:", name);
  auto at = text.starts_with(label) ? 0 : text.find('\n' + label);
  if (at == std::string::npos) return std::nullopt;
  at = text.find(':', at) + 1;
  const auto line = text.substr(at, text.find('\n', at) - at);
  const auto first = line.find_first_not_of(" \t");
  return first == std::string::npos ? std::string() : line.substr(first);
}

std::optional<std::int64_t> parse_number(const std::string& text) {
  const char* const end = text.data() + (text.ends_with('\n') ? text.size() - 1 : text.size());
  std::int64_t number = 0;
  const auto [stop, wrong] = std::from_chars(text.data(), end, number);
  if (wrong != std::errc() || stop != end) return std::nullopt;
  return number;
}

Handle open_process_directory(native_handle pidfd) {
  const auto info = read_proc_file(AT_FDCWD, fmt::format("/proc/self/fdinfo/{}", pidfd).c_str());
  if (!info) return Handle();
  const auto field = status_field(*info, "Pid");
  const auto number = field ? parse_number(*field) : std::nullopt;
  if (!number || *number <= 0) return Handle();  // -1: ended; 0: in a namespace that this /proc does not show
  return Handle(::open(fmt::format("/proc/{}", *number).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::optional<Executable> read_executable(const Handle& directory) {
  const Handle file(::openat(directory.get(), "exe", O_PATH | O_CLOEXEC));
  if (!file) return std::nullopt;
  // No request may reach a file system that the peer itself serves (FUSE): it could let us wait for ever.
  struct statx status{};
  if (::statx(file.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &status) != 0) return std::nullopt;
  Executable executable;
  executable.device = makedev(status.stx_dev_major, status.stx_dev_minor);
  executable.inode = status.stx_ino;
  if ((status.stx_attributes & STATX_ATTR_VERITY) != 0) executable.fs_verity_sha256 = measure_verity(file);
  std::array<char, 4096> path;
  const auto length = ::readlinkat(directory.get(), "exe", path.data(), path.size());
  if (length < 0) return std::nullopt;
  executable.path.assign(path.data(), static_cast<std::size_t>(length));
  return executable;
}

ProcessFacts read_process_facts(const Handle& directory) {
  ProcessFacts facts;
  facts.executable = read_executable(directory);
  facts.login_session = read_audit_number(directory, "sessionid");
  facts.login_uid = read_audit_number(directory, "loginuid");
  facts.cgroup = read_cgroup(directory);
  return facts;
}

bool is_exiting(const Handle& directory) {
  constexpr unsigned long exiting = 0x4;  // PF_EXITING, in the field `flags` of proc_pid_stat(5)
  const auto text = read_proc_file(directory.get(), "stat");
  if (!text) return true;
  // Behind the name, which may hold anything: state, parent, group, session, terminal, its group, flags.
  std::istringstream words(text->substr(text->rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 6; ++i) words >> skipped;
  unsigned long flags = 0;
  return !(words >> flags) || (flags & exiting) != 0;
}

std::optional<std::uint32_t> own_login_session() {
  const Handle self(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return self ? read_audit_number(self, "sessionid") : std::nullopt;
}

}  // namespace penstock::transport
