// Two ends of a conversation in one test, and what a liar posts to them.
#pragma once

#include <gtest/gtest.h>

#include "tests/transports/dde_post_office.hpp"

namespace penstock::transport::dde::testing {

/// The kinds of the messages that wait for the other end.
inline std::vector<MessageKind> kinds(const std::deque<Letter>& letters) {
  std::vector<MessageKind> out;
  for (const auto& letter : letters) out.push_back(letter.event.kind);
  return out;
}

struct DdeConversation : ::testing::Test {
  Office office;
  Conversation& client = office.client.conversation;
  Conversation& server = office.server.conversation;

  /// The server gets this and ends with frame_malformed; the letters that it sends are in to_client.
  void server_finds_a_lie(Letter letter) {
    office.server.receive(std::move(letter), office.now);
    office.act();
    EXPECT_EQ(server.state(), State::terminating);
    EXPECT_EQ(server.error(), Error::frame_malformed);
    ASSERT_FALSE(office.to_client.empty());
    EXPECT_EQ(office.to_client.back().event.kind, MessageKind::terminate);
  }
  void client_finds_a_lie(Letter letter) {
    office.client.receive(std::move(letter), office.now);
    office.act();
    EXPECT_EQ(client.state(), State::terminating);
    EXPECT_EQ(client.error(), Error::frame_malformed);
    EXPECT_EQ(kinds(office.to_server), std::vector{MessageKind::terminate}) << "no answer but the end";
  }
  static Letter letter(MessageKind kind, Id from, Id item = 0, std::uint16_t format = 0, std::uint16_t status = 0) {
    return {{.kind = kind, .from = from, .item = item, .memory = 99, .format = format, .status = status, .payload = {}}, {}};
  }
};

inline const auto small = bytes_of(5);
inline Chunk frame_chunk(std::uint64_t number, bytes_view payload = small) {
  return {.kind = ChunkKind::frame, .number = number, .total = static_cast<std::uint32_t>(payload.size()), .payload = payload};
}

}  // namespace penstock::transport::dde::testing
