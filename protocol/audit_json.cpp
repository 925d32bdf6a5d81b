// The line of one audit event (docs/AUDIT.md). Written by hand: the fields keep their order, and no byte that a peer
// chose can end a line or a string early.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <type_traits>

#include "penstock/audit.hpp"
#include "protocol/json_text.hpp"

namespace penstock {
namespace {

using protocol::append_json_text;

// A process may be in 65,536 groups; the line stays readable.
constexpr std::size_t most_groups = 64;

/// One JSON object, field by field.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  ~Object() { out_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void text(const char* name, std::string_view value) {
    key(name);
    append_json_text(out_, value);
  }
  void text_unless_empty(const char* name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  template <class Number>
  void number(const char* name, Number value) {
    key(name);
    append(value);
  }
  void user(const char* name, const user_id& value) {
    key(name);
    append(value);
  }
  /// A number as it is; what has only a text form, such as a Windows SID, as text.
  template <class Value>
  void append(const Value& value) {
    if constexpr (std::is_arithmetic_v<Value>) out_ += std::to_string(value);
    else append_json_text(out_, to_text(value));
  }
  /// 64 bits do not fit the double that many readers of JSON make of a number.
  void wide(const char* name, std::uint64_t value) { text(name, std::to_string(value)); }
  void flag(const char* name, bool value) { key(name) += value ? "true" : "false"; }
  std::string& key(const char* name) {
    if (!std::exchange(first_, false)) out_ += ',';
    append_json_text(out_, name);
    return out_ += ':';
  }

 private:
  std::string& out_;
  bool first_ = true;
};

std::string hex(bytes_view bytes) {
  std::string out;
  for (const auto byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", std::to_integer<unsigned>(byte));
  return out;
}

// RFC 3339 in UTC. What no four-digit year can hold is shown as the nearest that one can.
std::string timestamp(std::int64_t unix_microseconds) {
  using namespace std::chrono;
  constexpr std::int64_t end_of_9999 = 253402300799999999;
  const sys_time<microseconds> when{microseconds(std::clamp<std::int64_t>(unix_microseconds, 0, end_of_9999))};
  const auto day = floor<days>(when);
  const year_month_day date{day};
  const hh_mm_ss<microseconds> time{when - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

void write_groups(Object& object, const std::vector<user_id>& groups) {
  auto& out = object.key("groups");
  out += '[';
  const auto shown = std::min(groups.size(), most_groups);
  for (std::size_t at = 0; at < shown; ++at) {
    if (at != 0) out += ',';
    object.append(groups[at]);
  }
  out += ']';
  if (shown < groups.size()) object.number("groups_left_out", groups.size() - shown);
}

void write_executable(Object& object, const Executable& executable) {
  Object inner(object.key("executable"));
  inner.text("path", executable.path);
  inner.wide("device", executable.device);
  inner.wide("inode", executable.inode);
  if (executable.fs_verity_sha256) inner.text("fs_verity_sha256", *executable.fs_verity_sha256);
}

void write_token(Object& object, const TokenFacts& token) {
  object.text("integrity", to_string(token.integrity));
  object.flag("elevated", token.elevated);
  object.flag("restricted", token.restricted);
  if (token.app_container) object.text("app_container", *token.app_container);
  object.wide("logon_id", token.logon_id);
}

void write_peer(Object& object, const PeerIdentity& peer) {
  Object inner(object.key("peer"));
  inner.text("strength", to_string(peer.strength));
  inner.number("pid", peer.pid);
  if (peer.process_key != 0) inner.wide("process_key", peer.process_key);
  inner.user("uid", peer.uid);
  inner.user("gid", peer.gid);
  write_groups(inner, peer.groups);
  if (peer.executable) write_executable(inner, *peer.executable);
  if (peer.label) inner.text("label", *peer.label);
  if (peer.login_session) inner.number("login_session", *peer.login_session);
  if (peer.login_uid) inner.number("login_uid", *peer.login_uid);
  if (peer.cgroup) inner.text("cgroup", *peer.cgroup);
  if (peer.token) write_token(inner, *peer.token);
  if (peer.other_session) inner.flag("other_session", true);
}

void write_event(Object& object, const AuditEvent& event) {
  object.text("kind", to_string(event.kind));
  object.text_unless_empty("role", event.role);
  object.text_unless_empty("endpoint", event.endpoint);
  object.text_unless_empty("carrier", event.carrier);
  if (event.reason != Error::none) object.text("reason", error_name(event.reason));
  object.text_unless_empty("detail", event.detail);
  if (event.peer != nullptr) write_peer(object, *event.peer);
  if (event.peer_key != nullptr) object.text("peer_key", event.peer_key->to_hex());
  if (event.admission != nullptr) {
    object.text("rule", event.admission->rule());
    object.text("binding", to_string(event.admission->binding()));
  }
  if (event.trust != nullptr) object.text("trust", to_string(*event.trust));
  object.text_unless_empty("suite", event.suite);
  if (!event.transcript.empty()) object.text("transcript", hex(event.transcript));
  object.text_unless_empty("operation", event.operation);
  if (event.kind != AuditKind::channel_closed) return;
  object.number("records_sent", event.records_sent);
  object.number("records_received", event.records_received);
  object.number("bytes_sent", event.bytes_sent);
  object.number("bytes_received", event.bytes_received);
}

}  // namespace

const char* to_string(AuditKind kind) noexcept {
  switch (kind) {
    case AuditKind::listener_started:
      return "listener_started";
    case AuditKind::listener_refused:
      return "listener_refused";
    case AuditKind::peer_admitted:
      return "peer_admitted";
    case AuditKind::peer_refused:
      return "peer_refused";
    case AuditKind::channel_closed:
      return "channel_closed";
    case AuditKind::operation_refused:
      return "operation_refused";
    case AuditKind::listener_stopped:
      return "listener_stopped";
    case AuditKind::operation_forwarded:
      return "operation_forwarded";
  }
  return "unknown";
}

std::string audit_json(const AuditEvent& event, std::int64_t unix_microseconds, std::uint64_t number) {
  std::string line;
  {
    Object object(line);
    object.number("number", number);
    object.text("time", timestamp(unix_microseconds));
    write_event(object, event);
  }
  line += '\n';
  return line;
}

}  // namespace penstock
