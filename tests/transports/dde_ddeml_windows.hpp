// Windows' own DDE library as a peer, in the process that uses it. Source: "Dynamic Data Exchange Management Library".
#pragma once

#include <windows.h>
// After windows.h, which it needs.
#include <ddeml.h>

#include <functional>
#include <string>

namespace penstock::transport::testing {

/// One instance, of one thread; the callback is `on`.
class Ddeml {
 public:
  using Callback = std::function<HDDEDATA(UINT type, UINT format, HDDEDATA data, HSZ first, HSZ second)>;
  explicit Ddeml(DWORD flags) {
    current = this;
    works_ = ::DdeInitializeW(&id_, callback, flags, 0) == DMLERR_NO_ERROR;
  }
  ~Ddeml() {
    ::DdeUninitialize(id_);
    current = nullptr;
  }
  Ddeml(const Ddeml&) = delete;
  Ddeml& operator=(const Ddeml&) = delete;

  Callback on;
  [[nodiscard]] bool works() const noexcept { return works_; }
  [[nodiscard]] DWORD id() const noexcept { return id_; }
  [[nodiscard]] HSZ name(const wchar_t* text) const { return ::DdeCreateStringHandleW(id_, text, CP_WINUNICODE); }
  [[nodiscard]] std::wstring text_of(HSZ name) const {
    std::wstring out(256, L'\0');
    out.resize(::DdeQueryStringW(id_, name, out.data(), 256, CP_WINUNICODE));
    return out;
  }
  /// A transaction that waits for its answer; true when the peer said yes. `data` with its size for those that carry some.
  [[nodiscard]] bool transact(HCONV conversation, UINT type, HSZ item, UINT format, const void* data = nullptr, DWORD size = 0) const {
    DWORD unused = 0;
    auto* const bytes = static_cast<BYTE*>(const_cast<void*>(data));
    return ::DdeClientTransaction(bytes, size, conversation, item, format, type, 1500, &unused) != nullptr;
  }
  static void run_one() {
    MSG message{};
    if (::GetMessageW(&message, nullptr, 0, 0) > 0) ::DispatchMessageW(&message);
  }

 private:
  static HDDEDATA CALLBACK callback(UINT type, UINT format, HCONV, HSZ first, HSZ second, HDDEDATA data, ULONG_PTR, ULONG_PTR) {
    return current != nullptr && current->on ? current->on(type, format, data, first, second) : nullptr;
  }
  static inline Ddeml* current = nullptr;
  DWORD id_ = 0;
  bool works_ = false;
};

}  // namespace penstock::transport::testing
