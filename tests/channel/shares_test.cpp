// What a process has descriptors for bounds its channels (ATK-12).
#include <gtest/gtest.h>

#include "protocol/shares.hpp"

namespace penstock::protocol {
namespace {

TEST(Atk12Limits, ChannelsKeepToWhatThereAreDescriptorsFor) {
  struct Row {
    std::uint64_t descriptors;
    std::size_t channels, per_identity, kept, kept_per_identity;
  };
  for (const auto& row : {
           Row{1u << 20, 4096, 1024, 4096, 1024},      // room for all
           Row{16384, 4096, 1024, 4096, 1024},         // just
           Row{16380, 4096, 1024, 4095, 1023},         // just not
           Row{1024, 4096, 1024, 256, 64},             // the usual limit: the shares stay as they were meant
           Row{1024, 4096, 4096, 256, 256},            // one user may have all, as before
           Row{1024, 4096, 1, 256, 1},                 // and none has less than one
           Row{8, 4096, 1024, 2, 1}, Row{0, 4096, 1024, 1, 1},
           Row{~std::uint64_t{0}, 4096, 1024, 4096, 1024},
       }) {
    ListenerLimits limits;
    limits.channels = row.channels;
    limits.channels_per_identity = row.per_identity;
    const auto kept = within_descriptors(limits, row.descriptors);
    EXPECT_EQ(kept.channels, row.kept) << row.descriptors;
    EXPECT_EQ(kept.channels_per_identity, row.kept_per_identity) << row.descriptors;
  }
  EXPECT_GT(descriptor_limit(), 0u);
}

}  // namespace
}  // namespace penstock::protocol
