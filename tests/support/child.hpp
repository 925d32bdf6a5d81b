// A real second process: this test program once more, in a role. Two pipes carry single bytes both ways, so that parent and child
// can wait for each other without a clock. Programs that use roles link penstock_test_main.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "penstock/handle.hpp"

namespace penstock::test {

/// One end of the two pipes.
class Line {
 public:
  Line(Handle in, Handle out) noexcept : in_(std::move(in)), out_(std::move(out)) {}
  void tell(char byte = '.') const;
  /// The next byte, or 0 when the other end has gone.
  [[nodiscard]] char hear() const;
  /// Numbers, whole.
  void tell_number(std::uint64_t number) const;
  [[nodiscard]] std::uint64_t hear_number() const;

 private:
  Handle in_;
  Handle out_;
};

/// Of inherited handles; 0 for none.
[[nodiscard]] Line line_of(std::uintptr_t in, std::uintptr_t out);

using Words = std::vector<std::string>;

/// What a second process does: a function with a name of its own, registered before main(). Its answer is the exit status, at most 96.
class Role {
 public:
  using Function = int (*)(const Line& line, const Words& words);
  Role(const char* name, Function function);
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] int run(const Line& line, const Words& words) const { return run_(line, words); }
  /// Null where there is none.
  [[nodiscard]] static const Role* find(const std::string& name);

 private:
  std::string name_;
  Function run_;
};

/// Ends with the parent, and with this object. Linux forks; Windows has no fork and starts the program again.
class Child {
 public:
  explicit Child(const Role& role, const Words& words = {});
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] std::int64_t pid() const noexcept { return pid_; }
  [[nodiscard]] const Line& line() const noexcept { return *line_; }
  /// At once, without a word; wait() then answers `killed`.
  void kill() const;
  /// The exit status. Once.
  [[nodiscard]] int wait();

  static constexpr int killed = 137;

 private:
  std::int64_t pid_ = 0;
  Handle process_;  // Windows
  Handle job_;      // Windows: ends the child with us
  std::unique_ptr<Line> line_;
};

/// This very program, and the arguments with which it takes a role: for who starts it by other means. Handles 0: no line.
[[nodiscard]] std::string own_program();
[[nodiscard]] Words role_arguments(const Role& role, const Words& words, std::uintptr_t in = 0, std::uintptr_t out = 0);
/// If the command line says that this process is a child: runs the role and ends. Called by main() before all else.
void run_role_if_told(int argc, char** argv);

/// This process ends at once, as by kill(): no destructor, no word to anybody.
[[noreturn]] void die();

/// For people and audit events.
[[nodiscard]] std::int64_t own_pid();

}  // namespace penstock::test
