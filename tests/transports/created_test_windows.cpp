// The flags that pipes are made and opened with: what cannot be read back from a live one, seen at the last moment before it is
// Windows' (ATK-01, ATK-02, ATK-07, ATK-21).
#include <windows.h>

#include <vector>

#include "tests/transports/meeting.hpp"
#include "tests/transports/pipe_pair_windows.hpp"
#include "transports/inherited.hpp"
#include "transports/pipe_access_windows.hpp"

// Where the loader has written the addresses of the two functions.
extern "C" void* __imp_CreateNamedPipeW;
extern "C" void* __imp_CreateFileW;

namespace penstock::transport {
namespace {

using namespace testing;

struct Made {
  std::wstring name;
  DWORD open, mode, instances;
  bool inheritable;
};
struct Opened {
  DWORD rights, share, flags;
  bool inheritable;
};
std::vector<Made> made;
std::vector<Opened> opened;

using MakePipe = decltype(&::CreateNamedPipeW);
using OpenFile = decltype(&::CreateFileW);
MakePipe make_pipe = nullptr;
OpenFile open_file = nullptr;

HANDLE WINAPI watched_make(LPCWSTR name, DWORD open, DWORD mode, DWORD instances, DWORD out, DWORD in, DWORD timeout, SECURITY_ATTRIBUTES* how) {
  made.push_back({name, open, mode, instances, how != nullptr && how->bInheritHandle != 0});
  return make_pipe(name, open, mode, instances, out, in, timeout, how);
}

HANDLE WINAPI watched_open(LPCWSTR name, DWORD rights, DWORD share, SECURITY_ATTRIBUTES* how, DWORD disposition, DWORD flags, HANDLE other) {
  if (std::wstring_view(name).starts_with(LR"(\\.\pipe\)")) opened.push_back({rights, share, flags, how != nullptr && how->bInheritHandle != 0});
  return open_file(name, rights, share, how, disposition, flags, other);
}

template <class Function>
Function exchange(void** place, Function function) {
  DWORD before = 0;
  if (::VirtualProtect(place, sizeof *place, PAGE_READWRITE, &before) == 0) throw std::runtime_error("VirtualProtect");
  auto* const old = std::exchange(*place, reinterpret_cast<void*>(function));
  ::VirtualProtect(place, sizeof *place, before, &before);
  return reinterpret_cast<Function>(old);
}

class Watched : public ::testing::Test {
 protected:
  Watched() {
    made.clear();
    opened.clear();
    make_pipe = exchange(&__imp_CreateNamedPipeW, watched_make);
    open_file = exchange(&__imp_CreateFileW, watched_open);
  }
  ~Watched() override {
    exchange(&__imp_CreateNamedPipeW, make_pipe);
    exchange(&__imp_CreateFileW, open_file);
  }
  TempDirectory directory;
};

constexpr DWORD all_levels = SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS | SECURITY_IDENTIFICATION | SECURITY_IMPERSONATION | SECURITY_DELEGATION;
// The token is that of whoever writes. Without it: of whoever opened, who may have handed the end on.
constexpr DWORD all_lent = all_levels | SECURITY_CONTEXT_TRACKING;

TEST_F(Watched, Atk07EveryInstanceRejectsRemoteClientsAndTheFirstSaysThatItIs) {
  for (const auto scope : {Scope::user, Scope::machine}) {
    made.clear();
    const WaitingPipe listener(test::endpoint_in(directory, "test", scope));
    ASSERT_GE(made.size(), 3u);
    for (std::size_t i = 0; i < made.size(); ++i) {
      EXPECT_EQ(made[i].mode, DWORD{PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS}) << i;
      EXPECT_EQ((made[i].open & FILE_FLAG_FIRST_PIPE_INSTANCE) != 0, i == 0) << i;
      EXPECT_NE(made[i].open & FILE_FLAG_OVERLAPPED, 0u) << i;
      EXPECT_EQ(made[i].open & (WRITE_DAC | ACCESS_SYSTEM_SECURITY), 0u) << i;
      EXPECT_FALSE(made[i].inheritable) << i;
    }
  }
}

TEST_F(Watched, Atk02AClientLendsItsNameAloneAndAsksForNoMoreThanItNeeds) {
  const auto endpoint = test::endpoint_in(directory);
  const WaitingPipe listener(endpoint, {.allow_own_process = true});
  opened.clear();
  ASSERT_TRUE(connect_to(endpoint, {}, {.allow_own_process = true}));
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].flags & all_lent, DWORD{SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | SECURITY_CONTEXT_TRACKING});
  EXPECT_EQ(opened[0].rights & ~client_rights, 0u);
  EXPECT_EQ(opened[0].share, 0u);
  EXPECT_FALSE(opened[0].inheritable);
}

TEST_F(Watched, Atk02AListenerThatProvesItsNameLendsNoMore) {
  const WaitingPipe listener(test::endpoint_in(directory));
  ASSERT_FALSE(opened.empty());
  for (const auto& one : opened) EXPECT_EQ(one.flags & all_levels, DWORD{SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION});
}

TEST_F(Watched, Atk21ALaunchedHelpersPipeHasOneInstanceAndARandomName) {
  const auto missing = directory.file("missing.exe");
  EXPECT_EQ(launch({missing, {}, {}}).error(), Error::not_found);
  EXPECT_EQ(launch({missing, {}, {}}).error(), Error::not_found);
  ASSERT_EQ(made.size(), 2u);
  EXPECT_NE(made[0].name, made[1].name);
  for (const auto& one : made) {
    EXPECT_EQ(one.mode, DWORD{PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS});
    EXPECT_NE(one.open & FILE_FLAG_FIRST_PIPE_INSTANCE, 0u);
    EXPECT_EQ(one.instances, 1u);
    EXPECT_FALSE(one.inheritable);
  }
  for (const auto& one : opened)
    EXPECT_EQ(one.flags & all_lent, DWORD{SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION | SECURITY_CONTEXT_TRACKING});
}

}  // namespace
}  // namespace penstock::transport
