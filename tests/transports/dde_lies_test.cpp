// ATK-16: what is not exactly as the table in conversation.hpp says, to both roles.
#include "tests/transports/dde_conversation_testing.hpp"

namespace penstock::transport::dde {
namespace {

using namespace testing;

struct DdeLies : DdeConversation {};

TEST_F(DdeLies, Atk16AReplayedChunkCloses) {
  office.connect();
  office.server.receive(command(frame_chunk(0)), office.now);
  EXPECT_EQ(server.state(), State::connected);
  server_finds_a_lie(command(frame_chunk(0)));
  EXPECT_EQ(office.to_client[office.to_client.size() - 2].event.status, 0) << "refused";
  std::array<std::byte, 8> buffer;
  EXPECT_EQ(server.take(buffer, office.now).error(), Error::frame_malformed)
      << "nothing of a liar's is delivered";
}

TEST_F(DdeLies, Atk16AReplayOfWhatWasTakenCloses) {
  office.connect();
  office.server.receive(command(frame_chunk(0)), office.now);
  EXPECT_EQ(take(server, 100).size(), 5u);
  server_finds_a_lie(command(frame_chunk(0)));
}

TEST_F(DdeLies, Atk16AReplayOfWhatWasTakenBeforeItsTurnCloses) {
  office.connect();
  office.server.receive(command(frame_chunk(1)), office.now);
  EXPECT_EQ(take(server, 100).size(), 5u);
  EXPECT_EQ(server.state(), State::connected) << "number 0 is still to come";
  server_finds_a_lie(command(frame_chunk(1)));
}

TEST_F(DdeLies, Atk16ToTheClientToo) {
  office.connect();
  office.client.receive(data(frame_chunk(0)), office.now);
  office.act();
  EXPECT_EQ(kinds(office.to_server), std::vector{MessageKind::ack});
  office.to_server.clear();
  client_finds_a_lie(data(frame_chunk(0)));
}

TEST_F(DdeLies, LiesOfChunks) {
  const auto piece = bytes_of(chunk_payload);
  const auto big = static_cast<std::uint32_t>(largest_datagram + 1);
  const std::vector<std::pair<const char*, Chunk>> lies{
      {"beyond the window", frame_chunk(datagram_window)},
      {"far beyond", frame_chunk(~std::uint64_t{0})},
      {"empty", {.kind = ChunkKind::frame, .total = 0}},
      {"too large", {.kind = ChunkKind::frame, .total = big, .payload = piece}},
      {"offset past the end", {.kind = ChunkKind::frame, .offset = 8192, .total = 8192, .payload = piece}},
      {"offset between", {.kind = ChunkKind::frame, .offset = 1, .total = 8193, .payload = piece}},
      {"shorter than its place", {.kind = ChunkKind::frame, .total = 6, .payload = small}},
      {"longer than its place", {.kind = ChunkKind::frame, .total = 4, .payload = small}},
      {"unknown kind", {.kind = static_cast<ChunkKind>(5), .number = 1}},
      {"kind 0", {.kind = static_cast<ChunkKind>(0), .number = 1}},
      {"a second nonce", {.kind = ChunkKind::nonce, .payload = bytes_view(piece).first(nonce_size)}},
      {"a second handle", {.kind = ChunkKind::handle, .number = 8}},
      {"took what was not sent", {.kind = ChunkKind::taken, .number = 1}},
      {"took nothing", {.kind = ChunkKind::taken, .number = 0}},
      {"taken, with a payload", {.kind = ChunkKind::taken, .number = 1, .payload = small}},
  };
  for (const auto& [what, chunk] : lies) {
    SCOPED_TRACE(what);
    for (const bool to_server : {true, false}) {
      Office fresh;
      fresh.connect();
      auto& end = to_server ? fresh.server : fresh.client;
      end.receive(to_server ? command(chunk) : data(chunk), fresh.now);
      EXPECT_EQ(end.conversation.state(), State::terminating);
      EXPECT_EQ(end.conversation.error(), Error::frame_malformed);
    }
  }
}

TEST_F(DdeLies, LiesOfASecondChunk) {
  const auto piece = bytes_of(chunk_payload);
  const Chunk first{.kind = ChunkKind::frame, .total = 20000, .payload = piece};
  office.connect();
  office.server.receive(command(first), office.now);
  EXPECT_EQ(server.state(), State::connected);
  auto other_total = first;
  other_total.offset = 8192;
  other_total.total = 20001;
  server_finds_a_lie(command(other_total));

  Office again;
  again.connect();
  again.server.receive(command(first), again.now);
  again.server.receive(command(first), again.now);
  EXPECT_EQ(again.server.conversation.error(), Error::frame_malformed) << "the same chunk twice";

  Office many;
  many.connect();
  for (std::uint64_t number = 0; number < most_unfinished; ++number) {
    auto chunk = first;
    chunk.number = number;
    many.server.receive(command(chunk), many.now);
    EXPECT_EQ(many.server.conversation.state(), State::connected);
  }
  many.server.receive(command(frame_chunk(9)), many.now);
  EXPECT_EQ(many.server.conversation.state(), State::connected) << "one that is whole at once is none that was begun";
  auto fifth = first;
  fifth.number = 5;
  many.server.receive(command(fifth), many.now);
  EXPECT_EQ(many.server.conversation.error(), Error::frame_malformed);
}

TEST_F(DdeLies, LiesOfADataMessage) {
  const auto lie = [](auto change) {
    Office fresh;
    fresh.connect();
    auto letter = data(frame_chunk(0));
    change(letter);
    fresh.client.receive(std::move(letter), fresh.now);
    return fresh.client.conversation.error();
  };
  EXPECT_EQ(lie([](Letter&) {}), Error::none);
  EXPECT_EQ(lie([](Letter& one) { one.event.item++; }), Error::frame_malformed);
  EXPECT_EQ(lie([](Letter& one) { one.event.format++; }), Error::frame_malformed);
  EXPECT_EQ(lie([](Letter& one) { one.event.status = 0; }), Error::frame_malformed);
  EXPECT_EQ(lie([](Letter& one) { one.event.status |= 0x2000; }), Error::frame_malformed);
  EXPECT_EQ(lie([](Letter& one) { one.payload.pop_back(); }), Error::frame_malformed);
  EXPECT_EQ(lie([](Letter& one) { one.payload.clear(); }), Error::frame_malformed);
  EXPECT_EQ(lie([](Letter& one) { one.payload.resize(100000); }), Error::none) << "memory that Windows rounded up";
}

TEST_F(DdeLies, LiesOfACommand) {
  const auto lie = [](std::string_view text, std::size_t cut = 0) {
    Office fresh;
    fresh.connect();
    Letter letter = command(frame_chunk(0));
    letter.payload.clear();
    for (const char c : text) {
      letter.payload.push_back(static_cast<std::byte>(c));
      letter.payload.push_back(std::byte{0});
    }
    letter.payload.resize(letter.payload.size() - cut);
    fresh.server.receive(std::move(letter), fresh.now);
    return fresh.server.conversation.error();
  };
  // A frame of one byte: 25 bytes, base64 with two signs of padding.
  const std::string body = "AQAAAAAAAAAAAAAAAAAAAAEAAAABAAAAQQ==";
  const auto whole = std::string("[frame(\"") + body + "\")]" + '\0';
  EXPECT_EQ(lie(whole), Error::none);
  EXPECT_EQ(lie(whole + "what comes behind it"), Error::none);
  EXPECT_EQ(lie(whole, 2), Error::frame_malformed) << "no terminator";
  EXPECT_EQ(lie(whole, 1), Error::frame_malformed) << "half of one";
  EXPECT_EQ(lie(""), Error::frame_malformed);
  EXPECT_EQ(lie(std::string("[frame(\"\")]") + '\0'), Error::frame_malformed);
  EXPECT_EQ(lie(std::string("[frame(\")]") + '\0'), Error::frame_malformed);
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"[frame", "[Frame"}, {"QQ==", "QR=="}, {"QQ==", "QQ="}, {"QQ==", "Q Q=="}, {"[frame(", "[frame ("}, {"\")]", "\")] "}, {"QQ==", "QUE="}, {"QQ==", "-Q=="}}) {
    auto other = whole;
    other.replace(other.find(from), from.size(), to);
    EXPECT_EQ(lie(other), Error::frame_malformed) << other;
  }
}

TEST_F(DdeLies, BeforeTheChallengeIsOverThereIsNoFrame) {
  office.link();
  server_finds_a_lie(command(frame_chunk(0)));
}

TEST_F(DdeLies, AHandleComesAfterItsNonceAndOurOwnNonceIsNobodyElses) {
  office.link();
  server_finds_a_lie(command({.kind = ChunkKind::handle, .number = 4}));
  Office reflected;
  reflected.link();
  std::array<std::byte, nonce_size> nonce{};
  reflected.server.conversation.send_nonce(nonce, reflected.now);
  reflected.server.receive(command({.kind = ChunkKind::nonce, .payload = nonce}), reflected.now);
  EXPECT_EQ(reflected.server.conversation.error(), Error::frame_malformed);
}

TEST_F(DdeLies, LiesOfAcknowledgements) {
  for (const bool to_server : {true, false}) {
    const auto lie = [&](auto change) {
      Office fresh;
      fresh.connect();
      auto& end = to_server ? fresh.server : fresh.client;
      EXPECT_TRUE(end.conversation.send(small, fresh.now));
      fresh.act();
      const auto memory = (to_server ? fresh.to_client : fresh.to_server).front().event.memory;
      auto ack = letter(MessageKind::ack, to_server ? client_window : server_window, frames_atom, 0, status_ack);
      ack.event.memory = memory;
      change(ack);
      end.receive(std::move(ack), fresh.now);
      return end.conversation.error();
    };
    EXPECT_EQ(lie([](Letter&) {}), Error::none);
    EXPECT_EQ(lie([](Letter& one) { one.event.status = 0; }), Error::frame_malformed) << "negative";
    EXPECT_EQ(lie([](Letter& one) { one.event.status = 0x4000; }), Error::frame_malformed) << "busy";
    EXPECT_EQ(lie([](Letter& one) { one.event.status = 0x8001; }), Error::frame_malformed);
    EXPECT_EQ(lie([&](Letter& one) { (to_server ? one.event.item : one.event.memory) += 1; }), Error::frame_malformed);
  }
  office.connect();
  server_finds_a_lie(letter(MessageKind::ack, client_window, frames_atom, 0, status_ack));
}

TEST_F(DdeLies, UnlinkingEndsIt) {
  office.connect();
  server_finds_a_lie(letter(MessageKind::unadvise, client_window, frames_atom));
}

}  // namespace
}  // namespace penstock::transport::dde
