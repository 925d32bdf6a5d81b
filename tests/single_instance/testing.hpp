// What the tests of the single instance share: a first instance in this process, later ones in real processes.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "penstock/penstock.hpp"
#include "tests/support/child.hpp"
#include "tests/support/temp_directory.hpp"

namespace penstock::test {

/// A name and options that only tests with this directory have. The carrier is PENSTOCK_TEST_DATA_PLANE's.
[[nodiscard]] std::string instance_name(const std::string& directory);
[[nodiscard]] SingleInstanceOptions instance_options(const std::string& directory);

[[nodiscard]] result<SingleInstance> start_instance(asio::io_context& context, const std::string& directory, const Words& words,
                                                    SingleInstanceOptions options);
[[nodiscard]] inline result<SingleInstance> start_instance(asio::io_context& context, const std::string& directory) {
  return start_instance(context, directory, {"first"}, instance_options(directory));
}

/// What a later start tells its parent: an exit status, or
inline constexpr std::uint64_t failed = 1000;      ///< and the Error added
[[nodiscard]] constexpr std::uint64_t error(Error code) { return failed + static_cast<std::uint64_t>(code); }
inline constexpr std::uint64_t became_first = 5000;
inline constexpr std::uint64_t got_start = 6000;   ///< each that it was handed, when it is first
/// Words: directory, options as `key=value` (reach, answer: milliseconds; env: a name; hold: never answer; announce: tell the first instance's pid
/// before anything is sent), `--`, arguments. As first it
/// answers 3, and ends after a start whose last word is `quit`.
extern const Role start_role;
/// start_role's words.
[[nodiscard]] Words later_words(const std::string& directory, const Words& arguments, const Words& options = {});

/// A start in a real process.
class Later {
 public:
  explicit Later(const std::string& directory, const Words& arguments = {"later"}, const Words& options = {})
      : child(start_role, later_words(directory, arguments, options)) {}
  [[nodiscard]] std::uint64_t hear() const { return child.line().hear_number(); }
  Child child;
};

/// The first instance, in this process. Keeps what it is handed.
class First {
 public:
  explicit First(const std::string& directory) : First(instance_options(directory), directory) {}
  First(SingleInstanceOptions options, const std::string& directory) {
    auto started = start_instance(context, directory, {"first"}, std::move(options));
    EXPECT_TRUE(started) << started.error().sentence();
    EXPECT_FALSE(started && started->forwarded());
    if (started) instance.emplace(std::move(*started));
  }
  void keep() {
    instance->serve([this](Start start, Answer answer) {
      starts.push_back(std::move(start));
      answers.push_back(std::move(answer));
    });
  }
  /// Runs until `done`.
  template <class Done>
  void run_until(const Done& done) {
    context.restart();
    while (!done()) {
      if (context.run_one() == 0) {
        ADD_FAILURE() << "nothing is left that could happen";
        return;
      }
    }
  }
  void run_until_started(std::size_t count) {
    run_until([&] { return starts.size() >= count; });
  }
  /// What is posted gets done, and everybody who was answered goes.
  void finish() {
    instance->stop();
    context.restart();
    context.run();
  }

  asio::io_context context{1};
  std::optional<SingleInstance> instance;
  std::vector<Start> starts;
  std::vector<Answer> answers;
};

}  // namespace penstock::test
