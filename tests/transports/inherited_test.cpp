// An application and the helper it starts: what each knows of the other, and what is refused. The helper is this program once more.
#include "transports/inherited.hpp"

#include <algorithm>

#include "tests/support/process_facts.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/users.hpp"
#include "tests/transports/meeting.hpp"
#include "transports/child.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

bool say(Carrier& carrier, const std::string& text) { return send_all(carrier, text + '\0'); }

std::string next_text(Carrier& carrier) {
  std::string text;
  for (;;) {
    const auto byte = receive_text(carrier, 1);
    if (byte.empty() || byte[0] == '\0') return text;
    text += byte;
  }
}

std::string numbers_of(const PeerIdentity& identity) { return std::to_string(identity.pid) + ' ' + std::to_string(identity.process_key); }

/// Adopts what it was given and tells what it sees.
const Role helper("helper", [](const Line&, const Words& words) {
  auto adopted = adopt();
  if (!adopted) return 1;
  auto& carrier = *adopted->carrier;
  std::string all;
  for (const auto& word : words) all += word + '|';
  const bool said = say(carrier, all) && say(carrier, std::getenv("PENSTOCK_LAUNCH") == nullptr ? "cleared" : "left") &&
                    say(carrier, adopt().error() == Error::launch_invalid ? "refused" : "adopted twice") &&
                    say(carrier, numbers_of(carrier.peer())) && say(carrier, numbers_of(carrier.self())) &&
                    send_all(carrier, as_text(adopted->secret.bytes()));
  static_cast<void>(receive_text(carrier, 1));
  return said ? 42 : 2;
});

LaunchSpec specification(const Words& words = {}) { return {test::own_program(), test::role_arguments(helper, words), {}}; }

TEST(Inherited, BothEndsKnowEachOtherAndShareTheSecret) {
  auto launched = launch(specification({"one", "two words", "", "a\\\"b\\"}));
  ASSERT_TRUE(launched.has_value()) << launched.error().sentence();
  auto& carrier = *launched->carrier;
  EXPECT_EQ(carrier.traits().id, 2);
  EXPECT_EQ(next_text(carrier), "one|two words||a\\\"b\\|");
  EXPECT_EQ(next_text(carrier), "cleared");
  EXPECT_EQ(next_text(carrier), "refused");
  EXPECT_EQ(next_text(carrier), std::to_string(test::own_pid()) + ' ' + std::to_string(carrier.self().process_key));
  EXPECT_EQ(next_text(carrier), numbers_of(carrier.peer()));
  const auto secret = receive_text(carrier, 32);
  EXPECT_TRUE(std::ranges::equal(as_bytes(secret), launched->secret.bytes()));
  EXPECT_NE(secret, std::string(32, '\0'));
  carrier.close();
  end_child(launched->process);
}

TEST(Inherited, TheChildsIdentityIsThatOfTheProcessThatWasMade) {
  auto launched = launch(specification());
  ASSERT_TRUE(launched.has_value()) << launched.error().sentence();
  const auto& child = launched->carrier->peer();
  EXPECT_EQ(child.pid, launched->pid);
  EXPECT_EQ(child.strength, Strength::pinned);
  EXPECT_EQ(child.uid, test::own_user());
  const auto own = own_identity();
  EXPECT_EQ(child.groups, own->groups);
  ASSERT_TRUE(child.executable && own->executable);
  EXPECT_EQ(*child.executable, *own->executable);
  EXPECT_NE(child.process_key, launched->carrier->self().process_key);
  HandleList handles;
  std::byte buffer[4096];
  const auto first = launched->carrier->receive(buffer, handles, Wait::yes);
  ASSERT_TRUE(first.has_value() && first->sender.has_value());
  EXPECT_EQ(first->sender->process_key, child.process_key);
  EXPECT_EQ(first->sender->uid, child.uid);
  end_child(launched->process);
  EXPECT_EQ(child.check_alive().error(), Error::peer_gone);
}

TEST(Inherited, SecretsAreFreshAndNowhereToBeSeen) {
  auto first = launch(specification());
  auto second = launch(specification());
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(std::ranges::equal(first->secret.bytes(), second->secret.bytes()));
  end_child(first->process);
  end_child(second->process);
}

TEST(Inherited, WhatCannotBeStartedSaysWhyAndLeavesNoHandle) {
  const test::Scratch scratch;
  const auto text = scratch.write("text.exe", "", 0755);
  const auto program = test::own_program();
  // What is loaded or opened once stays.
  EXPECT_EQ(launch({scratch / "missing.exe", {}, {}}).error(), Error::not_found);
  EXPECT_EQ(launch({text, {}, {}}).error(), Error::invalid_argument);
  const auto before = test::open_handles();
  EXPECT_EQ(launch({scratch / "missing.exe", {}, {}}).error(), Error::not_found);
  EXPECT_EQ(launch({text, {}, {}}).error(), Error::invalid_argument);
  EXPECT_EQ(launch({"relative", {}, {}}).error(), Error::invalid_argument);
  EXPECT_EQ(launch({"", {}, {}}).error(), Error::invalid_argument);
  EXPECT_EQ(launch({program, {std::string("a\0b", 3)}, {}}).error(), Error::invalid_argument);
  for (const char* entry : {"NOVALUE", "=x", "PENSTOCK_LAUNCH=3,4"}) {
    EXPECT_EQ(launch({program, {}, {entry}}).error(), Error::invalid_argument) << entry;
  }
  EXPECT_EQ(test::open_handles(), before);
}

TEST(Inherited, AProcessThatWasNotLaunchedAdoptsNothing) { EXPECT_EQ(adopt().error(), Error::launch_invalid); }

}  // namespace
}  // namespace penstock::transport
