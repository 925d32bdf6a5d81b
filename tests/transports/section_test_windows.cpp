// Memory that a peer was given for reading: it has the handle, and all rights of its user, which may be ours.
#include <gtest/gtest.h>
#include <windows.h>

#include "transports/memory_segment.hpp"
#include "transports/os_calls_windows.hpp"
#include "transports/sealed_buffer.hpp"
#include "transports/section_windows.hpp"

namespace penstock::transport {
namespace {

/// What Windows says to a duplicate with these rights; 0 where it was made.
DWORD ask_for(const Handle& handle, DWORD rights) {
  HANDLE more = nullptr;
  const auto own = ::GetCurrentProcess();
  if (::DuplicateHandle(own, handle.get(), own, &more, rights, FALSE, 0) == 0) return ::GetLastError();
  ::CloseHandle(more);
  return 0;
}

void expect_for_reading_alone(const Handle& handle) {
  EXPECT_EQ(ask_for(handle, SECTION_MAP_READ), 0u);
  EXPECT_EQ(ask_for(handle, SECTION_MAP_WRITE), DWORD{ERROR_ACCESS_DENIED});
  EXPECT_EQ(ask_for(handle, SECTION_ALL_ACCESS), DWORD{ERROR_ACCESS_DENIED});
  // Wine knows no owner's rights, and lets each owner change the descriptor.
  if (!is_wine()) {
    EXPECT_EQ(ask_for(handle, WRITE_DAC), DWORD{ERROR_ACCESS_DENIED});
  }
  EXPECT_EQ(::MapViewOfFile(handle.get(), FILE_MAP_WRITE, 0, 0, 0), nullptr);
}

TEST(Section, Atk15AHandleForReadingGetsNoMoreRights) {
  const auto segment = make_segment(65536);
  ASSERT_TRUE(segment);
  expect_for_reading_alone(segment->for_peer);
  auto memory = make_memory(65536);
  ASSERT_TRUE(memory);
  const auto sealed = seal_memory(std::move(*memory));
  ASSERT_TRUE(sealed);
  expect_for_reading_alone(*sealed);
}

TEST(Section, ItsMakerHasAllRightsAndWhatItAskedFor) {
  const auto section = make_section(8192);
  ASSERT_TRUE(section);
  auto* const at = static_cast<char*>(::MapViewOfFile(section->get(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 8192));
  ASSERT_NE(at, nullptr);
  at[8191] = 1;
  EXPECT_EQ(::UnmapViewOfFile(at), TRUE);
  EXPECT_FALSE(make_section(0)) << "nothing is no memory";
}

}  // namespace
}  // namespace penstock::transport
