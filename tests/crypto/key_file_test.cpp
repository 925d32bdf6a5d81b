// Public keys as text, and key files that are anything but what save() wrote (ATK-28).
#include <gtest/gtest.h>

#include "penstock/keys.hpp"
#include "tests/crypto/hex.hpp"
#include "tests/crypto/print.hpp"
#include "tests/support/scratch.hpp"

namespace penstock {
namespace {

const std::string digits = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const std::string public_digits = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const std::string label = "penstock-private-key-v1 ";

TEST(PublicKeyText, RoundTripsAndComparesByValue) {
  const auto key = PublicKey::from_hex(public_digits);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->to_hex(), public_digits);
  EXPECT_EQ(*key, PublicKey(key->bytes()));
  EXPECT_FALSE(*key == PublicKey());
  EXPECT_EQ(PublicKey().to_hex(), std::string(64, '0'));
}

TEST(PublicKeyText, OnlyTheOneFormIsAccepted) {
  auto upper = public_digits;
  upper[10] = 'F';
  upper[11] = 'A';
  for (const auto& text : {std::string(), public_digits.substr(1), public_digits + "0", public_digits + "\n", upper,
                           " " + public_digits.substr(1), "0x" + public_digits.substr(2), "g" + public_digits.substr(1),
                           public_digits.substr(0, 63) + std::string(1, '\0')}) {
    const auto key = PublicKey::from_hex(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error(), Error::key_invalid);
  }
}

TEST(KeyFile, LoadsThePublishedKeyOfRfc7748) {
  const test::Scratch scratch;
  const auto keys = StaticKeys::load(scratch.write("key", label + digits + "\n", 0600));
  ASSERT_TRUE(keys) << keys.error().sentence();
  EXPECT_EQ(keys->public_key().to_hex(), public_digits);
  const auto key = PublicKey::load(scratch.write("key.pub", "penstock-public-key-v1 " + public_digits + "\n", 0644));
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, keys->public_key());
}

Error load_error(const std::string& path) {
  const auto keys = StaticKeys::load(path);
  return keys ? Error::none : keys.error().code();
}

TEST(Atk28, AMalformedKeyFileIsRefused) {
  const test::Scratch scratch;
  auto upper = digits;
  upper[5] = 'D';
  for (const auto& text :
       {digits + "\n", label + digits, label + digits + "\n\n", label + digits + "\r\n", label + digits + "x",
        label + digits + "\n" + label + digits + "\n", label + upper + "\n", label + digits.substr(1) + "g\n",
        "penstock-private-key-v2 " + digits + "\n", "penstock-public-key-v1 " + digits + "\n", " " + label + digits,
        label + std::string(64, '\0') + "\n", std::string(89, '\0'), std::string(4096, '0')}) {
    const auto path = scratch.write("key", text, 0600);
    EXPECT_EQ(load_error(path), Error::key_invalid) << text;
    EXPECT_NE(StaticKeys::load(path).error().sentence().find(path), std::string_view::npos);
  }
}

// A crash or a full disk while something else copied the file.
TEST(Atk28, AHalfWrittenKeyFileIsRefusedWhereverItWasCut) {
  const test::Scratch scratch;
  const auto whole = label + digits + "\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(load_error(scratch.write("key", whole.substr(0, size), 0600)), Error::key_invalid) << size;
  }
}

TEST(Atk28, AKeyFileThatOthersMayTouchIsRefused) {
  const test::Scratch scratch;
  const auto text = label + digits + "\n";
  for (const unsigned mode : {0640u, 0604u, 0620u, 0602u, 0666u}) {
    const auto path = scratch.write("key", text, mode);
    EXPECT_EQ(load_error(path), Error::key_unsafe) << mode;
    const std::string sentence(StaticKeys::load(path).error().sentence());
    EXPECT_NE(sentence.find("run: " + test::remedy("600", path)), std::string::npos) << sentence;
  }
  const auto path = scratch.write("key", text, 0600);
  EXPECT_EQ(load_error(path), Error::none);
  test::set_mode(scratch.path(), 0702);
  EXPECT_EQ(load_error(path), Error::key_unsafe);
}

TEST(Atk28, AMissingKeyFileIsUnreadable) {
  const test::Scratch scratch;
  EXPECT_EQ(load_error(scratch / "key"), Error::key_unreadable);
  EXPECT_EQ(PublicKey::load(scratch / "key").error(), Error::key_unreadable);
  EXPECT_EQ(load_error(scratch.write("huge", std::string(5000, '0'), 0600)), Error::key_unreadable);
}

// A public key is no secret, but who can write it chooses whom we trust.
TEST(Atk28, APublicKeyFileThatOthersMayWriteIsRefused) {
  const test::Scratch scratch;
  const auto text = "penstock-public-key-v1 " + public_digits + "\n";
  EXPECT_EQ(PublicKey::load(scratch.write("key.pub", text, 0664)).error(), Error::key_unsafe);
  EXPECT_EQ(PublicKey::load(scratch.write("key.pub", label + digits + "\n", 0600)).error(), Error::key_invalid);
}

}  // namespace
}  // namespace penstock
