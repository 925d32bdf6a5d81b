// What this program needs of each platform, besides the vault's own way to open files.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <penstock/handle.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace file_broker {

/// The arguments without the program's name. UTF-8. Afterwards standard output and error take bytes as they are.
[[nodiscard]] std::vector<std::string> arguments_of(int count, char** arguments);

/// Standard error, borrowed.
[[nodiscard]] penstock::native_handle standard_error() noexcept;

/// Copies an open file to standard output. False when the one cannot be read or the other takes no more.
[[nodiscard]] bool copy_out(const penstock::Handle& file);

/// Calls `then` once, on `loop`, when this process is asked to end: Linux SIGTERM or SIGINT; Windows Ctrl-C or Ctrl-Break, and
/// with `how` = "with-input" the end of standard input, for parents that have no console.
class EndRequest {
 public:
  EndRequest(boost::asio::io_context& loop, std::string_view how, std::function<void()> then);
  ~EndRequest();
  EndRequest(const EndRequest&) = delete;
  EndRequest& operator=(const EndRequest&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace file_broker
