// penstock connect
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "penstock/connect.hpp"
#include "tool/channel_words.hpp"
#include "tool/command.hpp"
#include "tool/connected_peer.hpp"
#include "tool/peer_environment.hpp"
#include "tool/progress.hpp"

namespace penstock::tool {
namespace {

struct Words {
  ChannelWords channel;
  std::vector<std::string> environment_names;
  std::string deadline = "5s";
};

result<std::unique_ptr<Program>> start_program(const Channel& channel, const ChannelSetup& setup, const Words& words,
                                               const std::vector<std::string>& program) {
  if (program.empty()) return std::unique_ptr<Program>();
  SpawnSpec spec;
  spec.program = program.front();
  spec.arguments.assign(program.begin() + 1, program.end());
  spec.environment = peer_environment(channel, setup.endpoint.name(), words.environment_names);
  return Program::start(channel.get_executor(), std::move(spec));
}

asio::awaitable<int> bridge(asio::any_io_executor executor, const Words& words, const ChannelSetup& setup,
                            ConnectOptions options, const std::vector<std::string>& program) {
  std::optional<Waiting> waiting(setup.endpoint.describe());
  auto [error, channel] =
      co_await async_connect(executor, setup.endpoint, std::move(options), asio::as_tuple(asio::use_awaitable));
  waiting.reset();
  if (error) co_return complain_no_channel(channel.close_reason());
  auto started = start_program(channel, setup, words, program);
  if (!started) co_return complain(Exit::cannot_start, started.error().sentence());
  ConnectedPeer peer(std::move(channel), std::move(*started));
  co_return co_await peer.run();
}

int run(const Words& words, const Chosen& chosen) {
  if (chosen.has_program && chosen.program.empty()) {
    return complain(Exit::usage,
                    "a program is missing after the two dashes; leave them out to use standard input and output");
  }
  if (!chosen.program.empty()) {
    if (auto found = find_program(chosen.program.front()); !found)
      return complain(Exit::cannot_start, found.error().sentence());
  }
  const auto deadline = parse_duration(words.deadline);
  if (!deadline) return complain(deadline.error());
  const auto setup = open_setup(words.channel);
  if (!setup) return complain(setup.error());
  auto options = connect_options(*setup);
  options.deadline = *deadline;
  options.channel = bridge_options();

  int exit = static_cast<int>(Exit::internal);
  asio::io_context loop(1);
  asio::co_spawn(loop, bridge(loop.get_executor(), words, *setup, std::move(options), chosen.program),
                 [&](std::exception_ptr failure, int outcome) {
                   if (failure) std::rethrow_exception(failure);
                   exit = outcome;
                 });
  loop.run();
  return exit;
}

}  // namespace

void add_connect(CLI::App& app, Chosen& chosen) {
  auto* command =
      add_command(app, "connect", group_channels, "Connect standard input and output, or a program's, to a listener",
                  "NAME [OPTIONS] [-- PROGRAM ARGS...]",
                  "Exits with the status of the program at the other end; with a PROGRAM of its own, with that one's "
                  "status unless it is\n"
                  "0. PROGRAM is told who is at the other end and inherits what `penstock serve` says.\n"
                  "Example:\n  echo hello | penstock connect notes\n");
  auto words = std::make_shared<Words>();
  add_channel_options(*command, words->channel);
  command->add_option("--env", words->environment_names, "Hand this variable of our environment on; may be repeated")
      ->type_name("NAME");
  command->add_option("--deadline", words->deadline, "How long proving both ends may take (5s)")->type_name("TIME");
  command->callback([&chosen, words] { chosen.action = [words, &chosen] { return run(*words, chosen); }; });
}

}  // namespace penstock::tool
