// The table of errors: total, and each row of use to a person.
#include "penstock/error.hpp"

#include <gtest/gtest.h>

#include <boost/system/system_error.hpp>
#include <set>
#include <string>

#include "penstock/result.hpp"

namespace penstock {
namespace {

constexpr int last_number = 105;  // Error::internal; a new one after it must be added here to be looked at

// That no enumerator lacks a row is proven by the compiler (-Wswitch); that no two share a name, here.
TEST(ErrorTable, NamesAreUniqueIdentifiersAndSentencesAreSentences) {
  std::set<std::string> names, sentences;
  for (int number = 0; number <= last_number; ++number) {
    const auto error = static_cast<Error>(number);
    const std::string name = error_name(error), sentence = error_sentence(error);
    if (name == "unknown") continue;
    SCOPED_TRACE(name);
    EXPECT_TRUE(names.insert(name).second);
    EXPECT_TRUE(sentences.insert(sentence).second);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos);
    EXPECT_GE(sentence.size(), 19u);
    EXPECT_EQ(sentence.back(), '.');
  }
  EXPECT_GE(names.size(), 60u);
  EXPECT_STREQ(error_name(Error::internal), "internal");
}

TEST(ErrorTable, ANumberThatIsNoErrorIsSaidToBeUnknown) {
  EXPECT_STREQ(error_name(static_cast<Error>(999)), "unknown");
  EXPECT_STREQ(error_name(static_cast<Error>(-1)), "unknown");
}

TEST(ErrorCategory, SpeaksThroughErrorCode) {
  const boost::system::error_code code = Error::record_forged;
  EXPECT_EQ(code.value(), 62);
  EXPECT_STREQ(code.category().name(), "penstock");
  EXPECT_EQ(code.message(), error_sentence(Error::record_forged));
  EXPECT_TRUE(code.failed());
  EXPECT_FALSE(make_error_code(Error::none).failed());
  EXPECT_EQ(code, make_error_code(Error::record_forged));
}

TEST(FailureSentence, FallsBackToTheTable) {
  EXPECT_EQ(Failure(Error::forked).sentence(), error_sentence(Error::forked));
  EXPECT_EQ(Failure(Error::forked, "Mine.").sentence(), "Mine.");
}

TEST(ResultValue, ThrowsWithTheSentenceWhenNobodyAsked) {
  const result<int> refused = Failure(Error::key_unsafe, "The file is open to all.");
  try {
    static_cast<void>(refused.value());
    FAIL() << "value() of an error must throw";
  } catch (const boost::system::system_error& error) {
    EXPECT_EQ(error.code(), make_error_code(Error::key_unsafe));
    EXPECT_NE(std::string(error.what()).find("The file is open to all."), std::string::npos);
  }
}

}  // namespace
}  // namespace penstock
