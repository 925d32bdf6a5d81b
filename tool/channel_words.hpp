// The options that serve, connect and call share: where, whom to trust, where to write it down.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "penstock/endpoint.hpp"
#include "penstock/options.hpp"

namespace penstock::tool {

struct ChannelWords {
  std::string name;
  std::string scope = "user";
  std::string directory;
  std::string policy;
  std::string keys;
  std::string audit;
  bool shared_memory = false;
};

void add_channel_options(CLI::App& command, ChannelWords& words);

/// Checked and opened.
struct ChannelSetup {
  Endpoint endpoint;
  Policy policy;
  std::shared_ptr<const StaticKeys> keys;
  std::shared_ptr<AuditSink> audit;
  bool shared_memory = false;
};

/// Reads policy and keys and opens the audit file; says on standard error when there is no policy, and who is admitted
/// then. Every failure has its sentence.
[[nodiscard]] result<ChannelSetup> open_setup(const ChannelWords& words);

/// For connect and call. Trust is static_key where keys were given, else os_identity: one pattern, no second try.
[[nodiscard]] ConnectOptions connect_options(const ChannelSetup& setup);

/// What both ends of a bridge are made with. The reader of a stream may pause for as long as it likes, as that of a
/// pipe may (a pager, a stopped job), and what waits for it grows old: records may be a day old here, not a minute.
[[nodiscard]] ChannelOptions bridge_options();

/// As complain(failure), for a connection that became no channel: where the listener ended it without a word, it
/// refused.
[[nodiscard]] int complain_no_channel(const Failure& failure);

/// "5s", "250ms", "2m" or a plain number of seconds; at most a day. invalid_argument.
[[nodiscard]] result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace penstock::tool
