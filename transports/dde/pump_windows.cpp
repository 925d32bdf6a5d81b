// Sources: "Using Messages and Message Queues", MsgWaitForMultipleObjectsEx, RegisterClassW.
#include "transports/dde/pump_windows.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "transports/dde/message_windows.hpp"

namespace penstock::transport::dde {
namespace {

using namespace std::chrono_literals;

// Of one turn, so that tasks and deadlines have theirs, whoever floods the queue (ATK-24).
constexpr int most_messages = 128;
constexpr auto grace = 1250ms;
// How often it is looked whether windows and processes are still there that no handle tells of.
constexpr auto look_around = 1000ms;
constexpr auto look_around_many = 250ms;

thread_local Pump* here = nullptr;

}  // namespace

result<std::shared_ptr<Pump>> Pump::get() {
  static std::mutex guard;
  static std::weak_ptr<Pump> current;
  static std::atomic<unsigned> count{0};
  const std::scoped_lock lock(guard);
  if (auto running = current.lock()) return running;
  std::shared_ptr<Pump> made(new Pump);
  made->class_ = L"PenstockDde" + std::to_wstring(++count);  // another pump may still be about to end
  made->wake_ = Handle(::CreateEventW(nullptr, FALSE, FALSE, nullptr));
  if (!made->wake_) return Error::resource_exhausted;
  const auto started = std::make_shared<std::promise<result<void>>>();
  auto answer = started->get_future();
  made->thread_ = std::thread([pump = made.get(), started] { pump->run(started); });
  if (auto ok = answer.get(); !ok) return ok.error();
  current = made;
  return made;
}

Pump::~Pump() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  poke();
  if (thread_.joinable()) thread_.join();
}

void Pump::post(std::function<void()> task) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  poke();
}

void Pump::poke() noexcept { ::SetEvent(wake_.get()); }

void Pump::run(const std::shared_ptr<std::promise<result<void>>>& started) {
  here = this;
  WNDCLASSW description{};
  description.lpfnWndProc = procedure;
  description.hInstance = ::GetModuleHandleW(nullptr);
  description.lpszClassName = class_.c_str();
  if (::RegisterClassW(&description) == 0) return started->set_value(Error::resource_exhausted);
  started->set_value({});
  std::optional<Time> end;
  for (;;) {
    wait();
    read_messages();
    run_tasks();
    turns();
    const std::scoped_lock lock(mutex_);
    if (!stopping_) continue;
    const auto now = std::chrono::steady_clock::now();
    if (!end) end = now + grace;
    if (served_.empty() || now >= *end) break;
  }
  while (!served_.empty()) close_window(served_.begin()->first);
  ::UnregisterClassW(class_.c_str(), description.hInstance);
}

void Pump::wait() {
  std::vector<HANDLE> handles{wake_.get()};
  bool all = true;
  auto until = std::chrono::steady_clock::now() + look_around;
  for (const auto& [window, one] : served_) {
    if (const auto deadline = one->deadline()) until = std::min(until, *deadline);
    if (one->process() == no_handle) continue;
    all = handles.size() < MAXIMUM_WAIT_OBJECTS - 1;
    if (all) handles.push_back(one->process());
  }
  const auto now = std::chrono::steady_clock::now();
  auto limit = std::chrono::ceil<std::chrono::milliseconds>(until - now);
  if (!all) limit = std::min<std::chrono::milliseconds>(limit, look_around_many);
  const bool idle = served_.empty();
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) limit = 10ms;
  }
  const auto milliseconds = idle ? INFINITE : static_cast<DWORD>(std::max<std::int64_t>(limit.count(), 0));
  (void)::MsgWaitForMultipleObjectsEx(static_cast<DWORD>(handles.size()), handles.data(), milliseconds, QS_ALLINPUT, MWMO_INPUTAVAILABLE);
}

void Pump::read_messages() {
  MSG message{};
  for (int left = most_messages; left > 0 && ::PeekMessageW(&message, nullptr, 0, 0, PM_REMOVE) != 0; --left) {
    const auto found = served_.find(message.hwnd);
    if (!is_dde(message.message)) {
      ::DispatchMessageW(&message);
      continue;
    }
    // Posted ones never go through the window's procedure: what comes there was sent, and its parameters are anybody's numbers.
    if (found == served_.end()) continue;
    const auto held = found->second;
    held->on_posted(message);
  }
}

void Pump::run_tasks() {
  std::deque<std::function<void()>> tasks;
  {
    const std::scoped_lock lock(mutex_);
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) task();
}

void Pump::turns() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::pair<HWND, std::shared_ptr<Served>>> all(served_.begin(), served_.end());
  for (const auto& [window, one] : all) {
    if (!one->turn(now)) close_window(window);
  }
}

HWND Pump::open_window(std::shared_ptr<Served> served) {
  const auto window = ::CreateWindowExW(WS_EX_TOOLWINDOW | WS_EX_NOACTIVATE, class_.c_str(), L"", WS_POPUP, 0, 0, 0, 0, nullptr, nullptr,
                                        ::GetModuleHandleW(nullptr), nullptr);
  if (window != nullptr) served_.emplace(window, std::move(served));
  return window;
}

void Pump::close_window(HWND window) {
  ::DestroyWindow(window);
  served_.erase(window);
}

LRESULT CALLBACK Pump::procedure(HWND window, UINT message, WPARAM first, LPARAM second) {
  if (!is_dde(message)) return ::DefWindowProcW(window, message, first, second);
  if (here == nullptr) return 0;
  const auto found = here->served_.find(window);
  if (found == here->served_.end()) return 0;
  const auto held = found->second;
  held->on_sent(message, reinterpret_cast<HWND>(first), second);
  return 0;
}

}  // namespace penstock::transport::dde
