// penstock serve
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <set>

#include "penstock/listener.hpp"
#include "tool/channel_words.hpp"
#include "tool/command.hpp"
#include "tool/end_requests.hpp"
#include "tool/ready_line.hpp"
#include "tool/served_peer.hpp"

namespace penstock::tool {
namespace {

struct Words {
  ChannelWords channel;
  std::vector<std::string> environment_names;
  std::size_t max_peers = 64;
  std::size_t max_peers_per_user = 16;
  std::string grace = "5s";
  std::int64_t ready_fd = -1;
};

class Server {
 public:
  Server(asio::io_context& loop, EndRequests& requests, Listener listener, ServePlan plan, std::size_t max_peers)
      : loop_(loop),
        listener_(std::move(listener)),
        plan_(std::move(plan)),
        max_peers_(max_peers),
        room_(loop.get_executor()),
        requests_(requests) {}

  void run() {
    asio::co_spawn(loop_, accept_all(), asio::detached);
    wait_for_request();
    loop_.run();
  }

 private:
  asio::awaitable<void> accept_all() {
    for (;;) {
      // A program may outlive its channel for a moment; places are counted by programs.
      co_await room_.until([this] { return peers_.size() < max_peers_ || stopping_; });
      auto [error, channel] = co_await listener_.async_accept(asio::as_tuple(asio::use_awaitable));
      if (error) break;
      auto peer = ServedPeer::start(std::move(channel), plan_);
      if (!peer) {
        complain(peer.error().sentence());
        continue;
      }
      peers_.insert(*peer);
      asio::co_spawn(loop_, serve(*peer), asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<ServedPeer> peer) {
    co_await peer->run();
    peers_.erase(peer);
    room_.changed();
    if (stopping_ && peers_.empty()) requests_.cancel();
  }

  // The first one is a request, the second one an order.
  void wait_for_request() {
    requests_.async_wait([this] {
      stopping_ = true;
      listener_.close();
      room_.changed();
      for (const auto& peer : peers_) peer->stop();
      if (!peers_.empty()) wait_for_request();
    });
  }

  asio::io_context& loop_;
  Listener listener_;
  ServePlan plan_;
  std::size_t max_peers_;
  std::set<std::shared_ptr<ServedPeer>> peers_;
  Condition room_;
  EndRequests& requests_;
  bool stopping_ = false;
};

result<ServePlan> make_plan(const Words& words, const std::vector<std::string>& program) {
  ServePlan plan;
  auto path = find_program(program.front());
  if (!path) return path.error();
  const auto grace = parse_duration(words.grace);
  if (!grace) return grace.error();
  plan.program = std::move(*path);
  plan.arguments.assign(program.begin() + 1, program.end());
  plan.environment_names = words.environment_names;
  plan.grace = *grace;
  return plan;
}

int run(const Words& words, const Chosen& chosen) {
  if (chosen.program.empty()) {
    return complain(Exit::usage,
                    "what should serve? write it after two dashes: penstock serve NAME -- PROGRAM ARGS...");
  }
  auto plan = make_plan(words, chosen.program);
  // A program that is not there is no peer that is not there: nothing starts.
  if (!plan)
    return complain(plan.error() == Error::invalid_argument ? Exit::usage : Exit::cannot_start,
                    plan.error().sentence());
  auto setup = open_setup(words.channel);
  if (!setup) return complain(setup.error());
  plan->endpoint = setup->endpoint.name();

  ListenOptions options;
  options.policy = setup->policy;
  options.keys = setup->keys;
  options.audit = setup->audit;
  options.allow_shared_memory = setup->shared_memory;
  options.channel = bridge_options();
  options.limits.channels = words.max_peers;
  options.limits.channels_per_identity = words.max_peers_per_user;
  asio::io_context loop(1);
  // Before there is a name and a line `ready`: from then on a signal must not end us without the peers' last word.
  EndRequests requests(loop.get_executor());
  auto listener = Listener::open(loop.get_executor(), setup->endpoint, std::move(options));
  if (!listener) return complain(listener.error());
  remark("listening at " + setup->endpoint.describe());
  if (words.ready_fd >= 0) {
    if (!say_ready(words.ready_fd)) return complain(Exit::usage, "--ready-fd takes nothing; name an open descriptor");
  }
  Server(loop, requests, std::move(*listener), std::move(*plan), words.max_peers).run();
  return done;
}

}  // namespace

void add_serve(CLI::App& app, Chosen& chosen) {
  auto* command = add_command(
      app, "serve", group_channels, "Let a program that speaks stdin and stdout serve the peers that a policy admits",
      "NAME [OPTIONS] -- PROGRAM ARGS...",
      "One process of PROGRAM serves each peer. Its environment says who was proven to be at the other end: "
      "PENSTOCK_PEER_PID,\n"
      "_UID, _GID, _GROUPS, _STRENGTH, _EXECUTABLE, _RULE, _TRUST, _KEY, _TRANSCRIPT and more (docs/COMMAND.md). It "
      "inherits\n"
      "standard input, output and error, PATH and what else programs need of our environment, and nothing more.\n"
      "SIGTERM, SIGINT or Ctrl-C ends it: PROGRAM is asked to end, peers get its last output and exit status.\n"
      "Example:\n  penstock serve notes --policy notes.toml -- tee -a notes.txt\n");
  auto words = std::make_shared<Words>();
  add_channel_options(*command, words->channel);
  command->add_option("--env", words->environment_names, "Hand this variable of our environment on; may be repeated")
      ->type_name("NAME");
  command->add_option("--max-peers", words->max_peers, "At most so many at once (64)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--max-peers-per-user", words->max_peers_per_user, "Of them, so many of one user (16)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--grace", words->grace, "How long PROGRAM has once asked to end, before it is ended (5s)")
      ->type_name("TIME");
  command->add_option("--ready-fd", words->ready_fd, "Write a line to this descriptor when listening, then close it")
      ->type_name("N");
  command->callback([&chosen, words] { chosen.action = [words, &chosen] { return run(*words, chosen); }; });
}

}  // namespace penstock::tool
