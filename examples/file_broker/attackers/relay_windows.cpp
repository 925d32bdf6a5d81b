// A man in the machine: genuine application on one side, genuine helper on the other. On Windows both meet at one name: the relay
// is one more instance of the helper's own pipe, which any program of the helper's user may make.
// Sources: CreateNamedPipeW ("instances"), ConnectNamedPipe.
#include <windows.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <thread>

#include "attackers.hpp"
#include "raw_connection.hpp"

namespace file_broker {
namespace {

bool is_own(const penstock::Handle& connection) {
  ULONG server = 0;
  return ::GetNamedPipeServerProcessId(connection.get(), &server) != 0 && server == ::GetCurrentProcessId();
}

/// One instance of ours, for whom the pipe's next client may be.
class Instance {
 public:
  explicit Instance(const std::string& address)
      : pipe_(listen_at(address)), event_(::CreateEventW(nullptr, TRUE, FALSE, nullptr)) {
    overlapped_.hEvent = event_.get();
    if (::ConnectNamedPipe(pipe_.get(), &overlapped_) == 0 && ::GetLastError() == ERROR_PIPE_CONNECTED) ::SetEvent(event_.get());
  }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() {
    if (!pipe_) return;
    DWORD ignored = 0;
    ::CancelIoEx(pipe_.get(), &overlapped_);
    ::GetOverlappedResult(pipe_.get(), &overlapped_, &ignored, TRUE);  // the structure is the kernel's until then
  }
  [[nodiscard]] bool stands() const noexcept { return pipe_.valid(); }
  [[nodiscard]] HANDLE event() const noexcept { return event_.get(); }
  [[nodiscard]] bool has_client() const noexcept { return ::WaitForSingleObject(event_.get(), 0) == WAIT_OBJECT_0; }
  [[nodiscard]] penstock::Handle take() noexcept { return std::move(pipe_); }

 private:
  penstock::Handle pipe_, event_;
  OVERLAPPED overlapped_{};
};
using Instances = std::vector<std::unique_ptr<Instance>>;

/// Instances of ours, and a connection to the helper. The next client gets the oldest free instance, and the helper keeps some
/// in reserve: they are used up one after the other until we meet ourselves, and then one more.
bool stand_between(const Options& options, Instances& ours, penstock::Handle& helper) {
  constexpr std::size_t most = MAXIMUM_WAIT_OBJECTS;
  bool met_ourselves = false;
  while (ours.size() < most) {
    ours.push_back(std::make_unique<Instance>(options.one("at")));
    auto connection = connect_to(options.one("target"));
    if (!ours.back()->stands() || !connection) return false;
    if (is_own(connection)) {
      connection.reset();
      std::erase_if(ours, [](const auto& one) { return one->has_client(); });
      met_ourselves = true;
      continue;
    }
    helper = std::move(connection);  // the one before goes: the helper bounds how many one user may leave unfinished
    if (met_ourselves && !ours.empty()) return true;
  }
  return false;
}

Victim await_victim(Instances& ours) {
  std::vector<HANDLE> events;
  for (const auto& one : ours) events.push_back(one->event());
  const auto which = ::WaitForMultipleObjects(static_cast<DWORD>(events.size()), events.data(), FALSE, INFINITE);
  if (which >= events.size()) return {};
  Victim victim{ours[which]->take(), 0};
  ours.clear();  // one is enough: whoever comes next is the helper's
  ULONG pid = 0;
  ::GetNamedPipeClientProcessId(victim.connection.get(), &pid);
  victim.pid = pid;
  return victim;
}

/// Passes on what comes until either side ends; then nobody waits any longer.
std::size_t pass(const penstock::Handle& from, const penstock::Handle& to, std::ofstream* record) {
  std::size_t passed = 0;
  for (auto loot = take(from); !loot.bytes.empty(); loot = take(from)) {
    if (record != nullptr) record->write(loot.bytes.data(), static_cast<std::streamsize>(loot.bytes.size()));
    if (!pass_on(to, loot)) break;
    passed += loot.bytes.size();
  }
  ::CancelIoEx(from.get(), nullptr);
  ::CancelIoEx(to.get(), nullptr);
  return passed;
}

}  // namespace

int run_relay(const Options& options) {
  std::ofstream record;
  if (const auto file = options.path("record"); !file.empty()) record.open(file, std::ios::binary);
  Instances ours;
  penstock::Handle helper;
  if (!stand_between(options, ours, helper)) {
    std::cerr << "relay: no place between the two could be had.\n";
    return no_channel;
  }
  std::cout << "ready" << std::endl;  // flushed: somebody waits for it
  auto victim = await_victim(ours);
  std::atomic<std::size_t> to_application = 0;
  std::thread back([&] { to_application = pass(helper, victim.connection, nullptr); });
  const auto to_helper = pass(victim.connection, helper, &record);
  back.join();
  record.close();
  victim.connection.reset();
  helper.reset();
  std::cout << "peer=" << victim.pid << " to_helper=" << to_helper << " to_application=" << to_application
            << " descriptors=0" << std::endl;
  return done;
}

}  // namespace file_broker
