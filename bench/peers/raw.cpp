// A plain Unix stream socket: no identity, no encryption, no framing. What everything else pays for is the difference.
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "bench/contender.hpp"
#include "bench/unix_socket.hpp"

namespace penstock::bench {
namespace {

constexpr std::size_t buffer_size = 65536;

class RawConnection final : public Connection {
 public:
  RawConnection(Handle socket, bool batched) : socket_(std::move(socket)), batched_(batched) {}

  void send(bytes_view message) override { send_all(socket_.get(), message); }
  void receive(bytes_span message) override { receive_all(socket_.get(), message); }

  // Batched: as many messages as fit 64 KiB leave with one write. No message API does this by itself; it is the
  // physical limit, shown for reference.
  void send_stream(bytes_span message, std::uint64_t messages) override {
    if (!batched_) return Connection::send_stream(message, messages);
    const std::size_t size = message.size();
    std::vector<std::byte> batch(std::max(size, buffer_size / size * size));
    std::size_t filled = 0;
    for (std::uint64_t i = 0; i < messages; ++i) {
      put_number(message, i);
      std::memcpy(batch.data() + filled, message.data(), size);
      filled += size;
      if (filled < batch.size() && i + 1 < messages) continue;
      send_all(socket_.get(), std::span(batch).first(filled));
      filled = 0;
    }
  }

  // One read takes whatever has arrived, as any reader of a stream would have it.
  Tally receive_stream(bytes_span message, std::uint64_t messages) override {
    const std::size_t size = message.size();
    std::vector<std::byte> buffer(std::max(buffer_size, size));
    std::size_t held = 0;
    Tally tally;
    while (tally.messages < messages) {
      const auto got = ::recv(socket_.get(), buffer.data() + held, buffer.size() - held, 0);
      if (got <= 0) fail("recv: the stream ended early");
      held += static_cast<std::size_t>(got);
      std::size_t at = 0;
      for (; held - at >= size; at += size) count(tally, std::span(buffer).subspan(at, size), size);
      std::memmove(buffer.data(), buffer.data() + at, held - at);
      held -= at;
    }
    return tally;
  }

 private:
  Handle socket_;
  bool batched_;
};

class RawServer final : public Server {
 public:
  RawServer(const std::string& directory, bool batched)
      : listener_(listen_at(directory + "/raw.sock")), batched_(batched) {}
  std::unique_ptr<Connection> accept() override {
    return std::make_unique<RawConnection>(accept_from(listener_), batched_);
  }

 private:
  Handle listener_;
  bool batched_;
};

class RawClient final : public Client {
 public:
  RawClient(std::string directory, bool batched) : directory_(std::move(directory)), batched_(batched) {}
  std::unique_ptr<Connection> connect() override {
    return std::make_unique<RawConnection>(connect_to(directory_ + "/raw.sock"), batched_);
  }

 private:
  std::string directory_;
  bool batched_;
};

Contender raw(std::string name, std::string what, bool batched) {
  Contender made;
  made.name = std::move(name);
  made.what = std::move(what);
  made.events.one_way = true;
  made.serve = [batched](const std::string& directory) { return std::make_unique<RawServer>(directory, batched); };
  made.client = [batched](const std::string& directory) { return std::make_unique<RawClient>(directory, batched); };
  return made;
}

}  // namespace

void add_raw(std::vector<Contender>& list) {
  auto plain = raw("raw", "plain Unix socket: proves nothing, hides nothing", false);
  plain.events = {true, true, true, true, false, true};
  list.push_back(std::move(plain));
  list.push_back(raw("raw-batched", "plain Unix socket, 64 KiB to a write: the limit, for reference", true));
}

}  // namespace penstock::bench
