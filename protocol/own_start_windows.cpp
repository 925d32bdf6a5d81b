// Sources: GetCommandLineW, CommandLineToArgvW, GetCurrentDirectoryW, GetEnvironmentVariableW, WideCharToMultiByte (WC_ERR_INVALID_CHARS).
#include <windows.h>
// Needs the one above.
#include <shellapi.h>

#include <fmt/format.h>

#include <memory>

#include "crypto/windows_text.hpp"
#include "protocol/own_start.hpp"

namespace penstock::protocol {
namespace {

struct FreeLocal {
  void operator()(void* memory) const noexcept { ::LocalFree(memory); }
};

/// None for half of a surrogate pair: file names may have one, and U+FFFD instead would be another file.
std::optional<std::string> exact_utf8(std::wstring_view text) {
  if (text.empty()) return std::string();
  const auto size = static_cast<int>(text.size());
  const int needed = ::WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, text.data(), size, nullptr, 0, nullptr, nullptr);
  if (needed <= 0) return {};
  std::string out(static_cast<std::size_t>(needed), '\0');
  if (::WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, text.data(), size, out.data(), needed, nullptr, nullptr) != needed) return {};
  return out;
}

Failure no_text(std::string_view what) {
  return Failure(Error::invalid_argument, fmt::format("{} is no text (half of a surrogate pair): rename what it names.", what));
}

/// Asks twice at least: what it reads may have grown in between. Empty where `ask` says 0.
template <class Ask>
std::wstring read_all(Ask ask) {
  std::wstring text(MAX_PATH, L'\0');
  for (;;) {
    const DWORD got = ask(text.data(), static_cast<DWORD>(text.size()));
    if (got < text.size()) {
      text.resize(got);
      return text;
    }
    text.resize(got + 1);
  }
}

}  // namespace

bool sound_text(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos && (text.empty() || to_wide(text).has_value());
}

result<std::vector<std::string>> own_arguments(int /*argc*/, const char* const* /*argv*/) {
  // main()'s own arguments are in the code page of this machine, and "docs/*" would have become what it matches.
  int count = 0;
  const std::unique_ptr<wchar_t*, FreeLocal> words(::CommandLineToArgvW(::GetCommandLineW(), &count));
  if (!words) return Failure(Error::io_error, fmt::format("The command line cannot be read ({}).", windows_reason(::GetLastError())));
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    auto word = exact_utf8(words.get()[i]);
    if (!word) return no_text(fmt::format("Argument {}", i));
    out.push_back(std::move(*word));
  }
  return out;
}

result<std::string> own_directory() {
  auto text = exact_utf8(read_all([](wchar_t* into, DWORD size) { return ::GetCurrentDirectoryW(size, into); }));
  return text ? result<std::string>(std::move(*text)) : no_text("The working directory");
}

result<std::optional<std::string>> own_variable(const std::string& name) {
  const auto wide = to_wide(name);
  if (!wide) return Failure(Error::invalid_argument, "The name of an environment variable is no UTF-8.");
  ::SetLastError(ERROR_SUCCESS);
  const auto value = read_all([&](wchar_t* into, DWORD size) { return ::GetEnvironmentVariableW(wide->c_str(), into, size); });
  if (value.empty() && ::GetLastError() == ERROR_ENVVAR_NOT_FOUND) return std::optional<std::string>();
  auto text = exact_utf8(value);
  if (!text) return no_text("The environment variable " + name);
  return std::optional<std::string>(std::move(*text));
}

}  // namespace penstock::protocol
