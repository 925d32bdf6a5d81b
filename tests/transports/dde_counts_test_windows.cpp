// What a process holds is the same before and after a thousand conversations, half of them killed midway.
#include <gtest/gtest.h>

#include "tests/transports/dde_meeting_windows.hpp"
#include "tests/transports/dde_raw_windows.hpp"

namespace penstock::transport {
namespace {

using namespace testing;

constexpr int processes = 50, of_each = 10;

/// Ends so many conversations as it should, then opens so many more and waits to be killed.
const Role caller("dde-caller", [](const Line& line, const Words& words) {
  const auto endpoint = test::endpoint_in(words[0]);
  std::array<std::byte, 100> buffer{};
  HandleList handles;
  for (int i = 0; i < of_each; ++i) {
    const auto carrier = connect_over_dde(endpoint);
    if (!carrier || !(*carrier)->send(buffer, {}, Wait::yes) || !(*carrier)->receive(buffer, handles, Wait::yes)) return 90;
  }
  std::vector<std::unique_ptr<Carrier>> open;
  for (int i = 0; i < of_each; ++i) {
    auto carrier = connect_over_dde(endpoint);
    if (!carrier || !(*carrier)->send(buffer, {}, Wait::yes)) return 91;
    open.push_back(std::move(*carrier));
    line.tell();
  }
  (void)line.hear();
  return 92;
});

struct Counts {
  std::size_t atoms = global_atoms();
  std::size_t windows = penstock_windows(::GetCurrentProcessId()).size();
  std::size_t memory = dde::global_memory_held();
  DWORD user = ::GetGuiResources(::GetCurrentProcess(), GR_USEROBJECTS), gdi = ::GetGuiResources(::GetCurrentProcess(), GR_GDIOBJECTS);
  DWORD handles = [] {
    DWORD count = 0;
    ::GetProcessHandleCount(::GetCurrentProcess(), &count);
    return count;
  }();
  void print(const char* when) const {
    std::printf("%-18s global atoms %zu, windows of ours %zu, global memory %zu, USER objects %lu, GDI objects %lu, handles %lu\n", when, atoms, windows,
                memory, user, gdi, handles);
  }
};

/// How many references there are on a global atom; none afterwards. Whoever else uses this desktop must not care.
std::size_t take_references(const wchar_t* name) {
  std::size_t count = 0;
  for (; const auto atom = ::GlobalFindAtomW(name); ++count) ::GlobalDeleteAtom(atom);
  return count;
}

class Counted : public ::testing::Test {
 protected:
  // Processes that were killed before left theirs.
  static void SetUpTestSuite() { (void)take_references(L"frames"); }
  void one_process() {
    Child child(caller, {directory.path()});
    std::array<std::byte, 100> buffer{};
    HandleList handles;
    for (int i = 0; i < of_each; ++i) {
      const auto carrier = door->accept();
      ASSERT_TRUE(carrier);
      ASSERT_TRUE((*carrier)->receive(buffer, handles, Wait::yes));
      ASSERT_TRUE((*carrier)->send(buffer, {}, Wait::yes));
      EXPECT_EQ((*carrier)->receive(buffer, handles, Wait::yes).error(), Error::truncated);
    }
    std::vector<std::unique_ptr<Carrier>> open;
    const std::vector<std::byte> large(dde::largest_datagram);
    for (int i = 0; i < of_each; ++i) {
      auto carrier = door->accept();
      ASSERT_TRUE(carrier);
      open.push_back(std::move(*carrier));
      ASSERT_EQ(child.line().hear(), '.');
    }
    // Midway: more chunks than may be under way at once are to go to each of them.
    for (const auto& carrier : open) EXPECT_TRUE(carrier->send(large, {}, Wait::no) && carrier->send(large, {}, Wait::no));
    child.kill();
    for (const auto& carrier : open) {
      while (carrier->receive(buffer, handles, Wait::yes)) continue;
      EXPECT_EQ(carrier->receive(buffer, handles, Wait::yes).error(), Error::truncated);
    }
    open.clear();
    (void)child.wait();
  }
  /// The listener's window is the only one left, once the pump has had its turn.
  void settle() {
    while (penstock_windows(::GetCurrentProcessId()).size() > 1) std::this_thread::yield();
  }
  /// With all that this process has open.
  std::size_t references_at_the_end() {
    door.reset();
    return take_references(L"frames");
  }
  TempDirectory directory;
  std::optional<WaitingDoor> door{std::in_place, test::endpoint_in(directory)};
};

TEST_F(Counted, Atk16AThousandConversationsLeaveNothing) {
  // The first makes what is made once.
  ASSERT_NO_FATAL_FAILURE(one_process());
  settle();
  const Counts before;
  for (int i = 0; i < processes; ++i) ASSERT_NO_FATAL_FAILURE(one_process());
  settle();
  const Counts after;
  before.print("before");
  after.print("after 1,000");
  EXPECT_EQ(after.atoms, before.atoms);
  EXPECT_EQ(after.windows, before.windows);
  EXPECT_EQ(after.memory, before.memory);
  EXPECT_EQ(after.user, before.user);
  EXPECT_EQ(after.gdi, before.gdi);
  EXPECT_LE(after.handles, before.handles + 4) << "of which Wine's own come and go";
  // Atoms are nobody's: those that a killed process had for its open conversations, one each, stay. None that came with a message does.
  EXPECT_EQ(references_at_the_end(), static_cast<std::size_t>((processes + 1) * of_each));
}

/// A client that gets past the challenge, and whose window goes, not its process, while chunks for it wait there.
const Role vanishing("dde-vanishing", [](const Line& line, const Words& words) {
  const RawNames names(words[0]);
  std::optional<RawWindow> own(std::in_place);
  const auto answers = own->initiate(HWND_BROADCAST, names.application, names.topic);
  if (answers.size() != 1) return 80;
  own->advise(answers[0], names.format);
  own->wait_for(WM_DDE_ACK);
  const std::vector<std::byte> nonce(dde::nonce_size, std::byte{1});
  own->execute(answers[0], {.kind = dde::ChunkKind::nonce, .payload = nonce});
  own->wait_for(WM_DDE_DATA);
  own->execute(answers[0], {.kind = dde::ChunkKind::handle});
  own->wait_for(WM_DDE_DATA);
  (void)line.hear();
  own.reset();
  line.tell();
  return line.hear() == 'e' ? 0 : 1;
});

TEST_F(Counted, Atk16AWindowThatGoesWithItsMessagesLeavesNothing) {
  const Child child(vanishing, {directory.path()});
  {
    const auto carrier = door->accept();
    ASSERT_TRUE(carrier);
    const std::vector<std::byte> large(dde::largest_datagram);
    EXPECT_TRUE((*carrier)->send(large, {}, Wait::no));
    for (int i = 0; i < 2; ++i) (*dde::Pump::get())->call([] { return 0; });  // it was posted, as much as may be
    child.line().tell();
    ASSERT_EQ(child.line().hear(), '.');
    std::array<std::byte, 100> buffer{};
    HandleList handles;
    EXPECT_EQ((*carrier)->receive(buffer, handles, Wait::yes).error(), Error::truncated);
  }
  settle();
  EXPECT_EQ(dde::global_memory_held(), 0u);
  EXPECT_EQ(references_at_the_end(), 1u) << "the client's own, which came back with the answer to its ADVISE";
}

}  // namespace
}  // namespace penstock::transport
