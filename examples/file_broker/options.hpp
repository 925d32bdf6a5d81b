// The command line of both programs in one: `--name VALUE` pairs and a few words.
#pragma once

#include <filesystem>
#include <iostream>
#include <map>
#include <penstock/audit.hpp>
#include <penstock/endpoint.hpp>
#include <penstock/policy.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace file_broker {

/// Exit statuses of this program.
enum Exit : int {
  done = 0,
  helper_said_no = 1,
  wrong_usage = 2,
  no_channel = 3,  ///< nothing was proven, or the name could not be had: the sentence says what
};

struct Options {
  std::map<std::string, std::vector<std::string>, std::less<>> named;
  std::vector<std::string> words;

  [[nodiscard]] static Options read(std::span<const std::string> arguments);
  /// The option's last value, or nothing.
  [[nodiscard]] std::string one(std::string_view name, std::string otherwise = {}) const;
  /// The same as a file's name.
  [[nodiscard]] std::filesystem::path path(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
};

/// --name, --scope and --directory.
[[nodiscard]] penstock::result<penstock::Endpoint> endpoint(const Options& options);
/// --audit FILE, or - for standard error, or none.
[[nodiscard]] penstock::result<std::shared_ptr<penstock::AuditSink>> audit(const Options& options);

/// Says what is wrong and what to do, and hands the exit status on.
inline int complain(const penstock::Failure& failure, Exit status = no_channel) {
  std::cerr << "penstock-file-broker: " << failure.sentence() << '\n';
  return status;
}

}  // namespace file_broker
