#include "tool/program.hpp"

namespace penstock::tool {

result<std::unique_ptr<Program>> Program::start(const asio::any_io_executor& executor, SpawnSpec spec) {
  auto to = make_stdio_pipe(Direction::to_program);
  if (!to) return to.error();
  auto from = make_stdio_pipe(Direction::from_program);
  if (!from) return from.error();
  spec.stdio[0] = to->theirs.get();
  spec.stdio[1] = from->theirs.get();
  auto child = spawn(spec);
  if (!child) return child.error();
  return std::unique_ptr<Program>(
      new Program(executor, std::move(*child), std::move(to->ours), std::move(from->ours)));
}

Program::Program(const asio::any_io_executor& executor, Spawned child, Handle input, Handle output)
    : child_(std::move(child)),
      watch_(executor, child_.process),
      input_(executor, std::move(input)),
      output_(executor, std::move(output)) {}

Program::~Program() {
  if (reaped_) return;
  child_.end_now();
  static_cast<void>(reap());
}

Ended Program::reap() {
  reaped_ = true;
  return child_.wait();
}

}  // namespace penstock::tool
