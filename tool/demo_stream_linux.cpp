// Sources: signalfd(2), poll(2).
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "tool/demo_stream.hpp"
#include "tool/program_system.hpp"

namespace penstock::tool {
namespace {

class PolledProcess final : public DemoProcess {
 public:
  PolledProcess(Spawned own, Handle out, Handle err)
      : DemoProcess(std::move(own)), output_(std::move(out)), errors_(std::move(err)) {}

  result<void> pump(const Interrupts& interrupts, std::chrono::milliseconds longest) final {
    // poll(2) ignores −1: what has ended.
    pollfd entries[] = {{interrupts.handle(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}};
    const int ready = ::poll(entries, 3, static_cast<int>(longest.count()));
    if (ready < 0) return errno == EINTR ? result<void>() : Error::io_error;
    if (ready == 0) return Error::would_block;
    if (entries[0].revents != 0) return Error::cancelled;
    if (entries[1].revents != 0) take(output_, output);
    if (entries[2].revents != 0) take(errors_, errors);
    return {};
  }

  void ask_to_end() final { child.ask_to_end(); }

 private:
  static void take(Handle& from, DemoStream& stream) {
    char block[4096];
    const auto got = ::read(from.get(), block, sizeof block);
    if (got > 0) stream.text.append(block, static_cast<std::size_t>(got));
    if (got != 0) return;
    from.reset();
    stream.open = false;
  }

  Handle output_, errors_;
};

}  // namespace

Interrupts::Interrupts() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);  // children unblock them again, see spawn()
  owned_ = Handle(::signalfd(-1, &signals, SFD_CLOEXEC));
  handle_ = owned_.get();
}

result<std::unique_ptr<DemoProcess>> DemoProcess::start(SpawnSpec spec) {
  auto output = make_stdio_pipe(Direction::from_program);
  if (!output) return output.error();
  auto errors = make_stdio_pipe(Direction::from_program);
  if (!errors) return errors.error();
  const Handle nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  spec.environment = {"PATH=/usr/bin:/bin"};
  spec.stdio = {nothing.get(), output->theirs.get(), errors->theirs.get()};
  auto child = spawn(spec);
  if (!child) return child.error();
  return std::unique_ptr<DemoProcess>(
      std::make_unique<PolledProcess>(std::move(*child), std::move(output->ours), std::move(errors->ours)));
}

}  // namespace penstock::tool
