// A listener whose handshakes are driven only when the test says so.
#pragma once

#include <boost/asio/io_context.hpp>

#include "protocol/connect.hpp"
#include "protocol/handshake_driver.hpp"
#include "tests/channel/pair.hpp"
#include "transports/pipe.hpp"

namespace penstock::test {

using protocol::HandshakeDriver;

inline transport::Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

struct Accepting {
  explicit Accepting(const TempDirectory& directory, Policy policy = own_policy()) {
    auto opened = transport::PipeListener::open(endpoint_in(directory), 16);
    EXPECT_TRUE(opened) << opened.error().sentence();
    pipe = std::move(*opened);
    EXPECT_TRUE(pipe->attach(context.get_executor()));
    name = endpoint_in(directory).name();
    inputs = std::make_shared<protocol::HandshakeInputs>();
    inputs->policy = std::move(policy);
    inputs->channel = std::make_shared<const protocol::ChannelSettings>(ChannelOptions(), audit, name);
  }
  std::unique_ptr<HandshakeDriver> accept() {
    for (;;) {
      auto carrier = pipe->accept();
      if (!carrier && carrier.error() == Error::would_block) {
        pipe->async_wait([](boost::system::error_code) {});
        context.restart();
        context.run_one();
        continue;
      }
      if (!carrier) {
        ADD_FAILURE() << carrier.error().sentence();
        return nullptr;
      }
      (*carrier)->detach();  // run() waits without an executor
      protocol::HandshakeContext handshake;
      handshake.endpoint = {Scope::user, name};
      auto driver = HandshakeDriver::make(std::move(*carrier), inputs, std::move(handshake));
      return driver ? std::move(*driver) : nullptr;
    }
  }
  boost::asio::io_context context;
  std::string name;
  std::shared_ptr<RecordingAudit> audit = std::make_shared<RecordingAudit>();
  std::unique_ptr<transport::PipeListener> pipe;
  std::shared_ptr<protocol::HandshakeInputs> inputs;
};

}  // namespace penstock::test
