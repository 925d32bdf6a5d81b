// What a program between two pipes needs of the platform.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

namespace asio = boost::asio;

/// A pipe to a program's standard stream. `ours` is for a LocalEnd, `theirs` for SpawnSpec::stdio. Nobody inherits either.
struct StdioPipe {
  Handle ours, theirs;
};
enum class Direction : std::uint8_t { to_program, from_program };
/// resource_exhausted, with a sentence.
[[nodiscard]] result<StdioPipe> make_stdio_pipe(Direction direction);

/// Waits for the end of a process.
class ProcessWatch {
 public:
  ProcessWatch(const asio::any_io_executor& executor, const Handle& process);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;
  asio::awaitable<void> ended();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::tool
