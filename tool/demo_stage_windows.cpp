// Sources: GetTempPathW, CreateDirectoryW, "Security Descriptor String Format", LookupAccountSidW, GetNamedPipeServerProcessId.
#include <fmt/format.h>
#include <sodium.h>
#include <windows.h>
// Needs the one above.
#include <sddl.h>

#include <filesystem>
#include <fstream>

#include "crypto/windows_text.hpp"
#include "penstock/endpoint.hpp"
#include "tool/demo_stage.hpp"
#include "tool/demo_system.hpp"
#include "tool/own_program_windows.hpp"
#include "tool/this_user.hpp"

namespace penstock::tool {
namespace {

namespace fs = std::filesystem;

Failure failed(const std::string& what, const std::string& reason) {
  return Failure(Error::io_error,
                 fmt::format("the demo's {} cannot be made ({}); see that there is room and that this user may", what, reason));
}

fs::path file_at(const std::string& path) {
  return to_wide(path).value_or(L"");
}

/// For this user alone, whatever its parent allows.
result<std::string> make_directory(const user_id& user) {
  std::wstring parent(MAX_PATH + 1, L'\0');
  parent.resize(::GetTempPathW(static_cast<DWORD>(parent.size()), parent.data()));
  const auto path = fmt::format("{}penstock-demo-{:08x}", to_utf8(parent), randombytes_random());
  const auto text = to_wide(fmt::format("D:P(A;OICI;FA;;;{0})(A;OICI;FA;;;SY)", to_text(user))).value_or(L"");
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  if (::ConvertStringSecurityDescriptorToSecurityDescriptorW(text.c_str(), SDDL_REVISION_1, &descriptor, nullptr) == 0)
    return failed("directory", windows_reason(::GetLastError()));
  SECURITY_ATTRIBUTES attributes{sizeof attributes, descriptor, FALSE};
  const bool made = ::CreateDirectoryW(file_at(path).c_str(), &attributes) != 0;
  const auto number = ::GetLastError();
  ::LocalFree(descriptor);
  if (made) return path;
  return failed("directory", windows_reason(number));
}

DemoUser own_user() {
  DemoUser user{this_user(), "this user"};
  const auto bytes = user.id.bytes();
  std::array<wchar_t, 256> name{};
  std::array<wchar_t, 256> domain{};
  DWORD name_size = name.size();
  DWORD domain_size = domain.size();
  SID_NAME_USE use{};
  auto* sid = const_cast<std::byte*>(bytes.data());  // only read
  if (!bytes.empty() && ::LookupAccountSidW(nullptr, sid, name.data(), &name_size, domain.data(), &domain_size, &use) != 0)
    user.name = to_utf8(name.data());
  return user;
}

/// Beside this program, in the build tree, or where `cmake --install` puts it.
result<fs::path> find_broker() {
  const auto here = own_program().parent_path();
  std::error_code ignored;
  for (const auto* place : {L"", L"../examples/file_broker", L"../libexec/penstock"}) {
    const auto path = (here / place / DemoStage::broker_name).lexically_normal();
    if (fs::is_regular_file(path, ignored)) return path;
  }
  return Failure(Error::not_found,
                 fmt::format("the demo's program {} is neither in {} nor in ..\\libexec\\penstock; build or install the "
                             "examples too",
                             DemoStage::broker_name, to_utf8(here.native())));
}

}  // namespace

const char DemoStage::separator = '\\';
const bool DemoStage::handles_pass_a_relay = false;
const char* const DemoStage::broker_name = "penstock-file-broker.exe";

result<void> write_demo_file(const std::string& path, std::string_view text, Readers /*the directory says who*/) {
  std::ofstream file(file_at(path), std::ios::binary);
  file << text;
  file.close();
  return file ? result<void>() : failed(path, "the disk is full, or the file is refused");
}

void remove_tree(const std::string& path) noexcept {
  std::error_code ignored;
  // The system holds a program's file for a moment after its process has ended.
  for (int tries = 0; tries < 50 && fs::remove_all(file_at(path), ignored) == static_cast<std::uintmax_t>(-1); ++tries)
    ::Sleep(20);
}

DemoPlace DemoStage::place(const char* which) const {
  // Pipes stand in no directory: the name tells this demo's from another's.
  const auto endpoint_name = fmt::format("demo-{}-{}", path.substr(path.rfind('-') + 1), which);
  const auto endpoint = Endpoint::make(endpoint_name, Scope::machine);
  return {{"--name", endpoint_name, "--scope", "machine"},
          endpoint ? endpoint->directory() + '\\' + endpoint->name() : std::string()};
}

DemoPlace DemoStage::relay_to(const DemoPlace& target) const {
  return target;
}

std::string DemoStage::stands_at(const DemoPlace& place) {
  const auto raw = ::CreateFileW(file_at(place.address).c_str(), GENERIC_READ, 0, nullptr, OPEN_EXISTING,
                                 SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS, nullptr);
  if (raw == INVALID_HANDLE_VALUE) return "";
  const Handle pipe(raw);
  ULONG process = 0;
  if (::GetNamedPipeServerProcessId(pipe.get(), &process) == 0) return "";
  return fmt::format("process {}", process);
}

result<void> DemoStage::set_up() {
  if (sodium_init() < 0) return Error::internal;
  const auto broker = find_broker();
  if (!broker) return broker.error();
  helper = application = stranger = own_user();
  one_user_note = "Both are the same user here; on Linux, as root, the demo shows two users meet.";
  helper_options = {"--end", "with-input"};
  auto made = make_directory(helper.id);
  if (!made) return made.error();
  path = std::move(*made);
  for (const auto* directory : {"bin", "elsewhere", "vault"}) {
    std::error_code error;
    if (!fs::create_directory(file_at(path) / directory, error)) return failed(directory, error.message());
  }
  for (const auto& program : {genuine(), copy()}) {
    std::error_code error;
    if (!fs::copy_file(*broker, file_at(program), error)) return failed(program, error.message());
  }
  return {};
}

}  // namespace penstock::tool
