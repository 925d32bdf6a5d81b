// A client that shares no code with the library, in a process of its own, against a listener of the library.
#include <windows.h>

#include <gtest/gtest.h>

#include "penstock/blocking.hpp"
#include "tests/support/endpoints.hpp"
#include "tests/support/users.hpp"
#include "transports/spawn_windows.hpp"

namespace penstock::test {
namespace {

TEST(PlainClient, WrittenFromThePageAloneIsAdmittedAndServed) {
  const TempDirectory directory;
  const auto endpoint = endpoint_in(directory);
  ListenOptions options;
  options.policy = Policy::same_user();
  auto listener = blocking::Listener::open(endpoint, options);
  ASSERT_TRUE(listener) << listener.error().sentence();
  auto client = transport::spawn({PENSTOCK_PLAIN_CLIENT, {endpoint.name()}, {}, {}});
  ASSERT_TRUE(client) << client.error().sentence();
  auto channel = listener->accept(std::chrono::seconds(60));
  ASSERT_TRUE(channel) << channel.error().sentence();
  EXPECT_EQ(channel->peer().pid, client->pid);
  EXPECT_EQ(channel->peer().strength, Strength::pinned);
  EXPECT_EQ(channel->info().admission.binding(), Binding::process);

  std::array<std::byte, 64> buffer;
  const auto message = channel->receive(buffer, std::chrono::seconds(60));
  ASSERT_TRUE(message) << message.error().sentence();
  EXPECT_EQ(as_text(std::span(buffer).first(message->size)), "hello");
  const auto request = channel->receive(buffer, std::chrono::seconds(60));
  ASSERT_TRUE(request) << request.error().sentence();
  EXPECT_EQ(request->operation(), "double");
  ASSERT_EQ(as_text(std::span(buffer).first(request->size)), "abc");
  ASSERT_TRUE(channel->reply(request->request, 7, as_bytes("abcabc")));
  EXPECT_EQ(channel->receive(buffer, std::chrono::seconds(60)).error(), Error::closed_by_peer);
  *channel = blocking::Channel();

  ::WaitForSingleObject(client->process.get(), INFINITE);
  DWORD status = 0;
  ASSERT_NE(::GetExitCodeProcess(client->process.get(), &status), 0);
  EXPECT_EQ(status, 0u) << "the step at which the client failed";
}

}  // namespace
}  // namespace penstock::test
