// Two conversations, and what lies between them: messages that wait to be delivered, and memory that somebody has to free.
#pragma once

#include <deque>
#include <set>

#include "transports/dde/conversation.hpp"

namespace penstock::transport::dde::testing {

inline constexpr Id client_window = 11, server_window = 22, stranger_window = 33, frames_atom = 0xC0DE;
inline constexpr Names names{.frames = frames_atom, .format = 0xC123};

/// A message on its way, with a payload of its own.
struct Letter {
  Event event;
  std::vector<std::byte> payload;
};

/// One end: its actions become letters for the other, its memory is counted.
struct End {
  End(Role role, Id own) : conversation(role, names), window(own) {}

  void receive(Letter letter, Time now) {
    letter.event.payload = letter.payload;
    conversation.receive(letter.event, now);
  }
  /// Does what there is to do; the letters go to `out`.
  void act(std::deque<Letter>& out, Time now) {
    while (auto action = conversation.next_action()) {
      if (action->kind == Action::Kind::release) {
        freed_twice = freed_twice || memory.erase(action->memory) == 0;
        continue;
      }
      if (action->kind == Action::Kind::initiate) continue;
      Letter letter;
      letter.event = {.kind = action->message, .from = window, .item = action->item, .memory = action->memory,
                      .format = action->format, .status = action->status, .payload = {}};
      letter.payload = std::move(action->payload);
      if (action->owns_memory) {
        letter.event.memory = ++last_memory + (window << 32);
        memory.insert(letter.event.memory);
      }
      out.push_back(std::move(letter));
      if (action->owns_memory) conversation.posted(out.back().event.memory, now);
    }
  }

  Conversation conversation;
  Id window;
  std::set<Id> memory;
  Id last_memory = 0;
  bool freed_twice = false;
};

struct Office {
  /// Everything in its order, until nothing is left.
  void settle() {
    for (;;) {
      act();
      if (to_client.empty() && to_server.empty()) return;
      deliver(to_client, client);
      deliver(to_server, server);
    }
  }
  void act() {
    client.act(to_server, now);
    server.act(to_client, now);
  }
  void deliver(std::deque<Letter>& from, End& to, std::size_t at = 0) {
    if (at >= from.size()) return;
    auto letter = std::move(from[at]);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
    to.receive(std::move(letter), now);
  }
  void link() {
    client.conversation.initiate(now);
    act();
    server.conversation.accept(client_window, now);
    client.conversation.answered(server_window);
    client.conversation.broadcast_done();
    client.conversation.link(now);
    settle();
  }
  void prove() {
    std::array<std::byte, nonce_size> nonce{};
    nonce.fill(std::byte{1});
    client.conversation.send_nonce(nonce, now);
    nonce.fill(std::byte{2});
    server.conversation.send_nonce(nonce, now);
    settle();
    client.conversation.send_handle(4, now);
    server.conversation.send_handle(0, now);
    settle();
  }
  void connect() {
    link();
    prove();
  }

  Time now{};
  End client{Role::client, client_window};
  End server{Role::server, server_window};
  std::deque<Letter> to_client, to_server;
};

inline std::vector<std::byte> bytes_of(std::size_t size, unsigned seed = 0) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 251 + seed);
  return out;
}

/// The next whole datagram of at most `size` bytes, or the bytes that were there.
inline std::vector<std::byte> take(Conversation& from, std::size_t size, Time now = {}) {
  std::vector<std::byte> out(size);
  const auto got = from.take(out, now);
  out.resize(got ? *got : 0);
  return out;
}

/// A chunk to the server, as its client would send it.
inline Letter command(const Chunk& chunk, Id memory = 77) {
  return {{.kind = MessageKind::execute, .from = client_window, .memory = memory, .payload = {}}, encode_command(encode_chunk(chunk))};
}
/// A chunk to the client.
inline Letter data(const Chunk& chunk) {
  return {{.kind = MessageKind::data, .from = server_window, .item = frames_atom, .format = names.format, .status = status_ack_request, .payload = {}},
          encode_chunk(chunk)};
}

}  // namespace penstock::transport::dde::testing
