// Shared memory with nothing on top: one slot each way, a sequence number that says whose turn it is. Spinning, it is the physical limit of
// two cores; with a futex(2) it is what waking another process costs at least.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "bench/contender.hpp"
#include "penstock/handle.hpp"

namespace penstock::bench {
namespace {

constexpr std::size_t largest = 65536;

struct Slot {
  alignas(64) std::atomic<std::uint32_t> sent;
  alignas(64) std::atomic<std::uint32_t> taken;
  alignas(64) std::byte bytes[largest];
};
struct Slots {
  Slot there, back;
};

void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value) {
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
}
void wake(const std::atomic<std::uint32_t>& word) { ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0); }

class MemoryConnection final : public Connection {
 public:
  MemoryConnection(const std::string& directory, bool server, bool sleeps) : sleeps_(sleeps) {
    const Handle file(::open((directory + "/slots").c_str(), O_RDWR | O_CLOEXEC));
    void* const at = ::mmap(nullptr, sizeof(Slots), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    if (at == MAP_FAILED) fail("mmap of the slots failed");
    auto* const slots = static_cast<Slots*>(at);
    in_ = server ? &slots->there : &slots->back;
    out_ = server ? &slots->back : &slots->there;
  }
  void send(bytes_view message) override {
    std::uint32_t taken = out_->taken.load(std::memory_order_acquire);
    while (taken != sent_) {
      if (sleeps_) wait_while(out_->taken, taken);
      taken = out_->taken.load(std::memory_order_acquire);
    }
    std::memcpy(out_->bytes, message.data(), message.size());
    out_->sent.store(++sent_, std::memory_order_release);
    if (sleeps_) wake(out_->sent);
  }
  void receive(bytes_span message) override {
    std::uint32_t sent = in_->sent.load(std::memory_order_acquire);
    while (sent == taken_) {
      if (sleeps_) wait_while(in_->sent, sent);
      sent = in_->sent.load(std::memory_order_acquire);
    }
    std::memcpy(message.data(), in_->bytes, message.size());
    in_->taken.store(++taken_, std::memory_order_release);
    // Nobody waits for room in a ping-pong.
  }

 private:
  Slot* in_ = nullptr;
  Slot* out_ = nullptr;
  std::uint32_t sent_ = 0, taken_ = 0;
  bool sleeps_;
};

class MemoryServer final : public Server {
 public:
  MemoryServer(std::string directory, bool sleeps) : directory_(std::move(directory)), sleeps_(sleeps) {
    const Handle file(::open((directory_ + "/slots").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (::ftruncate(file.get(), sizeof(Slots)) != 0) fail("the slots cannot be made");
  }
  std::unique_ptr<Connection> accept() override { return std::make_unique<MemoryConnection>(directory_, true, sleeps_); }

 private:
  std::string directory_;
  bool sleeps_;
};

class MemoryClient final : public Client {
 public:
  MemoryClient(std::string directory, bool sleeps) : directory_(std::move(directory)), sleeps_(sleeps) {}
  std::unique_ptr<Connection> connect() override { return std::make_unique<MemoryConnection>(directory_, false, sleeps_); }

 private:
  std::string directory_;
  bool sleeps_;
};

void add(std::vector<Contender>& list, const char* name, const char* what, bool sleeps) {
  Contender made;
  made.name = name;
  made.what = what;
  made.events = {true, false, false, false, false};
  made.largest = largest;
  made.serve = [sleeps](const std::string& directory) { return std::make_unique<MemoryServer>(directory, sleeps); };
  made.client = [sleeps](const std::string& directory) { return std::make_unique<MemoryClient>(directory, sleeps); };
  list.push_back(std::move(made));
}

}  // namespace

void add_raw_memory(std::vector<Contender>& list) {
  add(list, "raw-memory", "two slots of shared memory, spinning: the physical limit", false);
  add(list, "raw-futex", "two slots of shared memory and a futex: what a wake-up costs", true);
}

}  // namespace penstock::bench
