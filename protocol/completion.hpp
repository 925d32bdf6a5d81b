// How a Failure is told to a completion handler.
#pragma once

#include "penstock/completion.hpp"
#include "penstock/result.hpp"

namespace penstock::protocol {

/// No failure is the default error_code, which is how Asio spells success.
[[nodiscard]] inline boost::system::error_code to_code(const Failure& failure) noexcept {
  if (failure.code() == Error::none) return {};
  return make_error_code(failure.code());
}

}  // namespace penstock::protocol
