// The closed table is total, consistent, and what docs/ERRORS.md says.
#include "protocol/closed_table.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

#include "tests/protocol/errors_page.hpp"

namespace penstock::protocol {
namespace {

std::string source_text(const char* path) {
  std::ifstream file(std::string(PENSTOCK_SOURCE_DIR) + "/" + path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// The enumerators as the header has them, found without the compiler's help.
std::set<int> numbers_in_header() {
  const auto text = source_text("include/penstock/error.hpp");
  const auto begin = text.find("enum class Error {");
  const auto body = text.substr(begin, text.find("\n};", begin) - begin);
  std::set<int> numbers;
  const std::regex enumerator("\\n  \\w+ = (\\d+),");
  for (auto at = std::sregex_iterator(body.begin(), body.end(), enumerator); at != std::sregex_iterator(); ++at) {
    EXPECT_TRUE(numbers.insert(std::stoi((*at)[1])).second) << (*at)[0];
  }
  return numbers;
}

TEST(ClosedTable, EveryEnumeratorHasItsOwnRow) {
  std::set<int> named;
  for (const auto error : test::all_errors()) {
    named.insert(static_cast<int>(error));
    EXPECT_EQ(closed_row(error).error, error) << error_name(error);
  }
  EXPECT_EQ(named, numbers_in_header());
  EXPECT_GT(named.size(), 50u);
  // What is no enumerator gets the strictest treatment there is.
  EXPECT_EQ(closed_row(static_cast<Error>(9999)).error, Error::internal);
  EXPECT_TRUE(closed_row(static_cast<Error>(9999)).wipes_keys);
}

TEST(ClosedTable, WhatEndsAChannelOrAPeerWipesItsKeysAndRecordsOneEvent) {
  for (const auto error : test::all_errors()) {
    const auto row = closed_row(error);
    const bool ends = row.effect == Effect::close_channel || row.effect == Effect::refuse_peer;
    EXPECT_EQ(row.wipes_keys, ends) << error_name(error);
    if (row.effect == Effect::close_channel) {
      EXPECT_EQ(row.event, AuditKind::channel_closed) << error_name(error);
    }
    if (row.effect == Effect::refuse_peer) {
      EXPECT_EQ(row.event, AuditKind::peer_refused) << error_name(error);
    }
    if (row.effect == Effect::none) {
      EXPECT_FALSE(row.event) << error_name(error);
    }
    // No refusal is recorded as if something had gone well.
    EXPECT_NE(row.event, AuditKind::peer_admitted);
    EXPECT_NE(row.event, AuditKind::listener_started);
  }
}

TEST(ClosedTable, ThePeerLearnsNothingButThatTheConnectionEnded) {
  for (const auto error : test::all_errors()) {
    const auto row = closed_row(error);
    if (row.effect == Effect::refuse_peer) {
      EXPECT_EQ(row.peer_sees, PeerSees::connection_ends) << error_name(error);
    }
    // An authenticated word is for a peer that has proven itself, and says goodbye or "refused": no more.
    if (row.peer_sees == PeerSees::close_record) {
      EXPECT_EQ(error, Error::closed);
    }
    if (row.peer_sees == PeerSees::refusal) {
      EXPECT_EQ(error, Error::operation_refused);
    }
  }
}

TEST(ClosedTable, TheGroupOfANumberSaysWhatItEnds) {
  for (const auto error : test::all_errors()) {
    const int number = static_cast<int>(error);
    const auto effect = closed_row(error).effect;
    if (number >= 1 && number < 20) {
      EXPECT_EQ(effect, Effect::refuse_start) << error_name(error);
    }
    if (number >= 20 && number < 60) {
      EXPECT_EQ(effect, Effect::refuse_peer) << error_name(error);
    }
    if (number >= 60 && number < 80) {
      EXPECT_EQ(effect, Effect::close_channel) << error_name(error);
    }
    if (number >= 100) {
      EXPECT_EQ(effect, Effect::close_channel) << error_name(error);
    }
  }
}

TEST(ClosedTable, OnlyAGoodEndExitsWithZeroAndNoErrorWithOne) {
  for (const auto error : test::all_errors()) {
    const bool good = error == Error::none || error == Error::closed || error == Error::closed_by_peer;
    EXPECT_EQ(exit_status(error) == 0, good) << error_name(error);
    EXPECT_NE(exit_status(error), 1) << error_name(error);
    EXPECT_STRNE(to_string(closed_row(error).exit_code), "unknown");
  }
}

TEST(ClosedTable, TheErrorsPageSaysWhatTheTableSays) {
  EXPECT_EQ(source_text("docs/ERRORS.md"), test::errors_page())
      << "docs/ERRORS.md is not what protocol/closed_table.cpp says. Run, in the source directory:\n"
         "  BUILD/tests/protocol/penstock_errors_page > docs/ERRORS.md";
}

}  // namespace
}  // namespace penstock::protocol
