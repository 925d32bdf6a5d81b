// Sources: GetCommandLineW, CommandLineToArgvW, ReadFile, SetConsoleCtrlHandler.
#include "system.hpp"

#include <fcntl.h>
#include <io.h>
#include <windows.h>
// Needs the one above.
#include <shellapi.h>

#include <array>
#include <boost/asio/windows/object_handle.hpp>
#include <filesystem>
#include <thread>

namespace file_broker {
namespace {

// Console events come on a thread of the system's, which is told nothing but the kind.
HANDLE asked_to_end = nullptr;
BOOL WINAPI on_console_event(DWORD kind) {
  ::SetEvent(asked_to_end);
  // When this returns for one of these, the process ends at once; it ends by itself sooner.
  if (kind == CTRL_CLOSE_EVENT || kind == CTRL_LOGOFF_EVENT || kind == CTRL_SHUTDOWN_EVENT) ::Sleep(INFINITE);
  return TRUE;
}

void await_end_of_input(HANDLE input) {
  std::array<char, 256> ignored;
  DWORD got = 0;
  while (::ReadFile(input, ignored.data(), ignored.size(), &got, nullptr) != 0 && got > 0) {
  }
  ::SetEvent(asked_to_end);
}

std::string utf8(const wchar_t* text) {
  const auto out = std::filesystem::path(text).u8string();
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

bool write_all(const char* data, DWORD size) {
  while (size > 0) {
    DWORD written = 0;
    if (::WriteFile(::GetStdHandle(STD_OUTPUT_HANDLE), data, size, &written, nullptr) == 0 || written == 0) return false;
    data += written;
    size -= written;
  }
  return true;
}

}  // namespace

std::vector<std::string> arguments_of(int /*count*/, char** /*arguments*/) {
  _setmode(_fileno(stdout), _O_BINARY);
  _setmode(_fileno(stderr), _O_BINARY);
  // main()'s own arguments are in the code page of this machine, and "docs/*" would have become what it matches.
  int count = 0;
  auto** words = ::CommandLineToArgvW(::GetCommandLineW(), &count);
  std::vector<std::string> out;
  for (int i = 1; words != nullptr && i < count; ++i) out.push_back(utf8(words[i]));
  ::LocalFree(words);
  return out;
}

penstock::native_handle standard_error() noexcept {
  return ::GetStdHandle(STD_ERROR_HANDLE);
}

bool copy_out(const penstock::Handle& file) {
  std::array<char, 16384> block;
  for (;;) {
    DWORD got = 0;
    if (::ReadFile(file.get(), block.data(), block.size(), &got, nullptr) == 0) return ::GetLastError() == ERROR_HANDLE_EOF;
    if (got == 0) return true;
    if (!write_all(block.data(), got)) return false;
  }
}

struct EndRequest::Impl {
  explicit Impl(boost::asio::io_context& loop) : event(loop) {}
  boost::asio::windows::object_handle event;
};

EndRequest::EndRequest(boost::asio::io_context& loop, std::string_view how, std::function<void()> then)
    : impl_(std::make_unique<Impl>(loop)) {
  asked_to_end = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);  // as long as the process: its threads may still set it
  HANDLE own = nullptr;
  const auto self = ::GetCurrentProcess();
  ::DuplicateHandle(self, asked_to_end, self, &own, SYNCHRONIZE, FALSE, 0);
  impl_->event.assign(own);
  impl_->event.async_wait([then = std::move(then)](boost::system::error_code error) {
    if (!error) then();
  });
  ::SetConsoleCtrlHandler(nullptr, FALSE);  // ignored Ctrl-C is inherited
  ::SetConsoleCtrlHandler(on_console_event, TRUE);
  if (how == "with-input") std::thread(await_end_of_input, ::GetStdHandle(STD_INPUT_HANDLE)).detach();
}

EndRequest::~EndRequest() = default;

}  // namespace file_broker
