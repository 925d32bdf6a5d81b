// A forked child has the counters and must not have the keys.
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/protocol/record_testing.hpp"

namespace penstock::protocol {
namespace {

/// Runs `check` in a forked child and returns what it said; −1 if it did not end by itself.
int in_child(const std::function<int()>& check) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(check());
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

class Atk20 : public testing::TestWithParam<crypto::Cipher> {
 protected:
  void SetUp() override {
    if (!crypto::available(GetParam())) GTEST_SKIP() << "this processor has no AES";
  }
};
INSTANTIATE_TEST_SUITE_P(Suites, Atk20, testing::Values(crypto::Cipher::aes256_gcm, crypto::Cipher::chacha20_poly1305),
                         [](const auto& which) {
                           return which.param == crypto::Cipher::aes256_gcm ? "AES256GCM" : "ChaCha20Poly1305";
                         });

TEST_P(Atk20, AForkedChildNeitherSealsNorOpensAndTheParentGoesOn) {
  for (const bool ordered : {true, false}) {
    Direction at(ordered, {}, {}, GetParam());
    for (int i = 0; i < 3; ++i) ASSERT_EQ(open_error(at.opener, seal(at.sealer, "before")), Error::none);
    const Bytes waiting = seal(at.sealer, "on its way");

    EXPECT_EQ(in_child([&] {
                Bytes frame(1000);
                const auto sealed = at.sealer.seal(message("child"), frame, noon);
                if (sealed || sealed.error().code() != Error::forked) return 1;
                // Nothing that could be the parent's next record has been written.
                if (as_text(frame).find("child") != std::string_view::npos) return 2;
                return at.sealer.seal(message("child"), frame, noon).error() == Error::closed ? 0 : 3;
              }),
              0);
    EXPECT_EQ(in_child([&] { return open_error(at.opener, waiting) == Error::forked ? 0 : 1; }), 0);

    EXPECT_EQ(text_of(open(at.opener, waiting).value()), "on its way");
    EXPECT_EQ(open_error(at.opener, seal(at.sealer, "after")), Error::none);
  }
}

TEST_P(Atk20, AForkedChildCannotChangeItsKeyEither) {
  Direction at(true, {}, {}, GetParam());
  ASSERT_EQ(open_error(at.opener, seal(at.sealer, "before")), Error::none);
  ASSERT_TRUE(at.opener.expect_refresh(test_secret(1)));
  EXPECT_EQ(in_child([&] { return at.sealer.refresh(test_secret(1)).error() == Error::forked ? 0 : 1; }), 0);
  EXPECT_EQ(in_child([&] {
              at.sealer.rekey_next();
              const auto sealed = try_seal(at.sealer, message("child"));
              return !sealed && sealed.error() == Error::forked ? 0 : 1;
            }),
            0);

  ASSERT_TRUE(at.sealer.refresh(test_secret(1)));
  const Bytes fresh = seal(at.sealer, "fresh");
  EXPECT_EQ(in_child([&] { return open_error(at.opener, fresh) == Error::forked ? 0 : 1; }), 0);
  EXPECT_EQ(open_error(at.opener, fresh), Error::none);
}

// The wiped page is zeros. A record sealed under the key of zeros, which anybody can make, opens nothing in the child.
TEST_P(Atk20, TheKeyOfZerosOpensNothingInTheChild) {
  Direction at(true, {}, {}, GetParam());
  EXPECT_EQ(in_child([&] {
              const auto zeros = test_key(GetParam(), 0);
              return open_error(at.opener, craft(zeros, message_header(0))) == Error::forked ? 0 : 1;
            }),
            0);
}

TEST_P(Atk20, TheChildsEndDoesNotDisturbTheParentsSecrets) {
  Direction at(true, {}, {}, GetParam());
  EXPECT_EQ(in_child([&] {
              at.sealer.reset();
              at.opener.reset();
              return 0;
            }),
            0);
  // Whatever the child gave back must not be handed out here while it is in use.
  const auto other = test_key(GetParam(), 99);
  EXPECT_EQ(open_error(at.opener, seal(at.sealer, "x")), Error::none);
}

}  // namespace
}  // namespace penstock::protocol
