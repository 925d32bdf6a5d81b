// Receives messages of any size that the limits allow into one buffer, which grows to the largest and no further.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <vector>

#include "penstock/channel.hpp"
#include "tool/wrapped.hpp"

namespace penstock::tool {

class MessageReader {
 public:
  struct Arrived {
    boost::system::error_code error;
    Incoming incoming;
    bytes_view body;  ///< valid until the next one
  };
  asio::awaitable<Arrived> next(Channel& channel) {
    for (;;) {
      auto [error, incoming] =
          co_await channel.async_receive(asio::buffer(buffer_), asio::as_tuple(asio::use_awaitable));
      if (error != make_error_code(Error::buffer_too_small)) {
        const auto body = bytes_view(buffer_).first(error ? 0 : incoming.size);
        co_return Arrived{error, std::move(incoming), body};
      }
      buffer_.resize(incoming.size);
    }
  }

 private:
  std::vector<std::byte> buffer_ = std::vector<std::byte>(piece_size);
};

}  // namespace penstock::tool
