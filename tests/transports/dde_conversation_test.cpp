// The state machine of a DDE conversation: each transition, in both roles; lies are in dde_lies_test.cpp.
#include <gtest/gtest.h>

#include "tests/transports/dde_conversation_testing.hpp"

namespace penstock::transport::dde {
namespace {

using namespace testing;
using namespace std::chrono_literals;

TEST_F(DdeConversation, TwoEndsMeetProveAndTalk) {
  EXPECT_EQ(client.state(), State::idle);
  office.link();
  EXPECT_EQ(client.state(), State::proving);
  EXPECT_EQ(server.state(), State::proving);
  EXPECT_EQ(client.send(small, office.now).error(), Error::would_block) << "no frame before the challenge";
  office.prove();
  EXPECT_EQ(client.state(), State::connected);
  EXPECT_EQ(server.state(), State::connected);
  EXPECT_EQ(client.peer_nonce()->front(), std::byte{2});
  EXPECT_EQ(server.peer_handle(), 4u);
  EXPECT_EQ(client.peer_handle(), 0u);
  for (const std::size_t size : {std::size_t{1}, std::size_t{24}, chunk_payload - 1, chunk_payload, chunk_payload + 1, std::size_t{65536}, largest_datagram}) {
    const auto sent = bytes_of(size, static_cast<unsigned>(size));
    EXPECT_EQ(client.send(sent, office.now).value(), size);
    EXPECT_EQ(server.send(sent, office.now).value(), size);
    office.settle();
    EXPECT_EQ(take(server, largest_datagram), sent);
    EXPECT_EQ(take(client, largest_datagram), sent);
  }
  EXPECT_TRUE(client.flushed() && server.flushed());
  EXPECT_TRUE(office.client.memory.empty() && office.server.memory.empty());
  EXPECT_FALSE(client.deadline());
}

TEST_F(DdeConversation, MoreThanADatagramIsSentInPart) {
  office.connect();
  const auto sent = bytes_of(largest_datagram + 1);
  EXPECT_EQ(client.send(sent, office.now).value(), largest_datagram);
  EXPECT_EQ(client.send({}, office.now).error(), Error::invalid_argument);
}

TEST_F(DdeConversation, ADatagramIsTakenInPiecesAndNeverWithBytesOfTheNext) {
  office.connect();
  ASSERT_TRUE(client.send(bytes_of(10), office.now) && client.send(bytes_of(3), office.now));
  office.settle();
  EXPECT_EQ(take(server, 7).size(), 7u);
  EXPECT_EQ(take(server, 7).size(), 3u);
  EXPECT_EQ(take(server, 7).size(), 3u);
  std::array<std::byte, 1> buffer;
  EXPECT_EQ(server.take(buffer, office.now).error(), Error::would_block);
  EXPECT_FALSE(server.readable());
}

TEST_F(DdeConversation, NobodyAnswers) {
  client.initiate(office.now);
  client.broadcast_done();
  EXPECT_EQ(client.state(), State::closed);
  EXPECT_EQ(client.error(), Error::not_found);
}

// PS-DDE-01.
TEST_F(DdeConversation, Atk01TwoAnswersRefuseBoth) {
  client.initiate(office.now);
  client.answered(server_window);
  client.answered(stranger_window);
  client.broadcast_done();
  EXPECT_EQ(client.error(), Error::socket_unsafe);
  office.act();
  EXPECT_EQ(kinds(office.to_server), (std::vector{MessageKind::terminate, MessageKind::terminate}));
}

// PS-DDE-03.
TEST_F(DdeConversation, Atk01NothingIsPostedToWhoeverAnsweredBeforeItIsLinked) {
  client.initiate(office.now);
  office.act();
  client.answered(server_window);
  client.broadcast_done();
  const auto look = [&] {
    EXPECT_EQ(client.state(), State::found);
    EXPECT_FALSE(client.next_action());
    EXPECT_FALSE(client.deadline()) << "whoever looks at it takes the time that it takes";
  };
  look();
  for (const auto kind : {MessageKind::ack, MessageKind::data, MessageKind::execute, MessageKind::advise, MessageKind::unadvise, MessageKind::poke}) {
    for (int i = 0; i < most_refusals; ++i) {
      office.client.receive(letter(kind, server_window, frames_atom, names.format, status_ack), office.now);
      look();
    }
  }
  client.tick(office.now + 1h);
  client.send_nonce(std::array<std::byte, nonce_size>{}, office.now);
  look();
  client.terminate(office.now);
  office.act();
  EXPECT_EQ(kinds(office.to_server), std::vector{MessageKind::terminate}) << "nothing but goodbye";
}

TEST_F(DdeConversation, WhoeverAnsweredMayGoBeforeItIsLinked) {
  client.initiate(office.now);
  client.answered(server_window);
  client.broadcast_done();
  office.client.receive(letter(MessageKind::terminate, server_window), office.now);
  client.link(office.now);
  EXPECT_EQ(client.error(), Error::truncated);
  office.act();
  EXPECT_EQ(kinds(office.to_server), std::vector{MessageKind::terminate});
}

// One that answered among some of the windows is not known to be the only one.
TEST_F(DdeConversation, Atk01WhereNotAllWereAskedNobodyIsTaken) {
  client.initiate(office.now);
  client.answered(server_window);
  client.broadcast_stopped();
  EXPECT_EQ(client.error(), Error::deadline_exceeded);
  EXPECT_EQ(client.peer(), 0u);
  office.act();
  EXPECT_EQ(kinds(office.to_server), std::vector{MessageKind::terminate});
}

TEST_F(DdeConversation, ALateAnswerIsNoServer) {
  office.link();
  client.answered(stranger_window);
  EXPECT_EQ(client.peer(), server_window);
  EXPECT_EQ(client.state(), State::proving);
}

TEST_F(DdeConversation, WhatIsDoneTwiceOrTooEarlyChangesNothing) {
  client.accept(server_window, office.now);
  server.initiate(office.now);
  server.broadcast_done();
  server.broadcast_stopped();
  client.link(office.now);
  EXPECT_EQ(client.state(), State::idle);
  EXPECT_EQ(server.state(), State::idle);
  client.send_handle(4, office.now);
  office.link();
  server.accept(stranger_window, office.now);
  client.initiate(office.now);
  EXPECT_EQ(server.peer(), client_window);
  EXPECT_EQ(client.state(), State::proving);
}

TEST_F(DdeConversation, AServerThatRefusesTheLinkIsNotFound) {
  client.initiate(office.now);
  client.answered(server_window);
  client.broadcast_done();
  client.link(office.now);
  office.act();
  EXPECT_EQ(kinds(office.to_server), std::vector{MessageKind::advise});
  office.client.receive(letter(MessageKind::ack, server_window, frames_atom, 0, 0), office.now);
  EXPECT_EQ(client.state(), State::terminating);
  EXPECT_EQ(client.error(), Error::not_found);
}

// PS-DDE-04.
TEST_F(DdeConversation, AServerLinksOnlyWhatIsExactlyTheLink) {
  server.accept(client_window, office.now);
  const std::vector<Letter> others{
      letter(MessageKind::advise, client_window, frames_atom + 1, names.format, status_ack_request),
      letter(MessageKind::advise, client_window, frames_atom, names.format + 1, status_ack_request),
      letter(MessageKind::advise, client_window, frames_atom, names.format, 0),
      letter(MessageKind::advise, client_window, frames_atom, names.format, 0xC000),
      letter(MessageKind::execute, client_window),
      letter(MessageKind::request, client_window, frames_atom, names.format),
      letter(MessageKind::poke, client_window, frames_atom, names.format),
      letter(MessageKind::unadvise, client_window, frames_atom, names.format),
      letter(MessageKind::data, client_window, frames_atom, names.format, status_ack_request),
  };
  for (const auto& other : others) {
    office.server.receive(other, office.now);
    office.act();
    ASSERT_EQ(kinds(office.to_client), std::vector{MessageKind::ack});
    EXPECT_EQ(office.to_client.front().event.status, 0);
    office.to_client.clear();
    EXPECT_EQ(server.state(), State::linking);
  }
  office.server.receive(letter(MessageKind::advise, client_window, frames_atom, names.format, status_ack_request), office.now);
  EXPECT_EQ(server.state(), State::proving);
}

TEST_F(DdeConversation, SixteenRefusalsAreEnough) {
  server.accept(client_window, office.now);
  for (int i = 0; i < most_refusals - 1; ++i) office.server.receive(letter(MessageKind::poke, client_window, 5), office.now);
  EXPECT_EQ(server.state(), State::linking);
  office.server.receive(letter(MessageKind::poke, client_window, 5), office.now);
  EXPECT_EQ(server.error(), Error::frame_malformed);
}

TEST_F(DdeConversation, Atk16AnotherWindowChangesNothing) {
  office.connect();
  for (auto kind : {MessageKind::terminate, MessageKind::advise, MessageKind::unadvise, MessageKind::ack, MessageKind::data,
                    MessageKind::request, MessageKind::poke, MessageKind::execute, MessageKind::initiate}) {
    office.server.receive(letter(kind, stranger_window, frames_atom, names.format, status_ack_request), office.now);
    office.client.receive(letter(kind, stranger_window, frames_atom, names.format, status_ack_request), office.now);
  }
  office.act();
  EXPECT_TRUE(office.to_client.empty() && office.to_server.empty());
  EXPECT_EQ(server.state(), State::connected);
  EXPECT_EQ(client.state(), State::connected);
}

TEST_F(DdeConversation, AnUnknownMessageIsRefusedAndTheConversationGoesOn) {
  office.connect();
  for (auto kind : {MessageKind::advise, MessageKind::request, MessageKind::poke}) {
    office.server.receive(letter(kind, client_window, 123), office.now);
    office.client.receive(letter(kind, server_window, 123), office.now);
  }
  office.client.receive(letter(MessageKind::execute, server_window), office.now);
  office.act();
  EXPECT_EQ(office.to_client.size(), 3u);
  EXPECT_EQ(office.to_server.size(), 4u);
  for (const auto& one : office.to_client) EXPECT_TRUE(one.event.kind == MessageKind::ack && one.event.status == 0 && one.event.item == 123);
  EXPECT_EQ(office.to_server.back().event.memory, 99u) << "a command is refused by its memory";
  EXPECT_EQ(server.state(), State::connected);
}

TEST_F(DdeConversation, WhetherTheHandleWasToldIsKnown) {
  office.link();
  std::array<std::byte, nonce_size> nonce{};
  client.send_nonce(nonce, office.now);
  client.send_handle(4, office.now);
  EXPECT_FALSE(client.handle_told());
  office.client.act(office.to_server, office.now);
  EXPECT_TRUE(client.handle_told());
}

// PS-DDE-06.
TEST_F(DdeConversation, AtMostEightChunksAreUnderWay) {
  office.connect();
  ASSERT_TRUE(client.send(bytes_of(largest_datagram), office.now) && client.send(bytes_of(largest_datagram), office.now));
  office.act();
  EXPECT_EQ(office.to_server.size(), most_unacknowledged);
  EXPECT_EQ(office.client.memory.size(), most_unacknowledged);
  office.deliver(office.to_server, office.server);
  office.act();
  EXPECT_EQ(office.to_server.size(), most_unacknowledged - 1);
  office.deliver(office.to_client, office.client);
  office.act();
  EXPECT_EQ(office.to_server.size(), most_unacknowledged);
  for (int i = 0; client.send(small, office.now); ++i) ASSERT_LT(i, 10);
  EXPECT_FALSE(client.writable());
  EXPECT_EQ(client.send(small, office.now).error(), Error::would_block);
  office.settle();
  EXPECT_TRUE(client.writable());
}

TEST_F(DdeConversation, AReaderThatStopsHoldsTheSenderAndNothingGrows) {
  office.connect();
  std::uint64_t sent = 0;
  while (client.send(small, office.now)) {
    ++sent;
    office.settle();
    ASSERT_LT(sent, 100u);
  }
  EXPECT_EQ(sent, datagram_window + most_queued);
  std::uint64_t got = 0;
  while (got < 200) {
    while (client.send(small, office.now)) ++sent;
    office.settle();
    if (take(server, 100).empty()) break;
    ++got;
    office.settle();
  }
  EXPECT_EQ(got, 200u) << "it goes on once somebody reads";
  EXPECT_FALSE(client.deadline()) << "a slow reader is not a dead one";
}

TEST_F(DdeConversation, DeadlinesOfEachState) {
  const Timeouts timeouts;
  client.initiate(office.now);
  EXPECT_EQ(client.deadline(), office.now + timeouts.broadcast);
  client.tick(office.now + timeouts.broadcast - 1ms);
  EXPECT_EQ(client.state(), State::initiating);
  client.tick(office.now + timeouts.broadcast);
  EXPECT_EQ(client.error(), Error::deadline_exceeded);

  server.accept(client_window, office.now);
  server.tick(office.now + timeouts.connect);
  EXPECT_EQ(server.error(), Error::deadline_exceeded);
  EXPECT_EQ(server.state(), State::terminating);
  server.tick(office.now + timeouts.connect + timeouts.terminate - 1ms);
  EXPECT_EQ(server.state(), State::terminating);
  server.tick(office.now + timeouts.connect + timeouts.terminate);
  EXPECT_EQ(server.state(), State::closed);
  EXPECT_EQ(server.error(), Error::deadline_exceeded);

  Office proving;
  proving.link();
  proving.client.conversation.tick(proving.now + timeouts.connect);
  EXPECT_EQ(proving.client.conversation.error(), Error::deadline_exceeded);
}

TEST_F(DdeConversation, AnEndThatDoesNotAcknowledgeHasGone) {
  office.connect();
  const Timeouts timeouts;
  office.now += 1h;
  ASSERT_TRUE(client.send(small, office.now));
  office.client.act(office.to_server, office.now);
  EXPECT_EQ(client.deadline(), office.now + timeouts.acknowledge);
  client.tick(office.now + timeouts.acknowledge - 1ms);
  EXPECT_EQ(client.state(), State::connected);
  client.tick(office.now + timeouts.acknowledge);
  EXPECT_EQ(client.error(), Error::truncated);
  EXPECT_EQ(client.state(), State::terminating);
}

// Whoever was never heard of again keeps what came with a message.
TEST_F(DdeConversation, WhatIsReleasedWasHeardOrNot) {
  office.connect();
  for (const Id memory : {100u, 101u}) {
    ASSERT_TRUE(server.send(small, office.now));
    ASSERT_TRUE(server.next_action());
    server.posted(memory, office.now);
  }
  server.receive(letter(MessageKind::ack, client_window, frames_atom, 0, status_ack).event, office.now);
  server.peer_gone();
  const auto heard = server.next_action(), unheard = server.next_action();
  ASSERT_TRUE(heard && unheard);
  EXPECT_TRUE(heard->kind == Action::Kind::release && heard->memory == 100 && heard->heard);
  EXPECT_TRUE(unheard->kind == Action::Kind::release && unheard->memory == 101 && !unheard->heard);
}

TEST_F(DdeConversation, AfterTerminateNothingIsDeliveredAndNothingPostedButTheAnswer) {
  office.connect();
  ASSERT_TRUE(client.send(bytes_of(100), office.now) && server.send(bytes_of(100), office.now));
  office.act();
  client.terminate(office.now);
  EXPECT_EQ(client.state(), State::terminating);
  office.act();
  EXPECT_EQ(kinds(office.to_server), (std::vector{MessageKind::execute, MessageKind::terminate}));
  office.settle();
  EXPECT_EQ(client.state(), State::closed);
  EXPECT_EQ(client.error(), Error::closed);
  EXPECT_EQ(client.send(small, office.now).error(), Error::closed);
  EXPECT_TRUE(take(client, 1000).empty()) << "what came meanwhile is nobody's";
  EXPECT_EQ(server.state(), State::closed);
  EXPECT_EQ(take(server, 1000).size(), 100u) << "what came before is delivered";
  std::array<std::byte, 1> buffer;
  EXPECT_EQ(server.take(buffer, office.now).error(), Error::truncated);
  EXPECT_TRUE(office.client.memory.empty() && office.server.memory.empty());
  office.server.receive(command(frame_chunk(1)), office.now);
  office.server.receive(letter(MessageKind::terminate, client_window), office.now);
  office.act();
  EXPECT_TRUE(office.to_client.empty());
}

TEST_F(DdeConversation, BothTerminateAtOnce) {
  office.connect();
  client.terminate(office.now);
  server.terminate(office.now);
  office.settle();
  EXPECT_EQ(client.state(), State::closed);
  EXPECT_EQ(server.state(), State::closed);
  EXPECT_TRUE(office.to_client.empty() && office.to_server.empty());
}

TEST_F(DdeConversation, AProcessThatDiesIsTheEndAndGetsNothing) {
  office.connect();
  ASSERT_TRUE(client.send(bytes_of(100), office.now) && server.send(bytes_of(100), office.now));
  office.act();
  office.deliver(office.to_client, office.client);
  client.peer_gone();
  EXPECT_EQ(client.state(), State::closed);
  EXPECT_EQ(client.error(), Error::truncated);
  office.to_server.clear();
  office.act();
  EXPECT_TRUE(office.to_server.empty() || kinds(office.to_server) == std::vector{MessageKind::ack});
  EXPECT_TRUE(office.client.memory.empty());
  EXPECT_EQ(take(client, 1000).size(), 100u);
}

TEST_F(DdeConversation, WhatCannotBePostedIsTheEnd) {
  office.connect();
  ASSERT_TRUE(client.send(bytes_of(3 * chunk_payload), office.now));
  int executes = 0;
  while (const auto action = client.next_action()) {
    if (!action->owns_memory) continue;
    ++executes;
    client.post_failed(office.now);
  }
  EXPECT_EQ(executes, 1) << "the others were never done";
  EXPECT_EQ(client.error(), Error::truncated);
  EXPECT_TRUE(client.readable() && client.writable());
}

TEST_F(DdeConversation, TerminateBeforeThereIsAnybody) {
  client.initiate(office.now);
  client.terminate(office.now);
  server.terminate(office.now);
  EXPECT_EQ(client.state(), State::closed);
  EXPECT_EQ(server.state(), State::closed);
  (void)client.next_action();
  EXPECT_FALSE(client.next_action());
}

}  // namespace
}  // namespace penstock::transport::dde
