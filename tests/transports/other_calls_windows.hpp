// The seam to Windows with single answers changed: what Wine cannot do, and what no Windows does on demand.
#pragma once

#include <functional>

#include "transports/os_calls_windows.hpp"

namespace penstock::transport::testing {

/// Answers as Windows does, unless an answer is put in its place. In place of the real one while it lives; one at a time.
class OtherCalls : public OsCalls {
 public:
  OtherCalls() { exchange_os_calls(this); }
  ~OtherCalls() override { exchange_os_calls(nullptr); }
  OtherCalls(const OtherCalls&) = delete;
  OtherCalls& operator=(const OtherCalls&) = delete;

  std::optional<result<std::uint32_t>> client, server, in_client_session, in_server_session;
  std::function<result<std::uint32_t>(native_handle window)> of_window;
  std::optional<bool> local;
  std::optional<PipeAccess> the_access;
  std::optional<Error> open_error, token_error;
  std::optional<unsigned long> impersonate_number, thread_token_number;  ///< what Windows answers instead of 0
  std::optional<std::uint64_t> created;
  std::function<bool()> is_alive;
  std::function<std::uint64_t()> time;
  std::function<Handle(std::uint32_t pid)> for_handles;
  std::function<void(std::uint32_t pid, Token&)> change_process_token;
  std::function<void(ClientToken&)> change_client_token;
  std::optional<bool> reverts;
  std::optional<bool> may_put_into;  ///< false: no right to put handles into anybody
  int reverted = 0;
  int ended = 0;

  result<std::uint32_t> client_process(native_handle pipe) override { return client ? *client : real_os_calls().client_process(pipe); }
  result<std::uint32_t> server_process(native_handle pipe) override { return server ? *server : real_os_calls().server_process(pipe); }
  result<std::uint32_t> client_session(native_handle pipe) override {
    return in_client_session ? *in_client_session : real_os_calls().client_session(pipe);
  }
  result<std::uint32_t> server_session(native_handle pipe) override {
    return in_server_session ? *in_server_session : real_os_calls().server_session(pipe);
  }
  result<bool> client_is_local(native_handle pipe) override { return local ? result<bool>(*local) : real_os_calls().client_is_local(pipe); }
  result<PipeAccess> access(native_handle pipe) override { return the_access ? result<PipeAccess>(*the_access) : real_os_calls().access(pipe); }

  result<std::uint32_t> window_process(native_handle window) override {
    return of_window ? of_window(window) : real_os_calls().window_process(window);
  }

  result<Handle> open_process(std::uint32_t pid) override { return open_error ? result<Handle>(*open_error) : real_os_calls().open_process(pid); }
  result<Handle> open_self() override { return real_os_calls().open_self(); }
  Handle open_for_handles(std::uint32_t pid) override {
    if (for_handles) return for_handles(pid);
    return may_put_into.value_or(true) ? real_os_calls().open_for_handles(pid) : Handle();
  }
  std::uint32_t process_id(native_handle process) override { return real_os_calls().process_id(process); }
  result<std::uint64_t> creation_time(native_handle process) override {
    return created ? result<std::uint64_t>(*created) : real_os_calls().creation_time(process);
  }
  std::uint64_t now() override { return time ? time() : real_os_calls().now(); }
  bool alive(native_handle process) override { return is_alive ? is_alive() : real_os_calls().alive(process); }
  std::optional<Executable> executable(native_handle process) override { return real_os_calls().executable(process); }
  result<Token> process_token(native_handle process) override {
    if (token_error) return *token_error;
    auto token = real_os_calls().process_token(process);
    if (token && change_process_token) change_process_token(process_id(process), *token);
    return token;
  }

  unsigned long impersonate(native_handle pipe) noexcept override {
    return impersonate_number ? *impersonate_number : real_os_calls().impersonate(pipe);
  }
  unsigned long open_thread_token(Handle& token) noexcept override {
    return thread_token_number ? *thread_token_number : real_os_calls().open_thread_token(token);
  }
  bool revert() noexcept override {
    ++reverted;
    const bool done = real_os_calls().revert();
    return reverts.value_or(done);
  }
  result<ClientToken> client_token(native_handle handle) override {
    auto token = real_os_calls().client_token(handle);
    if (token && change_client_token) change_client_token(*token);
    return token;
  }
  void end_process() noexcept override { ++ended; }
};

}  // namespace penstock::transport::testing
