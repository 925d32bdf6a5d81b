// Sources: getpwnam_r(3), getgrnam_r(3).
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "protocol/policy_system.hpp"

namespace penstock::protocol {
namespace {

constexpr std::size_t first_buffer = 4096;
constexpr std::size_t largest_buffer = std::size_t{1} << 20;

// `look_up` has the form of both calls: it fills an entry, whose strings lie in the buffer.
template <class Entry, class LookUp, class Number>
result<user_id> find(const char* kind, const std::string& name, LookUp look_up, Number number) {
  // A zero byte would end the name early for the C library: "root\0x" must not be root.
  if (name.empty() || name.find('\0') != std::string::npos) {
    return Failure(Error::policy_invalid,
                   fmt::format("a {}'s name may not be empty or hold a zero byte; correct it", kind));
  }
  for (std::size_t size = first_buffer; size <= largest_buffer; size *= 4) {
    std::vector<char> buffer(size);
    Entry entry{};
    Entry* found = nullptr;
    const int error = look_up(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (found != nullptr) return std::uint32_t{number(*found)};
    // POSIX has no one answer for "no such entry": some look-ups say 0, others one of these.
    const bool nobody = error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
    if (nobody) {
      return Failure(Error::policy_invalid,
                     fmt::format("this machine has no {} \"{}\"; create it, or take it out", kind, name));
    }
    return Failure(Error::policy_invalid,
                   fmt::format("the {} \"{}\" cannot be looked up ({}); try again, or write the number", kind, name,
                               std::generic_category().message(error)));
  }
  return Failure(Error::policy_invalid,
                 fmt::format("the entry of {} \"{}\" is larger than 1 MiB; write the number instead", kind, name));
}

}  // namespace

result<user_id> find_user(const std::string& name) {
  return find<passwd>("user", name, ::getpwnam_r, [](const passwd& entry) { return entry.pw_uid; });
}

result<user_id> find_group(const std::string& name) {
  return find<group>("group", name, ::getgrnam_r, [](const group& entry) { return entry.gr_gid; });
}

result<user_id> numbered_user(std::uint32_t number) {
  return number;
}

user_id effective_user() noexcept {
  return ::geteuid();
}

std::uint64_t user_number(const user_id& user) noexcept {
  return user;
}

}  // namespace penstock::protocol
