// Squatters, sessions, and what only Linux has.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/single_instance/testing.hpp"
#include "tests/support/process_facts.hpp"

namespace penstock::test {
namespace {

/// Binds the name in a directory of ours without any care, and lets another user listen at it. Told to, counts what came.
int squat(const Line& line, const Words& words) {
  const auto path = words.at(0) + '/' + instance_name(words.at(0)) + ".sock";
  const Handle listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  const bool bound = ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     become_second_user() && ::listen(listener.get(), 64) == 0;
  line.tell(bound ? 'y' : 'n');
  if (line.hear() != 'c') return 1;
  std::uint64_t connections = 0;
  std::uint64_t sum = 0;
  for (;;) {
    const Handle peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!peer) break;
    ++connections;
    std::array<char, 4096> buffer;
    for (ssize_t got = 0; (got = ::recv(peer.get(), buffer.data(), buffer.size(), 0)) > 0;) sum += static_cast<std::uint64_t>(got);
  }
  line.tell_number(connections);
  line.tell_number(sum);
  return 0;
}
const Role squatting("squatting", squat);

TEST(SingleInstance, Atk01ASquatterOfAnotherUserGetsNothingAndTheStartRefuses) {
  if (!has_second_user()) GTEST_SKIP() << "needs root, for a second user";
  const TempDirectory directory;
  Child squatter(squatting, {directory.path()});
  ASSERT_EQ(squatter.line().hear(), 'y');
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Later(directory.path(), {"secret"}).hear(), error(Error::peer_out_of_scope));
  squatter.line().tell('c');
  EXPECT_EQ(squatter.line().hear_number(), 3u) << "it was connected to";
  EXPECT_EQ(squatter.line().hear_number(), 0u) << "and was not sent a byte";
}

TEST(SingleInstance, Atk01AnotherUsersSocketOrDirectoryIsNotConnectedTo) {
  const TempDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0777), 0);
  EXPECT_EQ(Later(directory.path()).hear(), error(Error::directory_unsafe));
  ASSERT_EQ(::chmod(directory.path().c_str(), 0700), 0);
  std::ofstream(directory.file(instance_name(directory.path()) + ".sock")) << "no socket";
  EXPECT_EQ(Later(directory.path()).hear(), error(Error::socket_unsafe));
}

TEST(SingleInstance, Atk01AStartOfAnotherUserIsNotServed) {
  if (!has_second_user()) GTEST_SKIP() << "needs root, for a second user";
  static const Role other_user("other user", [](const Line& line, const Words& words) {
    return become_second_user() ? start_role.run(line, words) : 1;
  });
  const TempDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  First first(directory.path());
  ASSERT_EQ(::chmod(directory.file(instance_name(directory.path()) + ".sock").c_str(), 0666), 0);
  const Child other(other_user, later_words(directory.path(), {"theirs"}));
  EXPECT_EQ(other.line().hear_number(), error(Error::peer_out_of_scope));
}

/// A login of its own, as pam_loginuid makes one, and its own place for names; then a start.
int start_logged_in(const Line& line, const Words& words) {
  std::ofstream login("/proc/self/loginuid");
  login << 1000 << std::flush;
  if (!login) {
    line.tell_number(0xFFFF);
    return 1;
  }
  ::setenv("XDG_RUNTIME_DIR", words.at(0).c_str(), 1);
  return start_role.run(line, words);
}
const Role logged_in("logged in", start_logged_in);

TEST(SingleInstance, Atk23EachSessionHasItsOwn) {
  const TempDirectory directory;
  const auto words = later_words(directory.path(), {"x"}, {"scope=session", "scope-directory=own"});
  const Child one(logged_in, words);
  const auto told = one.line().hear_number();
  if (told == 0xFFFF) GTEST_SKIP() << "needs a kernel with audit, and CAP_AUDIT_CONTROL, to log in";
  EXPECT_EQ(told, became_first);
  const Child two(logged_in, words);
  EXPECT_EQ(two.line().hear_number(), became_first) << "another session of the same user";
}

TEST(SingleInstance, Atk23NothingIsHandedToAnotherSessionsInstance) {
  const TempDirectory directory;
  // The same socket for both: what keeps them apart is not where it stands.
  const auto words = later_words(directory.path(), {"x"}, {"scope=session"});
  const Child one(logged_in, words);
  const auto told = one.line().hear_number();
  if (told == 0xFFFF) GTEST_SKIP() << "needs a kernel with audit, and CAP_AUDIT_CONTROL, to log in";
  ASSERT_EQ(told, became_first);
  const Child two(logged_in, words);
  EXPECT_EQ(two.line().hear_number(), error(Error::peer_out_of_scope));
}

TEST(SingleInstance, Atk23WithoutASessionThereIsNoInstanceOfOneUnlessTheProgramSaysSo) {
  const auto self = own_identity();
  if (!self || self->login_session) GTEST_SKIP() << "this process has a login session";
  const TempDirectory directory;
  EXPECT_EQ(Later(directory.path(), {"x"}, {"scope=session"}).hear(), error(Error::unsupported));
  const Later first(directory.path(), {"x"}, {"scope=session", "fall-back"});
  EXPECT_EQ(first.hear(), became_first);
  EXPECT_EQ(Later(directory.path()).hear(), 3u) << "in the scope user it is met";
}

TEST(SingleInstance, WhoStopsLeavesTheNameAtOnce) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  const Later begun(directory.path());
  first.run_until_started(1);
  first.instance->stop();
  EXPECT_EQ(Later(directory.path()).hear(), became_first);
  first.answers.front().status(9);
  first.finish();
  EXPECT_EQ(begun.hear(), 9u);
}

TEST(SingleInstance, AVariableMayBeEmptyAndADirectoryGone) {
  static const Role nowhere("nowhere", [](const Line& line, const Words& words) {
    ::setenv("PENSTOCK_EMPTY", "", 1);
    const auto gone = words.at(0) + "/gone";
    std::filesystem::create_directory(gone);
    std::filesystem::current_path(gone);
    std::filesystem::remove(gone);
    return start_role.run(line, words);
  });
  const TempDirectory directory;
  auto options = instance_options(directory.path());
  options.environment = {"PENSTOCK_EMPTY"};
  First first(options, directory.path());
  first.keep();
  const Child later(nowhere, later_words(directory.path(), {"later", "\xFF is no UTF-8"}, {"env=PENSTOCK_EMPTY"}));
  first.run_until_started(1);
  EXPECT_EQ(first.starts.front().directory, "");
  EXPECT_EQ(first.starts.front().variable("PENSTOCK_EMPTY"), "");
  EXPECT_EQ(first.starts.front().arguments, (Words{"later", "\xFF is no UTF-8"}));
}

TEST(SingleInstance, AsMuchAsAStartMayHaveArrivesAndMoreIsNotSent) {
  const TempDirectory directory;
  First first(directory.path());
  first.keep();
  const Words many(max_start_arguments, std::string(200, 'x'));
  Later large(directory.path(), many);
  first.run_until_started(1);
  EXPECT_EQ(first.starts.front().arguments, many);
  auto more = many;
  more.emplace_back("one more");
  EXPECT_EQ(Later(directory.path(), more).hear(), error(Error::message_too_large));
}

}  // namespace
}  // namespace penstock::test
