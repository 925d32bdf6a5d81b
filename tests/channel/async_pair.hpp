// A connected pair of Asio channels on one context.
#pragma once

#include <boost/asio/io_context.hpp>

#include "tests/channel/pair.hpp"

namespace penstock::test {

/// Two connected channels on one context, and time enough for any machine.
class AsyncPair {
 public:
  explicit AsyncPair(ListenOptions listen = listen_options(), ConnectOptions connect = connect_options()) {
    auto opened = Listener::open(context.get_executor(), endpoint_in(directory), std::move(listen));
    EXPECT_TRUE(opened) << opened.error().sentence();
    listener.emplace(std::move(*opened));
    listener->async_accept([&](boost::system::error_code ec, Channel channel) {
      EXPECT_FALSE(ec) << ec.message();
      server = std::move(channel);
    });
    async_connect(context.get_executor(), endpoint_in(directory), connect,
                  [&](boost::system::error_code ec, Channel channel) {
                    EXPECT_FALSE(ec) << ec.message() << ": " << channel.close_reason().sentence();
                    client = std::move(channel);
                  });
    run_until([&] { return client.is_open() && server.is_open(); });
  }
  template <class Condition>
  void run_until(const Condition& condition) {
    context.restart();
    // However slow the machine is: it ends when nothing more happens.
    while (!condition() && context.run_one_for(std::chrono::seconds(60)) != 0) {
    }
    EXPECT_TRUE(condition());
  }

  asio::io_context context;
  TempDirectory directory;
  std::optional<Listener> listener;
  Channel client;
  Channel server;
};

}  // namespace penstock::test
