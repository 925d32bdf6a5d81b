// The one thread of a process that runs its DDE windows. dde.hpp says why there is one.
#pragma once

#include <windows.h>

#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"
#include "transports/dde/conversation.hpp"

namespace penstock::transport::dde {

/// Conversations of a process, both ways together.
inline constexpr std::size_t most_links = 256;

/// What a window of ours belongs to. All of it is called by the pump's thread alone.
class Served {
 public:
  virtual ~Served() = default;
  /// A posted DDE message.
  virtual void on_posted(const MSG& message) = 0;
  /// WM_DDE_INITIATE or WM_DDE_ACK that was sent, not posted: somebody's thread waits for the return.
  virtual void on_sent(UINT message, HWND from, LPARAM parameter) = 0;
  /// Does what there is to do now. False: it has ended, its window goes.
  virtual bool turn(Time now) = 0;
  [[nodiscard]] virtual std::optional<Time> deadline() const = 0;
  /// Its end is a reason for a turn; no_handle for none.
  [[nodiscard]] virtual native_handle process() const noexcept { return no_handle; }
};

class Pump {
 public:
  /// The process's, started when there is none. resource_exhausted, io_error.
  [[nodiscard]] static result<std::shared_ptr<Pump>> get();
  /// Ends what is left, within a second and a quarter (conversations say goodbye), and the thread. Not on the pump's own thread: nothing there holds the pump.
  ~Pump();
  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  /// Runs `task` on the thread, soon. Any thread.
  void post(std::function<void()> task);
  /// Runs it there and waits. Not from the pump's own thread.
  template <class Task>
  auto call(Task task) {
    // Shared: it may be gone here before the thread has returned from set_value.
    auto done = std::make_shared<std::promise<decltype(task())>>();
    post([done, &task] { done->set_value(task()); });
    return done->get_future().get();
  }
  /// Everything gets a turn. Any thread.
  void poke() noexcept;

  // --- on the thread alone ------------------------------------------------------------------------------------------
  /// A hidden top-level window (broadcasts reach no other) for `served`; null: resource_exhausted.
  [[nodiscard]] HWND open_window(std::shared_ptr<Served> served);
  void close_window(HWND window);
  [[nodiscard]] std::size_t windows() const noexcept { return served_.size(); }
  /// Topics that a listener of this process has. It does not answer its own process.
  void listen_on(std::uint16_t topic) { topics_.insert(topic); }
  void listen_no_more_on(std::uint16_t topic) { topics_.extract(topic); }  // one: the next may have it already
  [[nodiscard]] bool listens_on(std::uint16_t topic) const { return topics_.contains(topic); }

 private:
  Pump() = default;
  void run(const std::shared_ptr<std::promise<result<void>>>& started);
  void wait();
  void read_messages();
  void run_tasks();
  void turns();
  static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM first, LPARAM second);

  std::thread thread_;
  std::wstring class_;
  Handle wake_;
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::map<HWND, std::shared_ptr<Served>> served_;
  std::multiset<std::uint16_t> topics_;
};

}  // namespace penstock::transport::dde
