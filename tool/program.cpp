#include "tool/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace penstock::tool {
namespace {

struct Pipe {
  Handle read, write;
};

result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Failure(Error::resource_exhausted, "no pipe could be made; close something first");
  return Pipe{Handle(ends[0]), Handle(ends[1])};
}

}  // namespace

result<std::unique_ptr<Program>> Program::start(const asio::any_io_executor& executor, SpawnSpec spec) {
  auto to = make_pipe();
  if (!to) return to.error();
  auto from = make_pipe();
  if (!from) return from.error();
  spec.stdio[0] = to->read.get();
  spec.stdio[1] = from->write.get();
  auto child = spawn(spec);
  if (!child) return child.error();
  return std::unique_ptr<Program>(
      new Program(executor, std::move(*child), std::move(to->write), std::move(from->read)));
}

Program::Program(const asio::any_io_executor& executor, Spawned child, Handle input, Handle output)
    : child_(std::move(child)),
      watch_(executor, ::fcntl(child_.process.get(), F_DUPFD_CLOEXEC, 0)),
      input_(executor, std::move(input)),
      output_(executor, std::move(output)) {}

Program::~Program() {
  if (reaped_) return;
  child_.signal(SIGKILL);
  static_cast<void>(reap());
}

int Program::reap() {
  reaped_ = true;
  return child_.wait();
}

}  // namespace penstock::tool
