// DDE with nothing of Penstock's: a window that says what it likes, and remembers what it is told.
#pragma once

#include <windows.h>
// After windows.h, which it needs.
#include <dde.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/child.hpp"
#include "transports/dde/carrier_windows.hpp"
#include "transports/dde/chunk.hpp"

namespace penstock::transport::testing {

struct Heard {
  UINT message = 0;
  HWND from = nullptr;
  UINT_PTR low = 0, high = 0;
};

/// Belongs to the thread that makes it.
class RawWindow {
 public:
  RawWindow() {
    static const bool registered = [] {
      WNDCLASSW description{};
      description.lpfnWndProc = procedure;
      description.hInstance = ::GetModuleHandleW(nullptr);
      description.lpszClassName = L"RawDde";
      return ::RegisterClassW(&description) != 0;
    }();
    if (registered) window_ = ::CreateWindowExW(0, L"RawDde", L"", WS_POPUP, 0, 0, 0, 0, nullptr, nullptr, ::GetModuleHandleW(nullptr), nullptr);
    ::SetWindowLongPtrW(window_, GWLP_USERDATA, reinterpret_cast<LONG_PTR>(this));
  }
  ~RawWindow() { ::DestroyWindow(window_); }
  RawWindow(const RawWindow&) = delete;
  RawWindow& operator=(const RawWindow&) = delete;

  [[nodiscard]] HWND get() const noexcept { return window_; }
  [[nodiscard]] const std::vector<Heard>& heard() const noexcept { return heard_; }
  /// What answers a broadcast of the others.
  std::function<void(HWND client, WORD application, WORD topic)> on_initiate;

  /// To one window or all (HWND_BROADCAST); who answered.
  std::vector<HWND> initiate(HWND to, WORD application, WORD topic) {
    answers_.clear();
    DWORD_PTR unused = 0;
    ::SendMessageTimeoutW(to, WM_DDE_INITIATE, reinterpret_cast<WPARAM>(window_), MAKELPARAM(application, topic), SMTO_NORMAL, 1000, &unused);
    return answers_;
  }
  bool post(HWND to, UINT message, LPARAM parameter, HWND from = nullptr) {
    return ::PostMessageW(to, message, reinterpret_cast<WPARAM>(from != nullptr ? from : window_), parameter) != 0;
  }
  bool execute(HWND to, bytes_view memory, HWND from = nullptr) { return post(to, WM_DDE_EXECUTE, reinterpret_cast<LPARAM>(memory_of(memory)), from); }
  bool execute(HWND to, const dde::Chunk& chunk, HWND from = nullptr) { return execute(to, dde::encode_command(dde::encode_chunk(chunk)), from); }
  bool advise(HWND to, WORD format, const wchar_t* item = L"frames", WORD flags = 0x8000) {
    const std::array<WORD, 2> head{flags, format};
    const auto memory = memory_of(std::as_bytes(std::span(head)));
    return post(to, WM_DDE_ADVISE, ::PackDDElParam(WM_DDE_ADVISE, reinterpret_cast<UINT_PTR>(memory), ::GlobalAddAtomW(item)));
  }
  bool acknowledge(HWND to, WORD status, UINT_PTR what) { return post(to, WM_DDE_ACK, ::PackDDElParam(WM_DDE_ACK, status, what)); }

  /// Runs messages until there was one of that kind that nobody has waited for yet. DATA are acknowledged.
  Heard wait_for(UINT message) {
    for (;;) {
      for (; seen_ < heard_.size(); ++seen_) {
        if (heard_[seen_].message == message) return heard_[seen_++];
      }
      run_one();
    }
  }
  void run_one() {
    MSG message{};
    if (::GetMessageW(&message, nullptr, 0, 0) > 0) ::DispatchMessageW(&message);
  }

  static HGLOBAL memory_of(bytes_view bytes) {
    const auto memory = ::GlobalAlloc(GMEM_MOVEABLE | GMEM_DDESHARE, bytes.size());
    std::memcpy(::GlobalLock(memory), bytes.data(), bytes.size());
    ::GlobalUnlock(memory);
    return memory;
  }

 private:
  static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM first, LPARAM second) {
    auto* const self = reinterpret_cast<RawWindow*>(::GetWindowLongPtrW(window, GWLP_USERDATA));
    if (self == nullptr || message < WM_DDE_FIRST || message > WM_DDE_LAST) return ::DefWindowProcW(window, message, first, second);
    self->hear(message, reinterpret_cast<HWND>(first), second);
    return 0;
  }
  void hear(UINT message, HWND from, LPARAM parameter) {
    if (message == WM_DDE_INITIATE) {
      if (on_initiate) on_initiate(from, LOWORD(parameter), HIWORD(parameter));
      return;
    }
    if (message == WM_DDE_ACK && ::InSendMessage() != 0) {
      answers_.push_back(from);
      ::GlobalDeleteAtom(LOWORD(parameter));
      ::GlobalDeleteAtom(HIWORD(parameter));
      return;
    }
    Heard one{message, from, 0, 0};
    if (message != WM_DDE_TERMINATE) ::UnpackDDElParam(message, parameter, &one.low, &one.high);
    heard_.push_back(one);
    if (message == WM_DDE_DATA) acknowledge(from, 0x8000, one.high);
  }

  HWND window_ = nullptr;
  std::vector<HWND> answers_;
  std::vector<Heard> heard_;
  std::size_t seen_ = 0;
};

/// The two atoms of an endpoint, and the format, as an outsider makes them.
struct RawNames {
  explicit RawNames(const std::string& directory) {
    application = ::GlobalAddAtomW(dde::application_name);
    topic = ::GlobalAddAtomW(dde::topic_of(test::endpoint_in(directory))->c_str());
    format = static_cast<WORD>(::RegisterClipboardFormatW(L"Penstock.Frames"));
  }
  ~RawNames() {
    ::GlobalDeleteAtom(application);
    ::GlobalDeleteAtom(topic);
  }
  RawNames(const RawNames&) = delete;
  RawNames& operator=(const RawNames&) = delete;
  WORD application = 0, topic = 0, format = 0;
};

/// The top-level windows of ours that exist on this desktop; of one process, or of all.
inline std::vector<HWND> penstock_windows(DWORD of = 0) {
  struct Search {
    DWORD of;
    std::vector<HWND> found;
  } search{of, {}};
  ::EnumWindows(
      [](HWND window, LPARAM parameter) -> BOOL {
        auto& into = *reinterpret_cast<Search*>(parameter);
        std::array<wchar_t, 64> name{};
        ::GetClassNameW(window, name.data(), static_cast<int>(name.size()));
        DWORD pid = 0;
        ::GetWindowThreadProcessId(window, &pid);
        if (std::wstring_view(name.data()).starts_with(L"PenstockDde") && (into.of == 0 || into.of == pid)) into.found.push_back(window);
        return TRUE;
      },
      reinterpret_cast<LPARAM>(&search));
  return search.found;
}

/// How many global atoms there are on this desktop.
inline std::size_t global_atoms() {
  std::size_t count = 0;
  std::array<wchar_t, 256> name{};
  for (unsigned atom = 0xC000; atom <= 0xFFFF; ++atom) {
    if (::GlobalGetAtomNameW(static_cast<ATOM>(atom), name.data(), static_cast<int>(name.size())) != 0) ++count;
  }
  return count;
}

}  // namespace penstock::transport::testing
