// What of a pipe's overlapped operations can be seen from outside.
#include "tests/transports/meeting.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

const Role reads_nothing("reads-nothing", [](const Line& line, const Words& words) {
  const auto carrier = connect_to(test::endpoint_in(words[0]));
  (void)line.hear();
  return carrier ? 0 : 1;
});

// How it ended would be told to an executor that the end no longer has: half a message must not look like a whole one.
TEST(PipeIo, AnEndThatIsDetachedWhileItWritesIsClosed) {
  for (const bool full : {true, false}) {
    Meeting meeting(reads_nothing, false);
    auto& carrier = meeting.carrier();
    ASSERT_TRUE(carrier.attach(meeting.context().get_executor()));
    const std::vector<std::byte> block(1 << 16);
    while (full && carrier.send(block, {}, Wait::no)) {
    }
    carrier.detach();
    const auto sent = carrier.send(as_bytes("x"), {}, Wait::no);
    EXPECT_EQ(sent ? Error::none : sent.error().code(), full ? Error::closed : Error::none);
    meeting.process().line().tell();
    EXPECT_EQ(meeting.process().wait(), 0);
  }
}

}  // namespace
}  // namespace penstock::transport
