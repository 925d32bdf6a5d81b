// A man in the machine: genuine application on one side, genuine helper on the other.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "attackers.hpp"
#include "raw_connection.hpp"

namespace file_broker {
namespace {

/// Which user the kernel shows for what is sent next. With root's rights a relay can be, towards each side, the user
/// that this side's policy asks for; without them it is one user, as both sides are.
class Disguise {
 public:
  explicit Disguise(const std::string& user)
      : active_(!user.empty()), user_(active_ ? static_cast<uid_t>(std::stoul(user)) : 0) {}
  [[nodiscard]] bool towards_helper() const { return !active_ || become(user_); }
  [[nodiscard]] bool towards_application() const { return !active_ || become(0); }

 private:
  // Saved ids stay root's, so that there is a way back. SO_PEERCRED shows the effective ids, SCM_CREDENTIALS the real.
  static bool become(uid_t user) {
    const auto group = static_cast<gid_t>(user);
    if (user == 0) return ::setresuid(0, 0, 0) == 0 && ::setresgid(0, 0, 0) == 0;
    return ::setresgid(group, group, 0) == 0 && ::setresuid(user, user, 0) == 0;
  }
  bool active_;
  uid_t user_;
};

struct Passed {
  std::size_t to_helper = 0, to_application = 0, descriptors = 0;
};

Passed pass_both_ways(const penstock::Handle& application, const penstock::Handle& helper, const Disguise& disguise,
                      std::ofstream& record) {
  Passed passed;
  pollfd sides[] = {{application.get(), POLLIN, 0}, {helper.get(), POLLIN, 0}};
  // Until either side ends: the other one sees the same end.
  for (;;) {
    if (::poll(sides, 2, -1) < 0) continue;
    if (sides[0].revents != 0) {
      const auto loot = take(application);
      if (loot.bytes.empty()) return passed;
      record.write(loot.bytes.data(), static_cast<std::streamsize>(loot.bytes.size()));
      if (!disguise.towards_helper() || !pass_on(helper, loot)) return passed;
      passed.to_helper += loot.bytes.size();
    }
    if (sides[1].revents != 0) {
      const auto loot = take(helper);
      if (loot.bytes.empty()) return passed;
      if (!disguise.towards_application() || !pass_on(application, loot)) return passed;
      passed.to_application += loot.bytes.size();
      passed.descriptors += loot.descriptors.size();
    }
  }
}

}  // namespace

int run_relay(const Options& options) {
  const Disguise disguise(options.one("as-user"));
  std::ofstream record;
  if (const auto file = options.path("record"); !file.empty()) record.open(file, std::ios::binary);
  auto listener = listen_at(options.one("at"));
  if (!listener) return no_channel;
  std::cout << "ready" << std::endl;  // flushed: somebody waits for it
  auto victim = accept_one(listener);
  if (!disguise.towards_helper()) return no_channel;
  auto helper = connect_to(options.one("target"));
  if (!helper) return no_channel;
  const auto passed = pass_both_ways(victim.connection, helper, disguise, record);
  victim.connection.reset();
  helper.reset();
  std::cout << "peer=" << victim.pid << " to_helper=" << passed.to_helper << " to_application=" << passed.to_application
            << " descriptors=" << passed.descriptors << std::endl;
  return done;
}

}  // namespace file_broker
