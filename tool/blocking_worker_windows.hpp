// A thread that may sleep in ReadFile or WriteFile, so that the event loop never does.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace penstock::tool {

namespace asio = boost::asio;

/// One job at a time. The thread is made with the first, and is left behind where it sleeps in a call that nothing ends, such
/// as a read of a console: it touches nothing but what it shares with *this, and ends with the process.
class BlockingWorker {
 public:
  explicit BlockingWorker(const asio::any_io_executor& executor) : shared_(std::make_shared<Shared>(executor)) {}
  ~BlockingWorker() { abandon(); }
  BlockingWorker(const BlockingWorker&) = delete;
  BlockingWorker& operator=(const BlockingWorker&) = delete;

  /// Gives `job` to the thread: finished() says when it has been done. What it uses must be its own, or shared with it, since
  /// abandon() does not wait for it. (Apart from finished(): GCC 12 destroys what a temporary in a co_await expression holds twice.)
  void start(std::function<void()> job) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->over) return;
    shared_->finished = false;
    shared_->job = std::move(job);
    if (!std::exchange(shared_->started, true)) std::thread([own = shared_] { work(own); }).detach();
    shared_->wanted.notify_one();
  }

  /// True when the job has been done; false when abandon() came first.
  asio::awaitable<bool> finished() {
    const auto shared = shared_;
    while (!shared->finished && !shared->over) {
      shared->wake->expires_at(std::chrono::steady_clock::time_point::max());
      co_await shared->wake->async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return shared->finished;
  }

  /// Ends the wait for a job that is under way. Idempotent.
  void abandon() noexcept {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->over = true;  // from now on the thread posts nothing, and holds nothing of the loop: that may go
      shared_->executor = {};
    }
    shared_->wanted.notify_one();
    shared_->wake.reset();  // ends the wait
  }

 private:
  struct Shared {
    explicit Shared(const asio::any_io_executor& loop) : executor(loop), wake(std::in_place, loop) {}
    asio::any_io_executor executor;
    std::optional<asio::steady_timer> wake;  ///< the loop's alone
    bool finished = false;                   ///< likewise
    std::mutex mutex;
    std::condition_variable wanted;
    std::function<void()> job;
    bool over = false;
    bool started = false;
  };

  static void work(const std::shared_ptr<Shared>& shared) {
    std::unique_lock lock(shared->mutex);
    for (;;) {
      shared->wanted.wait(lock, [&] { return shared->over || shared->job; });
      if (shared->over) return;
      const auto job = std::exchange(shared->job, nullptr);
      lock.unlock();
      job();
      lock.lock();
      if (shared->over) return;
      asio::post(shared->executor, [shared] {
        shared->finished = true;
        if (shared->wake) shared->wake->cancel();
      });
    }
  }

  std::shared_ptr<Shared> shared_;
};

}  // namespace penstock::tool
