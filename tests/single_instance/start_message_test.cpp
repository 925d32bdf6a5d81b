// What a later start sends, byte by byte: what is sent is what is read, and nothing else is.
#include "protocol/start_message.hpp"

#include <gtest/gtest.h>

#include "protocol/wire.hpp"

namespace penstock::protocol {
namespace {

std::vector<std::byte> number(std::uint32_t value) {
  std::vector<std::byte> out(4);
  put(out.data(), value);
  return out;
}

/// Numbers and texts one after the other.
class Bytes {
 public:
  Bytes& operator<<(std::uint32_t value) {
    for (const auto byte : number(value)) bytes.push_back(byte);
    return *this;
  }
  Bytes& operator<<(std::string_view text) {
    *this << static_cast<std::uint32_t>(text.size());
    return raw(text);
  }
  Bytes& raw(std::string_view text) {
    for (const auto byte : as_bytes(text)) bytes.push_back(byte);
    return *this;
  }
  std::vector<std::byte> bytes;
};

Start sample() {
  Start start;
  start.arguments = {"editor", "", "a b", "letter \xC3\xA4.txt"};
  start.directory = "/somewhere";
  start.environment = {{"LANG", "C"}, {"EMPTY", ""}};
  return start;
}

TEST(StartMessage, IsReadAsItWasWritten) {
  const auto bytes = encode_start(sample());
  ASSERT_TRUE(bytes);
  const auto read = decode_start(*bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->arguments, sample().arguments);
  EXPECT_EQ(read->directory, sample().directory);
  EXPECT_EQ(read->environment, sample().environment);
  EXPECT_EQ(read->variable("EMPTY"), "");
  EXPECT_FALSE(read->variable("lang"));
}

TEST(StartMessage, HasExactlyThisForm) {
  Start start;
  start.arguments = {"x", ""};
  start.directory = "/d";
  start.environment = {{"N", "v"}};
  const auto wanted = Bytes() << 1u << 2u << "x" << "" << "/d" << 1u << "N" << "v";
  EXPECT_EQ(*encode_start(start), wanted.bytes);
  EXPECT_TRUE(decode_start((Bytes() << 1u << 0u << "" << 0u).bytes)) << "nothing at all";
}

TEST(StartMessage, NothingElseIsRead) {
  const std::string zero("a\0b", 3);
  struct Row {
    const char* what;
    Bytes bytes;
  };
  const std::vector<Row> rows{
      {"empty", Bytes()},
      {"format 0", Bytes() << 0u << 0u << "" << 0u},
      {"format 2", Bytes() << 2u << 0u << "" << 0u},
      {"a byte left over", (Bytes() << 1u << 0u << "" << 0u).raw("x")},
      {"fewer arguments than said", Bytes() << 1u << 2u << "x"},
      {"more arguments than said", Bytes() << 1u << 1u << "x" << "y" << "/d" << 0u},
      {"too many arguments", Bytes() << 1u << static_cast<std::uint32_t>(max_start_arguments + 1)},
      {"as many arguments as a number can say", Bytes() << 1u << 0xFFFFFFFFu},
      {"an argument longer than there is", (Bytes() << 1u << 1u << 5u).raw("four")},
      {"an argument as long as a number can say", (Bytes() << 1u << 1u << 0xFFFFFFFFu).raw("x")},
      {"a zero byte in an argument", Bytes() << 1u << 1u << zero << "/d" << 0u},
      {"a zero byte in the directory", Bytes() << 1u << 0u << zero << 0u},
      {"a directory that is too long", Bytes() << 1u << 0u << std::string(max_start_directory + 1, 'd') << 0u},
      {"no directory", Bytes() << 1u << 0u},
      {"no number of variables", Bytes() << 1u << 0u << "/d"},
      {"too many variables", Bytes() << 1u << 0u << "/d" << static_cast<std::uint32_t>(max_start_variables + 1)},
      {"a variable without a name", Bytes() << 1u << 0u << "/d" << 1u << "" << "v"},
      {"a name with =", Bytes() << 1u << 0u << "/d" << 1u << "A=B" << "v"},
      {"a name that is too long", Bytes() << 1u << 0u << "/d" << 1u << std::string(max_variable_name + 1, 'n') << "v"},
      {"a zero byte in a name", Bytes() << 1u << 0u << "/d" << 1u << zero << "v"},
      {"a zero byte in a value", Bytes() << 1u << 0u << "/d" << 1u << "N" << zero},
      {"a variable without a value", Bytes() << 1u << 0u << "/d" << 1u << "N"},
      {"a variable twice", Bytes() << 1u << 0u << "/d" << 2u << "N" << "v" << "N" << "w"},
      {"fewer variables than said", Bytes() << 1u << 0u << "/d" << 2u << "N" << "v"},
      {"more than a start may have", Bytes() << 1u << 1u << std::string(max_start_bytes, 'x') << "/d" << 0u}};
  for (const auto& row : rows) EXPECT_EQ(decode_start(row.bytes.bytes).error(), Error::message_malformed) << row.what;
}

TEST(StartMessage, NoCutOfOneIsRead) {
  const auto whole = encode_start(sample());
  for (std::size_t size = 0; size < whole->size(); ++size) {
    EXPECT_EQ(decode_start(std::span(*whole).first(size)).error(), Error::message_malformed) << size << " bytes";
  }
}

TEST(StartMessage, WhatIsTooLargeIsNotSent) {
  const auto refused = [](const Start& start) { return encode_start(start).error() == Error::message_too_large; };
  Start start;
  start.arguments.assign(max_start_arguments, "x");
  EXPECT_FALSE(refused(start));
  start.arguments.emplace_back("x");
  EXPECT_TRUE(refused(start));

  // format, number, length, directory's length, number of variables
  start.arguments = {std::string(max_start_bytes - 5 * 4, 'x')};
  const auto bytes = encode_start(start);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), max_start_bytes);
  EXPECT_TRUE(decode_start(*bytes));
  start.arguments[0] += 'x';
  EXPECT_TRUE(refused(start));

  start.arguments.clear();
  start.directory.assign(max_start_directory + 1, 'd');
  EXPECT_TRUE(refused(start));
  start.directory.clear();
  start.environment = {{std::string(max_variable_name + 1, 'n'), ""}};
  EXPECT_TRUE(refused(start));
  start.environment.assign(max_start_variables + 1, {"N", "v"});
  EXPECT_TRUE(refused(start));
}

TEST(StartMessage, AnAnswerIsAStatusOrAReason) {
  const std::array<std::byte, 2> body{std::byte{200}, std::byte{1}};
  const auto one = std::span(body).first(1);
  EXPECT_EQ(*decode_answer(0, one), 200);
  EXPECT_EQ(decode_answer(0, {}).error(), Error::message_malformed);
  EXPECT_EQ(decode_answer(0, body).error(), Error::message_malformed);
  EXPECT_EQ(decode_answer(1, {}).error(), Error::operation_refused);
  EXPECT_EQ(decode_answer(2, {}).error(), Error::message_malformed);
  EXPECT_EQ(decode_answer(3, {}).error(), Error::cancelled);
  EXPECT_EQ(decode_answer(1, one).error(), Error::message_malformed);
  EXPECT_EQ(decode_answer(4, {}).error(), Error::message_malformed);
}

}  // namespace
}  // namespace penstock::protocol
