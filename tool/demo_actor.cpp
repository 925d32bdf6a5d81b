// Sources: signalfd(2), poll(2).
#include "tool/demo_actor.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <sstream>

namespace penstock::tool {
namespace {

// For one thing to happen. A stuck demo is a failed one; a slow machine is not.
constexpr std::chrono::seconds patience{30};

}  // namespace

Interrupts::Interrupts() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);  // children unblock them again, see spawn()
  handle_ = Handle(::signalfd(-1, &signals, SFD_CLOEXEC));
}

result<std::unique_ptr<DemoActor>> DemoActor::start(const Interrupts& interrupts, const std::string& program,
                                                    std::vector<std::string> arguments,
                                                    std::optional<std::uint32_t> user) {
  int output[2];
  int errors[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return Error::resource_exhausted;
  Handle output_read(output[0]);
  const Handle output_write(output[1]);
  if (::pipe2(errors, O_CLOEXEC) != 0) return Error::resource_exhausted;
  Handle errors_read(errors[0]);
  const Handle errors_write(errors[1]);
  const Handle nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  SpawnSpec spec;
  spec.program = program;
  spec.arguments = std::move(arguments);
  spec.environment = {"PATH=/usr/bin:/bin"};
  spec.stdio = {nothing.get(), output_write.get(), errors_write.get()};
  spec.user = user;
  auto child = spawn(spec);
  if (!child) return child.error();
  return std::unique_ptr<DemoActor>(
      new DemoActor(interrupts, std::move(*child), std::move(output_read), std::move(errors_read)));
}

DemoActor::DemoActor(const Interrupts& interrupts, Spawned child, Handle output, Handle errors)
    : interrupts_(interrupts),
      child_(std::move(child)),
      output_{std::move(output), {}},
      errors_{std::move(errors), {}} {}

DemoActor::~DemoActor() {
  if (reaped_) return;
  child_.signal(SIGKILL);
  static_cast<void>(child_.wait());
}

result<void> DemoActor::pump(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd entries[] = {
      {interrupts_.handle(), POLLIN, 0}, {output_.handle.get(), POLLIN, 0}, {errors_.handle.get(), POLLIN, 0}};
  const int ready = ::poll(entries, 3, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  if (ready < 0) return errno == EINTR ? result<void>() : Error::io_error;
  if (ready == 0)
    return Failure(Error::deadline_exceeded,
                   "a process of the demo said nothing for too long; is the machine overloaded?");
  if (entries[0].revents != 0) return Failure(Error::cancelled, "interrupted; everything was removed");
  for (auto [entry, stream] : {std::pair{&entries[1], &output_}, {&entries[2], &errors_}}) {
    if (entry->revents == 0) continue;
    char block[4096];
    const auto got = ::read(entry->fd, block, sizeof block);
    if (got > 0) stream->text.append(block, static_cast<std::size_t>(got));
    if (got == 0) stream->handle.reset();  // poll(2) ignores −1
  }
  return {};
}

std::optional<AuditLine> DemoActor::find_event(std::string_view kind, int peer) const {
  std::istringstream lines(errors_.text);
  for (std::string text; std::getline(lines, text) && !lines.eof();) {
    if (!text.starts_with('{')) continue;
    auto event = Json::parse(text, nullptr, false);
    if (event.is_discarded() || event.value("kind", "") != kind) continue;
    if (peer == 0 || (event.contains("peer") && event["peer"].value("pid", 0) == peer))
      return AuditLine{std::move(event)};
  }
  return std::nullopt;
}

result<AuditLine> DemoActor::event(std::string_view kind, int peer) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (auto found = find_event(kind, peer)) return std::move(*found);
    if (!errors_.handle) {
      return Failure(Error::closed,
                     fmt::format("a process of the demo ended without the event {} ({})", kind, last_words()));
    }
    if (auto pumped = pump(deadline); !pumped) return pumped.error();
  }
}

result<std::string> DemoActor::line(std::string_view beginning) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    std::istringstream lines(output_.text);
    for (std::string text; std::getline(lines, text) && !lines.eof();) {
      if (text.starts_with(beginning)) return text;
    }
    if (!output_.handle) {
      return Failure(Error::closed, fmt::format("a process of the demo ended without a word ({})", last_words()));
    }
    if (auto pumped = pump(deadline); !pumped) return pumped.error();
  }
}

result<int> DemoActor::finish() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (output_.handle || errors_.handle) {
    if (auto pumped = pump(deadline); !pumped) return pumped.error();
  }
  reaped_ = true;
  return exit_status(child_.wait());
}

std::string DemoActor::last_words() const {
  std::istringstream lines(errors_.text);
  std::string last;
  for (std::string text; std::getline(lines, text);) {
    if (!text.starts_with('{') && !text.empty()) last = text;
  }
  return last;
}

std::int64_t number_in(const std::string& line, std::string_view name) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (!word.starts_with(name) || word.size() <= name.size() || word[name.size()] != '=') continue;
    std::int64_t number = -1;
    const char* const begin = word.data() + name.size() + 1;
    const auto [end, wrong] = std::from_chars(begin, word.data() + word.size(), number);
    return wrong == std::errc() && end == word.data() + word.size() ? number : -1;
  }
  return -1;
}

}  // namespace penstock::tool
