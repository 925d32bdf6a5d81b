// Handles that travel by being put into the other process: from whom they are believed, and that none is left there (ATK-12).
#include <gtest/gtest.h>

#include "tests/support/process_facts.hpp"
#include "tests/support/users.hpp"
#include "tests/transports/meeting.hpp"
#include "tests/transports/other_calls_windows.hpp"
#include "transports/duplicate.hpp"
#include "transports/pass_handles_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

native_handle number(std::uint64_t value) { return reinterpret_cast<native_handle>(static_cast<std::uintptr_t>(value)); }

// INVALID_HANDLE_VALUE and this process, this thread, its tokens; and what no table of handles holds.
constexpr std::uint64_t no_handles[] = {0, ~std::uint64_t{0}, ~std::uint64_t{1}, ~std::uint64_t{3}, ~std::uint64_t{4}, ~std::uint64_t{5},
                                        0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFC, 0x123456780, 1, 2, 3};

PeerIdentity identity(void (*change)(PeerIdentity&, TokenFacts&) = [](PeerIdentity&, TokenFacts&) {}) {
  PeerIdentity out;
  TokenFacts facts;
  out.strength = Strength::pinned;
  out.uid = test::test_user(1000);
  facts.integrity = Integrity::medium;
  change(out, facts);
  out.token = std::make_unique<const TokenFacts>(facts);
  return out;
}

TEST(Atk12, WhoMayPutHandlesIntoUs) {
  struct Row {
    const char* name;
    void (*change)(PeerIdentity&, TokenFacts&);
    bool may;
  };
  const auto self = identity();
  for (const auto& row : {
           Row{"equal", [](PeerIdentity&, TokenFacts&) {}, true},
           Row{"higher", [](PeerIdentity&, TokenFacts& f) { f.integrity = Integrity::high; }, true},
           Row{"higher, another user", [](PeerIdentity& p, TokenFacts& f) { p.uid = test::test_user(1), f.integrity = Integrity::system; }, true},
           Row{"another user", [](PeerIdentity& p, TokenFacts&) { p.uid = test::test_user(1); }, false},
           Row{"lower", [](PeerIdentity&, TokenFacts& f) { f.integrity = Integrity::low; }, false},
           Row{"sandboxed", [](PeerIdentity&, TokenFacts& f) { f.restricted = true; }, false},
           Row{"sandboxed, higher", [](PeerIdentity&, TokenFacts& f) { f.restricted = true, f.integrity = Integrity::high; }, false},
           Row{"contained", [](PeerIdentity&, TokenFacts& f) { f.app_container = "S-1-15-2-1"; }, false},
           Row{"known by its user alone", [](PeerIdentity& p, TokenFacts&) { p.strength = Strength::connected; }, false},
       }) {
    EXPECT_EQ(may_put_handles(identity(row.change), self), row.may) << row.name;
  }
  auto tokenless = identity();
  tokenless.token.reset();
  EXPECT_FALSE(may_put_handles(tokenless, self));
  EXPECT_FALSE(may_put_handles(self, tokenless));
}

TEST(Handles, WhatOnlyStandsForSomethingIsNeitherSentNorTaken) {
  const auto self = os().open_for_handles(static_cast<std::uint32_t>(test::own_pid()));
  ASSERT_TRUE(self);
  const auto file = test::file_with("x");
  const auto before = test::open_handles();
  for (const auto value : no_handles) {
    EXPECT_EQ(adopt_handles({&value, 1}).error(), Error::handles_mismatch) << value;
    EXPECT_EQ(duplicate(number(value)).error(), Error::invalid_argument) << value;
    // The first is good: it is taken back.
    const native_handle two[] = {file.get(), number(value)};
    std::array<std::uint64_t, 2> values{};
    EXPECT_EQ(put_handles(self, two, values).error(), Error::invalid_argument) << value;
  }
  EXPECT_EQ(test::open_handles(), before);
  const native_handle one[] = {file.get()};
  std::array<std::uint64_t, 1> none{};
  EXPECT_EQ(put_handles(Handle(), one, none).error(), Error::permission_denied);
}

TEST(Handles, ArriveOpenNotInheritedAndTheSameFile) {
  const auto self = os().open_for_handles(static_cast<std::uint32_t>(test::own_pid()));
  const auto file = test::file_with("hello");
  const auto before = test::open_handles();
  std::array<std::uint64_t, max_handles_per_message> values{};
  const std::vector<native_handle> sent(max_handles_per_message, file.get());
  ASSERT_EQ(put_handles(self, sent, values).value(), sent.size());
  {
    const auto arrived = adopt_handles(values);
    ASSERT_TRUE(arrived);
    ASSERT_EQ(arrived->size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_NE((*arrived)[i].get(), file.get());
      EXPECT_EQ(test::text_of((*arrived)[i].get()), "hello");
      EXPECT_FALSE(test::is_inherited((*arrived)[i].get()));
    }
  }
  EXPECT_EQ(test::open_handles(), before);
}

TEST(Atk12, OfAListWithOneThatIsNoneNothingIsLeftOpen) {
  const auto self = os().open_for_handles(static_cast<std::uint32_t>(test::own_pid()));
  const auto file = test::file_with("hello");
  const auto before = test::open_handles();
  const std::vector<native_handle> sent(3, file.get());
  for (const bool twice : {true, false}) {
    std::array<std::uint64_t, 4> values{};
    ASSERT_EQ(put_handles(self, sent, values).value(), sent.size());
    values[3] = twice ? values[1] : 0x3FFFFFFC;
    EXPECT_EQ(adopt_handles(values).error(), Error::handles_mismatch);
    EXPECT_EQ(test::open_handles(), before);
  }
}

/// Closes its end, and tells how many more handles it has when the other side has tried to send some.
const Role leaves_early("leaves-early", [](const Line& line, const Words& words) {
  auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier) return 1;
  (void)line.hear();
  (*carrier)->close();
  const auto before = test::open_handles();
  line.tell();
  (void)line.hear();
  return test::open_handles() == before ? 0 : 42;
});

TEST(Atk12, HandlesThatWereNotAnnouncedAreTakenBack) {
  Meeting meeting(leaves_early);
  const auto& line = meeting.process().line();
  line.tell();
  ASSERT_EQ(line.hear(), '.');
  const auto file = test::file_with("x");
  const std::vector<native_handle> some(5, file.get());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(meeting.carrier().send(as_bytes("x"), some, Wait::yes).error(), Error::truncated);
  line.tell();
  EXPECT_EQ(meeting.process().wait(), 0);
}

const Role sends_a_file("sends-a-file", [](const Line&, const Words& words) {
  auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier) return 1;
  const auto file = test::file_with("hello");
  const native_handle one[] = {file.get()};
  if (!(*carrier)->send(as_bytes("x"), one, Wait::yes)) return 2;
  static_cast<void>(receive_text(**carrier, 1));
  return 0;
});

TEST(Handles, TravelBetweenProcesses) {
  Meeting meeting(sends_a_file);
  ASSERT_TRUE(meeting.carrier().sender_checks(false));
  EXPECT_TRUE(meeting.carrier().traits().passes_handles);
  HandleList handles;
  std::byte buffer[4];
  const auto got = meeting.carrier().receive(buffer, handles, Wait::yes);
  ASSERT_TRUE(got) << error_name(got.error().code()) << ' ' << got.error().sentence();
  ASSERT_EQ(handles.size(), 1u);
  EXPECT_EQ(test::text_of(handles[0].get()), "hello");
}

const Role sends_many("sends-many-files", [](const Line&, const Words& words) {
  auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier) return 1;
  const auto file = test::file_with("hello");
  const std::vector<native_handle> most(max_handles_per_message, file.get());
  for (const std::size_t count : {max_handles_per_message, std::size_t{1}}) {
    if (!(*carrier)->send(as_bytes("x"), std::span(most).first(count), Wait::yes)) return 2;
  }
  static_cast<void>(receive_text(**carrier, 1));
  return 0;
});

TEST(Atk12, SeveralSegmentsBringNoMoreHandlesThanOneMayHave) {
  Meeting meeting(sends_many);
  ASSERT_TRUE(meeting.carrier().sender_checks(false));
  HandleList handles;
  std::byte buffer[1];
  ASSERT_TRUE(meeting.carrier().receive(buffer, handles, Wait::yes));
  ASSERT_EQ(handles.size(), max_handles_per_message);
  const auto before = test::open_handles();
  EXPECT_EQ(meeting.carrier().receive(buffer, handles, Wait::yes).error(), Error::handles_limit);
  EXPECT_EQ(handles.size(), max_handles_per_message);
  EXPECT_LT(test::open_handles(), before + 2) << "what was one too many is not left open";
}

TEST(Atk12, BeforeTheKeysAreAgreedNoHandleIsTaken) {
  Meeting meeting(sends_a_file);
  HandleList handles;
  std::byte buffer[4];
  EXPECT_EQ(meeting.carrier().receive(buffer, handles, Wait::yes).error(), Error::handles_mismatch);
  EXPECT_TRUE(handles.empty());
}

TEST(Atk12, ASandboxedSenderSaysNothingOfOurHandles) {
  OtherCalls calls;
  calls.change_process_token = [](std::uint32_t pid, Token& token) {
    if (pid != static_cast<std::uint32_t>(test::own_pid())) token.facts.restricted = true;
  };
  Meeting meeting(sends_a_file);
  ASSERT_TRUE(meeting.carrier().sender_checks(false));
  HandleList handles;
  std::byte buffer[4];
  EXPECT_EQ(meeting.carrier().receive(buffer, handles, Wait::yes).error(), Error::handles_mismatch);
  EXPECT_TRUE(handles.empty());
}

const Role stays("stays-for-handles", [](const Line&, const Words& words) {
  auto carrier = connect_to(test::endpoint_in(words[0]));
  if (!carrier) return 1;
  static_cast<void>(receive_text(**carrier, 1));
  return 0;
});

TEST(Atk04Handles, ArePutIntoTheProcessThatIsHeldOrIntoNone) {
  OtherCalls calls;
  // The peer has ended meanwhile, and another process has its number.
  calls.for_handles = [](std::uint32_t) { return real_os_calls().open_for_handles(static_cast<std::uint32_t>(test::own_pid())); };
  Meeting meeting(stays);
  EXPECT_FALSE(meeting.carrier().traits().passes_handles);
  const auto file = test::file_with("x");
  const native_handle one[] = {file.get()};
  EXPECT_EQ(meeting.carrier().send(as_bytes("x"), one, Wait::yes).error(), Error::permission_denied);
}

TEST(Handles, AreNotSentToAProcessThatWeMayNotPutAnyInto) {
  OtherCalls calls;
  calls.may_put_into = false;
  Meeting meeting(stays);
  EXPECT_FALSE(meeting.carrier().traits().passes_handles);
  const auto file = test::file_with("x");
  const native_handle one[] = {file.get()};
  EXPECT_EQ(meeting.carrier().send(as_bytes("x"), one, Wait::yes).error(), Error::permission_denied);
  EXPECT_TRUE(meeting.carrier().send(as_bytes("x"), {}, Wait::yes));
}

}  // namespace
}  // namespace penstock::transport
