// Sources: CreateProcessW, UpdateProcThreadAttribute, "Parsing C command-line arguments".
#include "transports/spawn_windows.hpp"

#include <windows.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include "crypto/windows_text.hpp"
#include "transports/handle_value_windows.hpp"

namespace penstock::transport {
namespace {

/// The list of handles that a child may have.
class HandleListAttribute {
 public:
  [[nodiscard]] static result<HandleListAttribute> make(std::vector<HANDLE>& handles) {
    SIZE_T size = 0;
    ::InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
    HandleListAttribute made;
    made.memory_ = std::make_unique<std::byte[]>(size);
    if (::InitializeProcThreadAttributeList(made.get(), 1, 0, &size) == 0) return Error::resource_exhausted;
    made.ready_ = true;
    if (::UpdateProcThreadAttribute(made.get(), 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles.data(),
                                    handles.size() * sizeof(HANDLE), nullptr, nullptr) == 0) {
      return Failure(Error::unsupported, fmt::format("The child's handles cannot be listed ({}).",
                                                     windows_reason(::GetLastError())));
    }
    return made;
  }
  HandleListAttribute(HandleListAttribute&& other) noexcept
      : memory_(std::move(other.memory_)), ready_(std::exchange(other.ready_, false)) {}
  HandleListAttribute& operator=(HandleListAttribute&&) = delete;
  ~HandleListAttribute() {
    if (ready_) ::DeleteProcThreadAttributeList(get());
  }
  [[nodiscard]] LPPROC_THREAD_ATTRIBUTE_LIST get() const noexcept {
    return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.get());
  }

 private:
  HandleListAttribute() = default;
  std::unique_ptr<std::byte[]> memory_;
  bool ready_ = false;
};

/// Handles that a child may inherit, as long as this lives. Whoever else starts a program meanwhile, with inheritance and without a
/// list, gives them to it too: so it is short, and no two of ours overlap.
class Inheritable {
 public:
  explicit Inheritable(std::span<const HANDLE> handles) : handles_(handles), lock_(mutex()) { set(HANDLE_FLAG_INHERIT); }
  ~Inheritable() { set(0); }
  Inheritable(const Inheritable&) = delete;
  Inheritable& operator=(const Inheritable&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  void set(DWORD flag) noexcept {
    for (auto* const handle : handles_) ::SetHandleInformation(handle, HANDLE_FLAG_INHERIT, flag);
  }
  std::span<const HANDLE> handles_;
  std::lock_guard<std::mutex> lock_;
};

/// A copy of a standard handle. Invalid where there is none to copy.
Handle standard_copy(DWORD which) {
  const auto raw = ::GetStdHandle(which);
  if (!is_real_handle(raw)) return {};
  HANDLE copy = nullptr;
  const auto self = ::GetCurrentProcess();
  return ::DuplicateHandle(self, raw, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS) != 0 ? Handle(copy) : Handle();
}

// Sorted without regard to case, as CreateProcess asks for.
std::optional<std::wstring> environment_block(std::vector<std::string> entries) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(entries, [&](const std::string& entry) {
      return entry.size() > name.size() && entry[name.size()] == '=' && ::_strnicmp(entry.c_str(), name.data(), name.size()) == 0;
    });
  };
  // Without it Windows' own libraries do not find their parts; it is the same for every process of the machine.
  if (std::array<wchar_t, MAX_PATH> root{}; !has("SystemRoot") && ::GetWindowsDirectoryW(root.data(), MAX_PATH) != 0)
    entries.push_back("SystemRoot=" + to_utf8(root.data()));
  std::vector<std::wstring> wide;
  for (const auto& entry : entries) {
    auto text = to_wide(entry);
    if (!text) return std::nullopt;
    wide.push_back(std::move(*text));
  }
  std::ranges::sort(wide, [](const std::wstring& a, const std::wstring& b) { return ::_wcsicmp(a.c_str(), b.c_str()) < 0; });
  std::wstring block;
  for (const auto& entry : wide) block += entry + L'\0';
  return block + L'\0';
}

Failure cannot_start(const std::string& program, DWORD error) {
  Error code = windows_error(error);
  if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND) code = Error::not_found;
  if (error == ERROR_BAD_EXE_FORMAT) code = Error::invalid_argument;
  return Failure(code, fmt::format("{} cannot be started ({}): check the path and this user's rights.", program,
                                   windows_reason(error)));
}

}  // namespace

std::wstring quote_argument(const std::wstring& argument) {
  if (!argument.empty() && argument.find_first_of(L" \t\n\v\"") == std::wstring::npos) return argument;
  std::wstring out = L"\"";
  std::size_t backslashes = 0;
  for (const wchar_t c : argument) {
    if (c == L'\\') {
      ++backslashes;
      continue;
    }
    // Backslashes count double before a quote alone.
    out.append(c == L'"' ? 2 * backslashes + 1 : backslashes, L'\\');
    out += c;
    backslashes = 0;
  }
  out.append(2 * backslashes, L'\\');
  return out + L'"';
}

result<Spawned> spawn(const SpawnRequest& request) {
  const auto program = to_wide(request.program);
  if (!program) return Error::invalid_argument;
  auto line = quote_argument(*program);
  for (const auto& argument : request.arguments) {
    const auto wide = to_wide(argument);
    if (!wide) return Error::invalid_argument;
    line += L' ' + quote_argument(*wide);
  }
  auto block = environment_block(request.environment);
  if (!block) return Error::invalid_argument;

  const std::array<Handle, 3> standard{standard_copy(STD_INPUT_HANDLE), standard_copy(STD_OUTPUT_HANDLE),
                                       standard_copy(STD_ERROR_HANDLE)};
  std::vector<HANDLE> listed(request.inherited.begin(), request.inherited.end());
  for (const auto& handle : standard) {
    if (handle) listed.push_back(handle.get());
  }
  const auto attribute = HandleListAttribute::make(listed);
  if (!attribute) return attribute.error();
  STARTUPINFOEXW how{};
  how.StartupInfo.cb = sizeof how;
  how.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  how.StartupInfo.hStdInput = standard[0].get();
  how.StartupInfo.hStdOutput = standard[1].get();
  how.StartupInfo.hStdError = standard[2].get();
  how.lpAttributeList = attribute->get();
  PROCESS_INFORMATION made{};
  constexpr DWORD flags = EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT;
  const Inheritable open(listed);
  // The program is named apart from the line, so that no part of a path with spaces is tried as one.
  if (::CreateProcessW(program->c_str(), line.data(), nullptr, nullptr, TRUE, flags, block->data(), nullptr, &how.StartupInfo,
                       &made) == 0) {
    return cannot_start(request.program, ::GetLastError());
  }
  const Handle thread(made.hThread);
  return Spawned{Handle(made.hProcess), static_cast<std::int64_t>(made.dwProcessId)};
}

}  // namespace penstock::transport
