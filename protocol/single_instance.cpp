// Who is first: connect, else claim the name, else connect to who has claimed it meanwhile.
#include "penstock/single_instance.hpp"

#include <fmt/format.h>

#include <thread>

#include "penstock/blocking.hpp"
#include "protocol/own_start.hpp"
#include "protocol/start_server.hpp"

namespace penstock {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Between rounds without a decision nothing is waited for but time: whoever has the name may not listen yet, or no longer.
constexpr milliseconds longest_pause{16};
constexpr milliseconds longest_pause_of_broadcasts{250};  // each goes to every window of the desktop
// Connections that the first instance ended without a word. More is no instance that dies, but one that refuses.
constexpr int most_endings = 64;
constexpr milliseconds a_day{86'400'000};

result<void> check_options(const SingleInstanceOptions& options) {
  const auto invalid = [](const char* why) { return Failure(Error::invalid_argument, why); };
  if (options.scope != Scope::session && options.scope != Scope::user) {
    return invalid("a single instance is one of a session or of a user: set the scope to session or user");
  }
  for (const auto time : {options.reach_deadline, options.answer_deadline}) {
    if (time < milliseconds(1) || time > a_day) return invalid("reach_deadline and answer_deadline: 1 millisecond to a day");
  }
  if (options.starts_at_once < 1 || options.starts_at_once > 1024) return invalid("starts_at_once: 1 to 1024");
  return {};
}

result<Endpoint> find_endpoint(std::string_view name, const SingleInstanceOptions& options, const PeerIdentity& self) {
  if (options.scope == Scope::user || self.login_session) return Endpoint::make(name, options.scope, options.directory);
  if (options.user_without_session) return Endpoint::make(name, Scope::user, options.directory);
  return Failure(Error::unsupported,
                 "This process belongs to no login session, so there is no instance of its session: start it from a login, or let the "
                 "program use the scope user (user_without_session).");
}

/// Any pinned process of this user with the same rights, that may start and do nothing else. On Windows one user has processes of several:
/// what an elevated one does with a command line is not for the others to say, and what it was told is not for them to hear (ATK-01).
result<Policy> policy_for(const SingleInstanceOptions& options, const PeerIdentity& self) {
  Rule rule;
  rule.name = "single instance";
  rule.users = {self.uid};
  // Over DDE the kernel does not say who is there: it takes a challenge.
  rule.trust = options.data_plane == DataPlane::dde ? Trust::challenge : Trust::os_identity;
  rule.operations = {std::string(protocol::start_operation)};
  if (self.token) {
    rule.min_integrity = self.token->integrity;
    rule.elevated = self.token->elevated;
    rule.app_container = self.token->app_container.value_or("none");
  }
  if (options.same_program) {
    if (!self.executable) return Failure(Error::unsupported, "The file of this program is not known, so same_program cannot be asked for.");
    rule.executable = self.executable->path;
  }
  return Policy::of({std::move(rule)});
}

result<Start> own_start(int argc, const char* const* argv, const SingleInstanceOptions& options, const PeerIdentity& self) {
  Start start;
  start.pid = self.pid;
  auto arguments = protocol::own_arguments(argc, argv);
  if (!arguments) return arguments.error();
  start.arguments = std::move(*arguments);
  auto directory = protocol::own_directory();
  if (!directory) return directory.error();
  start.directory = std::move(*directory);
  for (const auto& name : options.environment) {
    if (name.empty() || name.find('=') != std::string::npos || !protocol::sound_text(name) || start.variable(name)) {
      return Failure(Error::invalid_argument, "SingleInstanceOptions::environment names a variable twice, or one that cannot be.");
    }
    auto value = protocol::own_variable(name);
    if (!value) return value.error();
    if (*value) start.environment.push_back({name, std::move(**value)});
  }
  return start;
}

/// The other end has gone, or never was: whoever has the name then is somebody else.
bool is_ending(Error error) {
  switch (error) {
    case Error::truncated:
    case Error::closed_by_peer:
    case Error::closed:
    case Error::peer_gone:
    case Error::peer_unidentified:  // Windows, of a pipe whose other end has just gone
    case Error::io_error:
      return true;
    default:
      return false;
  }
}

// Who is connected to itself will be so for ever: no long wait for that.
int weight_of(Error ending) {
  return ending == Error::peer_unidentified ? most_endings / 4 : 1;
}

Failure keeps_ending(const Failure& last) {
  return Failure(last.code(), fmt::format("The instance that runs already ends every connection: it may be of another version or use another "
                                          "carrier; end it, and start again. ({})", last.sentence()));
}

/// One start's way to a decision.
class Election {
 public:
  Election(Endpoint endpoint, Policy policy, SingleInstanceOptions options)
      : endpoint_(std::move(endpoint)), options_(std::move(options)), deadline_(steady_clock::now() + options_.reach_deadline) {
    connect_.policy = policy;
    connect_.data_plane = options_.data_plane;
    if (options_.data_plane == DataPlane::dde) connect_.trust = Trust::challenge;
    connect_.audit = options_.audit;
    listen_.policy = std::move(policy);
    listen_.allow_pipe = options_.data_plane == DataPlane::pipe;
    listen_.allow_shared_memory = options_.data_plane == DataPlane::shared_memory;
    listen_.allow_dde = options_.data_plane == DataPlane::dde;
    listen_.audit = options_.audit;
    listen_.limits.half_open = 64;
    // All of them are of one user.
    listen_.limits.half_open_per_identity = listen_.limits.half_open;
    listen_.limits.channels_per_identity = listen_.limits.channels;
    listen_.limits.ready = 16;
    auto& limits = listen_.channel.limits;
    limits.max_message = max_start_bytes;
    limits.inbound_messages = 2;
    limits.inbound_bytes = 2 * max_start_bytes;
    limits.pending_requests = 2;
  }

  /// The first instance's exit status, or the name.
  struct Outcome {
    std::optional<int> status;
    std::optional<Listener> listener;
  };
  [[nodiscard]] result<Outcome> run(const asio::any_io_executor& executor, bytes_view message);

 private:
  [[nodiscard]] result<int> forward(bytes_view message);
  [[nodiscard]] result<void> pause(const Failure& last);

  Endpoint endpoint_;
  SingleInstanceOptions options_;
  steady_clock::time_point deadline_;
  ConnectOptions connect_;
  ListenOptions listen_;
  std::uint64_t taken_by_ = 0;  // the process that was sent this start: it does not get it twice
  int endings_ = 0;
  milliseconds pause_{0};
};

result<Election::Outcome> Election::run(const asio::any_io_executor& executor, bytes_view message) {
  for (;;) {
    const auto status = forward(message);
    if (status) return Outcome{*status, {}};
    const auto why = status.error();
    if (why != Error::not_found && !is_ending(why.code())) return why;
    if (why != Error::not_found && (endings_ += weight_of(why.code())) > most_endings) return keeps_ending(why);
    auto listener = Listener::open(executor, endpoint_, listen_);
    if (listener) return Outcome{{}, std::move(*listener)};
    // Over DDE it asks all windows first, which may be slow.
    const bool later = listener.error() == Error::name_in_use || listener.error() == Error::deadline_exceeded;
    if (!later) return listener.error();
    if (auto may = pause(why); !may) return may.error();
  }
}

result<int> Election::forward(bytes_view message) {
  const auto left = duration_cast<milliseconds>(deadline_ - steady_clock::now());
  connect_.deadline = std::max(left, milliseconds(1));
  auto channel = blocking::connect(endpoint_, connect_);
  if (!channel) {
    // A conversation of DDE has a time of its own, and whoever broadcasts may be slow: that is no reason to give up before ours is over.
    if (channel.error() == Error::deadline_exceeded && steady_clock::now() < deadline_)
      return Failure(Error::truncated, "The instance that runs already was too busy to take a conversation: try again, or end it.");
    if (channel.error() != Error::handshake_timeout) return channel.error();
    return Failure(Error::deadline_exceeded, fmt::format("The instance at {} took the connection and no start: it hangs, or is busy.",
                                                         endpoint_.describe()));
  }
  if (taken_by_ != 0 && channel->peer().process_key == taken_by_) {
    return Failure(Error::cancelled,
                   fmt::format("{} took this start, ended the connection without an answer and runs on: see what it did of it.",
                               channel->peer().describe()));
  }
  if (options_.before_forward) options_.before_forward(channel->peer());
  taken_by_ = channel->peer().process_key;
  std::array<std::byte, 1> body;
  CallOptions call;
  call.deadline = options_.answer_deadline;
  const auto reply = channel->call(protocol::start_operation, message, body, call);
  if (!reply) {
    // However long it had it, whoever comes next has its own time.
    deadline_ = steady_clock::now() + options_.reach_deadline;
    if (reply.error() != Error::deadline_exceeded) return reply.error();
    return Failure(Error::deadline_exceeded, fmt::format("{} took this start and has not answered in time: it hangs, or is busy.",
                                                         channel->peer().describe()));
  }
  return protocol::decode_answer(reply->status, std::span(body).first(reply->size));
}

// Between the claim of a name and listen(2), and between the end of listening and of the claim, there are some system calls. Nothing
// tells when they are over, so both ways are tried again: what decides is the claim, never how long this was.
result<void> Election::pause(const Failure& last) {
  const auto now = steady_clock::now();
  if (now >= deadline_) {
    return Failure(Error::deadline_exceeded,
                   fmt::format("{} is held by a process that takes no start ({}): end it, and start again.", endpoint_.describe(),
                               error_name(last.code())));
  }
  std::this_thread::sleep_for(std::min<steady_clock::duration>(pause_, deadline_ - now));
  const auto longest = options_.data_plane == DataPlane::dde ? longest_pause_of_broadcasts : longest_pause;
  pause_ = std::clamp(2 * pause_, milliseconds(1), longest);
  return {};
}

}  // namespace

result<SingleInstance> SingleInstance::start(asio::any_io_executor executor, std::string_view name, int argc, const char* const* argv,
                                             SingleInstanceOptions options) {
  if (auto sound = check_options(options); !sound) return sound.error();
  const auto self = own_identity();
  if (!self) return self.error();
  auto endpoint = find_endpoint(name, options, *self);
  if (!endpoint) return endpoint.error();
  auto policy = policy_for(options, *self);
  if (!policy) return policy.error();
  auto own = own_start(argc, argv, options, *self);
  if (!own) return own.error();
  const auto message = protocol::encode_start(*own);
  if (!message) return message.error();
  const auto at_once = options.starts_at_once;
  auto variables = options.environment;
  Election election(std::move(*endpoint), std::move(*policy), std::move(options));
  auto outcome = election.run(executor, *message);
  if (!outcome) return outcome.error();
  if (outcome->status) return SingleInstance(std::move(*own), outcome->status, nullptr);
  return SingleInstance(std::move(*own), std::nullopt,
                        std::make_shared<protocol::StartServer>(std::move(*outcome->listener), at_once, std::move(variables)));
}

SingleInstance::SingleInstance(Start own, std::optional<int> forwarded, std::shared_ptr<protocol::StartServer> server) noexcept
    : own_(std::move(own)), forwarded_(forwarded), server_(std::move(server)) {}

SingleInstance::SingleInstance(SingleInstance&&) noexcept = default;

SingleInstance& SingleInstance::operator=(SingleInstance&& other) noexcept {
  if (this == &other) return *this;
  if (server_) server_->close();
  own_ = std::move(other.own_);
  forwarded_ = other.forwarded_;
  server_ = std::move(other.server_);
  return *this;
}

SingleInstance::~SingleInstance() {
  if (server_) server_->close();
}

void SingleInstance::start_serving(Handler handler) {
  if (server_) server_->serve(std::move(handler));
}

void SingleInstance::stop() noexcept {
  if (server_) server_->stop();
}

}  // namespace penstock
