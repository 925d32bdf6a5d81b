// Boost.Interprocess message_queue: named shared memory behind a mutex. Whoever may open the name may read and write everything in it.
#include <boost/interprocess/ipc/message_queue.hpp>

#include "bench/contender.hpp"

namespace penstock::bench {
namespace {

using boost::interprocess::message_queue;
constexpr std::size_t depth = 256;
constexpr std::size_t largest = 65536;

// The directory's name is this run's own; shared memory has names of its own without directories.
std::string name_in(const std::string& directory, const char* way) {
  return directory.substr(directory.find_last_of('/') + 1) + way;
}

class QueueConnection final : public Connection {
 public:
  QueueConnection(const std::string& directory, bool server)
      : in_(boost::interprocess::open_only, name_in(directory, server ? "-there" : "-back").c_str()),
        out_(boost::interprocess::open_only, name_in(directory, server ? "-back" : "-there").c_str()) {}
  void send(bytes_view message) override { out_.send(message.data(), message.size(), 0); }
  void receive(bytes_span message) override {
    buffer_.resize(largest);
    message_queue::size_type size = 0;
    unsigned priority = 0;
    in_.receive(buffer_.data(), buffer_.size(), size, priority);
    if (size != message.size()) fail("message_queue: a message of the wrong size");
    std::copy_n(buffer_.begin(), size, message.begin());
  }

 private:
  message_queue in_, out_;
  std::vector<std::byte> buffer_;
};

class QueueServer final : public Server {
 public:
  explicit QueueServer(std::string directory) : directory_(std::move(directory)) {
    for (const char* way : {"-there", "-back"}) {
      message_queue(boost::interprocess::create_only, name_in(directory_, way).c_str(), depth, largest);
    }
  }
  ~QueueServer() override {
    for (const char* way : {"-there", "-back"}) message_queue::remove(name_in(directory_, way).c_str());
  }
  std::unique_ptr<Connection> accept() override { return std::make_unique<QueueConnection>(directory_, true); }

 private:
  std::string directory_;
};

class QueueClient final : public Client {
 public:
  explicit QueueClient(std::string directory) : directory_(std::move(directory)) {}
  std::unique_ptr<Connection> connect() override { return std::make_unique<QueueConnection>(directory_, false); }

 private:
  std::string directory_;
};

}  // namespace

void add_message_queue(std::vector<Contender>& list) {
  Contender made;
  made.name = "boost-queue";
  made.what = "Boost.Interprocess message_queue: plaintext, by name, a mutex";
  made.events = {true, true, false, false, false};
  made.largest = largest;
  made.serve = [](const std::string& directory) { return std::make_unique<QueueServer>(directory); };
  made.client = [](const std::string& directory) { return std::make_unique<QueueClient>(directory); };
  list.push_back(std::move(made));
}

}  // namespace penstock::bench
