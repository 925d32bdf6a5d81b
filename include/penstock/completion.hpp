// A completion handler of any type that waits in a queue. Like boost::asio::any_completion_handler, but it keeps the
// handler's own executor as it is: wrapping one type-erased executor in another costs allocations for every operation.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace penstock {

template <class Signature>
class Completion;

/// Move-only, empty after a move. Not thread-safe. Memory comes from the handler's associated allocator, by default from
/// Asio's recycling one, and is given back before the handler runs, as Asio's own operations do.
template <class... Arguments>
class Completion<void(Arguments...)> {
 public:
  Completion() = default;
  template <class Handler>
    requires(!std::is_same_v<std::decay_t<Handler>, Completion>)
  Completion(Handler&& handler)  // NOLINT: a handler is a completion, as with any_completion_handler
      : held_(Held<std::decay_t<Handler>>::make(std::forward<Handler>(handler))) {}
  Completion(Completion&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  Completion& operator=(Completion&& other) noexcept {
    if (this != &other) {
      drop();
      held_ = std::exchange(other.held_, nullptr);
    }
    return *this;
  }
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() { drop(); }

  [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }

  /// Calls `cancel` when the operation is cancelled, until it completes. Called in the context of whoever cancels.
  template <class Cancel>
  void on_cancel(Cancel cancel) {
    auto slot = held_->slot();
    if (!slot.is_connected()) return;
    slot.assign([cancel = std::move(cancel)](boost::asio::cancellation_type) { cancel(); });
  }

  /// Gives the handler its result through its own executor, or through `executor` where it has none; never inside this call.
  /// Nothing is left to cancel afterwards.
  void complete(const boost::asio::any_io_executor& executor, Arguments... arguments) {
    std::exchange(held_, nullptr)->post(executor, std::move(arguments)...);
  }
  /// Calls the handler here and now: for those who are in its context already.
  void operator()(Arguments... arguments) { std::exchange(held_, nullptr)->invoke(std::move(arguments)...); }

 private:
  struct Base {
    virtual void post(const boost::asio::any_io_executor& executor, Arguments... arguments) = 0;
    virtual void invoke(Arguments... arguments) = 0;
    virtual void destroy() noexcept = 0;
    [[nodiscard]] virtual boost::asio::cancellation_slot slot() const noexcept = 0;

   protected:
    ~Base() = default;
  };

  template <class Handler>
  struct Held final : Base {
    using Source = boost::asio::associated_allocator_t<Handler, boost::asio::recycling_allocator<void>>;
    using Allocator = typename std::allocator_traits<Source>::template rebind_alloc<Held>;
    using Traits = std::allocator_traits<Allocator>;

    explicit Held(Handler given) : handler(std::move(given)) {}

    static Held* make(Handler given) {
      Allocator allocator(boost::asio::get_associated_allocator(given, boost::asio::recycling_allocator<void>()));
      auto* memory = Traits::allocate(allocator, 1);
      return ::new (static_cast<void*>(memory)) Held(std::move(given));
    }
    Handler release() {
      Handler taken(std::move(handler));
      destroy();
      return taken;
    }
    void post(const boost::asio::any_io_executor& executor, Arguments... arguments) override {
      slot().clear();
      boost::asio::post(executor, boost::asio::append(release(), std::move(arguments)...));
    }
    void invoke(Arguments... arguments) override {
      auto taken = release();
      std::move(taken)(std::move(arguments)...);
    }
    void destroy() noexcept override {
      Allocator allocator(boost::asio::get_associated_allocator(handler, boost::asio::recycling_allocator<void>()));
      this->~Held();
      Traits::deallocate(allocator, this, 1);
    }
    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept override {
      return boost::asio::get_associated_cancellation_slot(handler);
    }

    Handler handler;
  };

  void drop() noexcept {
    if (held_ != nullptr) std::exchange(held_, nullptr)->destroy();
  }

  Base* held_ = nullptr;
};

}  // namespace penstock
