// Sources: ReadFile with OVERLAPPED, WaitForMultipleObjects, GetOverlappedResult.
#include <windows.h>

#include <array>

#include "tool/console_events_windows.hpp"
#include "tool/demo_stream.hpp"
#include "tool/environment.hpp"
#include "tool/overlapped_pipe_windows.hpp"

namespace penstock::tool {
namespace {

/// One stream with a read under way.
class Reader {
 public:
  explicit Reader(Handle pipe) : pipe_(std::move(pipe)), event_(::CreateEventW(nullptr, TRUE, FALSE, nullptr)) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() {
    if (!pending_) return;
    DWORD ignored = 0;
    ::CancelIoEx(pipe_.get(), &overlapped_);
    ::GetOverlappedResult(pipe_.get(), &overlapped_, &ignored, TRUE);  // the block is the kernel's until then
  }

  [[nodiscard]] HANDLE event() const noexcept { return event_.get(); }

  /// Asks for more, unless that is under way.
  void start(DemoStream& stream) {
    if (pending_ || !stream.open) return;
    overlapped_ = {};
    overlapped_.hEvent = event_.get();
    const auto size = static_cast<DWORD>(block_.size());
    pending_ = ::ReadFile(pipe_.get(), block_.data(), size, nullptr, &overlapped_) != 0 || ::GetLastError() == ERROR_IO_PENDING;
    if (!pending_) end(stream);
  }
  /// Takes what has come, if it has.
  void take(DemoStream& stream) {
    DWORD got = 0;
    if (!pending_) return;
    if (::GetOverlappedResult(pipe_.get(), &overlapped_, &got, FALSE) != 0) {
      pending_ = false;
      stream.text.append(block_.data(), got);
    } else if (::GetLastError() != ERROR_IO_INCOMPLETE) {
      pending_ = false;
      end(stream);
    }
  }

 private:
  void end(DemoStream& stream) {
    stream.open = false;
    ::ResetEvent(event_.get());
  }

  Handle pipe_, event_;
  OVERLAPPED overlapped_{};
  std::array<char, 4096> block_{};
  bool pending_ = false;
};

class OverlappedProcess final : public DemoProcess {
 public:
  OverlappedProcess(Spawned own, Handle in, Handle out, Handle err)
      : DemoProcess(std::move(own)), input_(std::move(in)), output_(std::move(out)), errors_(std::move(err)) {}

  result<void> pump(const Interrupts& interrupts, std::chrono::milliseconds longest) final {
    const auto said = [&] { return std::pair(output.open, errors.open); };
    const auto before = said();
    output_.start(output);
    errors_.start(errors);
    if (said() != before) return {};
    const HANDLE handles[] = {interrupts.handle(), output_.event(), errors_.event()};
    const auto ready = ::WaitForMultipleObjects(3, handles, FALSE, static_cast<DWORD>(longest.count()));
    if (ready == WAIT_TIMEOUT) return Error::would_block;
    if (ready == WAIT_OBJECT_0) return Error::cancelled;
    if (ready == WAIT_FAILED) return Error::io_error;
    output_.take(output);
    errors_.take(errors);
    return {};
  }

  // A process without a console of ours cannot be sent Ctrl-Break: the broker ends with its input (system_windows.cpp there).
  void ask_to_end() final { input_.reset(); }

 private:
  Handle input_;
  Reader output_, errors_;
};

std::vector<std::string> bare_environment() {
  std::vector<std::string> out;
  for (const char* name : {"SystemRoot", "SystemDrive", "PATH", "TEMP", "TMP"}) {
    if (const auto value = variable(name)) out.push_back(std::string(name) + '=' + *value);
  }
  return out;
}

}  // namespace

Interrupts::Interrupts() : handle_(end_request_event().get()) {}

result<std::unique_ptr<DemoProcess>> DemoProcess::start(SpawnSpec spec) {
  auto input = make_overlapped_pipe(false);
  if (!input) return input.error();
  auto output = make_overlapped_pipe(true);
  if (!output) return output.error();
  auto errors = make_overlapped_pipe(true);
  if (!errors) return errors.error();
  spec.environment = bare_environment();
  spec.stdio = {input->theirs.get(), output->theirs.get(), errors->theirs.get()};
  auto child = spawn(spec);
  if (!child) return child.error();
  return std::unique_ptr<DemoProcess>(std::make_unique<OverlappedProcess>(
      std::move(*child), std::move(input->ours), std::move(output->ours), std::move(errors->ours)));
}

}  // namespace penstock::tool
