// One instance of a program for each user and session: a later start hands its command line to the first one, waits for the
// answer and exits with it. docs/SINGLE_INSTANCE.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "penstock/listener.hpp"

namespace penstock {

namespace protocol {
class ServedStart;
class StartServer;
}  // namespace protocol

/// Bounds of one start, kept by both ends; more is message_too_large here and refused there.
inline constexpr std::size_t max_start_bytes = 1u << 20;        ///< all of it, as sent
inline constexpr std::size_t max_start_arguments = 4096;
inline constexpr std::size_t max_start_directory = 128u << 10;  ///< bytes
inline constexpr std::size_t max_start_variables = 256;
inline constexpr std::size_t max_variable_name = 256;           ///< bytes

/// One environment variable. The name has no '='.
struct StartVariable {
  std::string name;
  std::string value;
  friend bool operator==(const StartVariable&, const StartVariable&) = default;
};

/// How a program was started. Text without zero bytes: on Linux bytes as the kernel gave them, on Windows UTF-8.
struct Start {
  std::vector<std::string> arguments;      ///< all of them in their order, the program's name first
  std::string directory;                   ///< the working directory, absolute; empty where it has none (it was removed)
  std::vector<StartVariable> environment;  ///< those of SingleInstanceOptions::environment that are set
  std::int64_t pid = 0;                    ///< who was started; for people and logs only

  /// Valid as long as *this.
  [[nodiscard]] std::optional<std::string_view> variable(std::string_view name) const noexcept;
};

/// The way back to one later start, which waits. Move-only; destroyed without an answer, it says so (cancelled over there).
/// Thread-safe: the answer travels to the instance's executor, which must outlive it.
class Answer {
 public:
  explicit Answer(std::shared_ptr<protocol::ServedStart> start) noexcept;
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&&) noexcept;
  ~Answer();

  /// The later start exits with this. What is no exit status (0 to 255) becomes 255. Only the first answer counts.
  void status(int exit_status);
  /// The later start's start() fails with operation_refused.
  void refuse();
  /// Does it still wait? Not once it was answered, gave up or was killed.
  [[nodiscard]] bool waiting() const noexcept;

 private:
  std::shared_ptr<protocol::ServedStart> start_;
};

struct SingleInstanceOptions {
  /// session: one instance in each login session of each user. user: one of each user. machine: invalid_argument.
  Scope scope = Scope::session;
  /// Where this process belongs to no login session (a service, a container): use the scope user. Else start() fails with unsupported.
  bool user_without_session = false;
  std::string directory;                  ///< Linux: as Endpoint::make; empty for the scope's own
  DataPlane data_plane = DataPlane::pipe; ///< must be the same in every start
  /// Ask also that the other end runs this very program file (Rule::executable, and what docs/POLICY.md says of it). A start of
  /// an updated program is then refused while the old one runs.
  bool same_program = false;
  /// Names of the environment variables that go along. The first instance takes those that it names itself.
  std::vector<std::string> environment;
  /// Until the first instance has taken the connection, elections and its own slow start included; 1 ms to a day.
  std::chrono::milliseconds reach_deadline{30'000};
  /// From then on, until it has answered; 1 ms to a day.
  std::chrono::milliseconds answer_deadline{30'000};
  std::size_t starts_at_once = 64;        ///< later starts that are served side by side, 1 to 1024; more wait outside
  /// Called in a later start, once the first instance is proven and before anything is sent to it: on Windows the place for
  /// AllowSetForegroundWindow(first.pid).
  std::function<void(const PeerIdentity& first)> before_forward;
  std::shared_ptr<AuditSink> audit;       ///< may be null
};

/// What start() has found: this is the first instance, or the first one has dealt with this start.
///
///     auto instance = SingleInstance::start(context.get_executor(), "org.example.editor", argc, argv);
///     if (!instance) return complain(instance.error());
///     if (auto status = instance->forwarded()) return *status;
///     instance->serve([](const Start& start) { return open_files(start.arguments, start.directory); });
///
/// Not thread-safe: call it from its executor. Move-only. Destruction closes.
class SingleInstance {
 public:
  /// Connects to the first instance of this name, user and session and hands this start over, or becomes that instance. Blocks
  /// for at most both deadlines. `name` as Endpoint::make; argc and argv as main() has them, not used on Windows (GetCommandLineW).
  ///
  /// Peers are processes of this user, pinned, in scope and, on Windows, with the rights of this one (integrity, elevation, AppContainer):
  /// verified before one byte is sent (ATK-01, ATK-23). An instance that dies
  /// before it answers leaves its place to those that wait, so that a start which it had begun may be begun once more, by its own process.
  ///
  /// Fails, and then this is no instance: unsupported (no session), invalid_argument, name_invalid, message_too_large, what Listener
  /// and connect say (directory_unsafe, socket_unsafe, peer_*, handshake_*), and of the first instance deadline_exceeded (it hangs),
  /// operation_refused, cancelled (it took the start and gives no answer), truncated (it keeps ending connections).
  [[nodiscard]] static result<SingleInstance> start(asio::any_io_executor executor, std::string_view name, int argc,
                                                    const char* const* argv, SingleInstanceOptions options = {});
  SingleInstance(SingleInstance&&) noexcept;
  SingleInstance& operator=(SingleInstance&&) noexcept;
  ~SingleInstance();

  /// The exit status that the first instance gave, 0 to 255; none where this is the first instance.
  [[nodiscard]] std::optional<int> forwarded() const noexcept { return forwarded_; }
  /// This process's own start, as a later one's would look.
  [[nodiscard]] const Start& own() const noexcept { return own_; }

  /// Serves later starts, on the executor and for as long as it runs; until this is called they wait. `handler` is either
  /// int(const Start&), the exit status, or void(Start, Answer), which may answer later. It may run a nested event loop, and
  /// destroy this object. What it throws leaves the executor's run(). Does nothing where the start was forwarded.
  template <class Handler>
  void serve(Handler handler) {
    auto held = std::make_shared<Handler>(std::move(handler));
    if constexpr (std::is_invocable_v<Handler&, Start, Answer>) {
      start_serving([held](Start start, Answer answer) { (*held)(std::move(start), std::move(answer)); });
    } else {
      static_assert(std::is_invocable_r_v<int, Handler&, const Start&>, "a handler is int(const Start&) or void(Start, Answer)");
      start_serving([held](const Start& start, Answer answer) { answer.status((*held)(start)); });
    }
  }

  /// Gives the name up, for a program that is about to end: the next start is a first instance (on Windows once those that were taken
  /// have gone). Starts that were taken are still answered; the executor has no work of ours once they are. Idempotent.
  void stop() noexcept;

 private:
  using Handler = std::function<void(Start, Answer)>;
  SingleInstance(Start own, std::optional<int> forwarded, std::shared_ptr<protocol::StartServer> server) noexcept;
  void start_serving(Handler handler);

  Start own_;
  std::optional<int> forwarded_;
  std::shared_ptr<protocol::StartServer> server_;
};

}  // namespace penstock
