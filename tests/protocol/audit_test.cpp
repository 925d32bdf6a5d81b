// The line of an audit event: its fields, and that nothing a peer chose can break it.
#include "penstock/audit.hpp"

#include <nlohmann/json.hpp>

#include "protocol/closed_table.hpp"
#include "tests/protocol/policy_testing.hpp"

namespace penstock {
namespace {

using nlohmann::ordered_json;

// A user as JSON has it: a number, where users are numbers, else text.
std::string user(unsigned number) {
  return test::test_user_toml(number);
}

constexpr std::int64_t moment = 1700000000123456;

ordered_json parsed(const std::string& line) {
  // Exactly one line, and nothing but JSON on it.
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  auto json = ordered_json::parse(line, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << line;
  return json;
}

PeerIdentity full_peer() {
  auto peer = test::pinned_test_peer(1000);
  peer.process_key = 18446744073709551615u;
  peer.groups = {test::test_user(24), test::test_user(27)};
  peer.executable.emplace();
  peer.executable->path = "/usr/bin/app";
  peer.executable->device = 66305;
  peer.executable->inode = 9007199254740993;
  peer.executable->fs_verity_sha256 = std::string(64, 'f');
  peer.label = "unconfined";
  peer.login_session = 3;
  peer.login_uid = 1000;
  peer.cgroup = "/user.slice/app.scope";
  return peer;
}

TEST(Audit, EveryFieldIsThereInItsOrder) {
  const auto peer = full_peer();
  const auto key = test::key_of(0x11);
  Rule rule;
  rule.name = "desktop app";
  const Admission admission(std::make_shared<const Rule>(rule));
  const Trust trust = Trust::static_key;
  const byte_array<4> transcript{std::byte{0}, std::byte{1}, std::byte{0xab}, std::byte{0xff}};
  AuditEvent event;
  event.kind = AuditKind::channel_closed;
  event.role = "listener";
  event.endpoint = "user:broker";
  event.carrier = "pipe";
  event.reason = Error::record_forged;
  event.detail = "what is wrong";
  event.peer = &peer;
  event.peer_key = &key;
  event.admission = &admission;
  event.trust = &trust;
  event.suite = "25519_AESGCM_SHA256";
  event.transcript = transcript;
  event.operation = "open";
  event.records_sent = 1;
  event.records_received = 2;
  event.bytes_sent = 3;
  event.bytes_received = 4;
  EXPECT_EQ(
      audit_json(event, moment, 12),
      "{\"number\":12,\"time\":\"2023-11-14T22:13:20.123456Z\",\"kind\":\"channel_closed\",\"role\":\"listener\","
      "\"endpoint\":\"user:broker\",\"carrier\":\"pipe\",\"reason\":\"record_forged\",\"detail\":\"what is wrong\","
      "\"peer\":{\"strength\":\"pinned\",\"pid\":4711,\"process_key\":\"18446744073709551615\",\"uid\":" +
          user(1000) + ",\"gid\":" + user(1000) + ",\"groups\":[" + user(24) + "," + user(27) +
          "],"
          "\"executable\":{\"path\":\"/usr/bin/"
          "app\",\"device\":\"66305\",\"inode\":\"9007199254740993\","
          "\"fs_verity_sha256\":\"" +
          std::string(64, 'f') +
          "\"},\"label\":\"unconfined\",\"login_session\":3,"
          "\"login_uid\":1000,\"cgroup\":\"/user.slice/app.scope\"},\"peer_key\":\"" +
          key.to_hex() +
          "\","
          "\"rule\":\"desktop app\",\"binding\":\"process\",\"trust\":\"static-key\",\"suite\":\"25519_AESGCM_SHA256\","
          "\"transcript\":\"0001abff\",\"operation\":\"open\",\"records_sent\":1,\"records_received\":2,\"bytes_sent\":"
          "3,"
          "\"bytes_received\":4}\n");
}

TEST(Audit, WhatIsNotKnownIsLeftOut) {
  AuditEvent event;
  event.kind = AuditKind::listener_stopped;
  EXPECT_EQ(audit_json(event, 0, 1),
            "{\"number\":1,\"time\":\"1970-01-01T00:00:00.000000Z\",\"kind\":\"listener_stopped\"}\n");
  PeerIdentity peer;
  event.peer = &peer;
  const bool numbers = user(0) == "0";
  const auto nobody = numbers ? to_text(peer.uid) : '"' + to_text(peer.uid) + '"';
  EXPECT_EQ(parsed(audit_json(event, 0, 1))["peer"].dump(),
            "{\"strength\":\"claimed\",\"pid\":0,\"uid\":" + nobody + ",\"gid\":" + nobody + ",\"groups\":[]}");
}

TEST(Audit, EveryKindHasItsName) {
  for (const auto kind :
       {AuditKind::listener_started, AuditKind::listener_refused, AuditKind::peer_admitted, AuditKind::peer_refused,
        AuditKind::channel_closed, AuditKind::operation_refused,
        AuditKind::listener_stopped, AuditKind::operation_forwarded}) {
    AuditEvent event;
    event.kind = kind;
    const auto json = parsed(audit_json(event, moment, 1));
    EXPECT_EQ(json["kind"], to_string(kind));
    EXPECT_NE(json["kind"], "unknown");
    // Traffic is counted where a channel ends, and nowhere else.
    EXPECT_EQ(json.contains("bytes_sent"), kind == AuditKind::channel_closed);
  }
}

TEST(Audit, TimesThatNoYearOfFourDigitsHoldsAreShownAsTheNearest) {
  const AuditEvent event;
  EXPECT_EQ(parsed(audit_json(event, 951782399999999, 1))["time"], "2000-02-28T23:59:59.999999Z");
  EXPECT_EQ(parsed(audit_json(event, 951782400000000, 1))["time"], "2000-02-29T00:00:00.000000Z");
  EXPECT_EQ(parsed(audit_json(event, -1, 1))["time"], "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(parsed(audit_json(event, std::numeric_limits<std::int64_t>::max(), 1))["time"],
            "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(parsed(audit_json(event, std::numeric_limits<std::int64_t>::min(), 1))["time"],
            "1970-01-01T00:00:00.000000Z");
}

TEST(Audit, TextOfAPeersChoosingStaysInsideItsString) {
  const struct {
    std::string text;
    std::string shown;  // what a reader of the JSON sees
  } rows[] = {
      {"/tmp/a\"b", "/tmp/a\"b"},
      {"/tmp/a\nb\r\t", "/tmp/a\nb\r\t"},
      {"/tmp/a\\b", "/tmp/a\\x5cb"},
      {"a\",\"kind\":\"peer_admitted", "a\",\"kind\":\"peer_admitted"},
      {std::string("a\0b", 3), std::string("a\0b", 3)},
      {"\x1b[31m\x7f", "\x1b[31m\x7f"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"caf\xc3\xa9", "caf\xc3\xa9"},
      {"cut \xc3", "cut \\xc3"},
      {"over \xc0\xaf \xe0\x80\xaf \xf0\x80\x80\xaf", "over \\xc0\\xaf \\xe0\\x80\\xaf \\xf0\\x80\\x80\\xaf"},
      {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
      {"beyond \xf4\x90\x80\x80 \xf5\x80\x80\x80", "beyond \\xf4\\x90\\x80\\x80 \\xf5\\x80\\x80\\x80"},
      {"\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"},
      {"turned \xe2\x80\xae", "turned \xe2\x80\xae"},
      {"\\xff", "\\x5cxff"},  // not to be taken for a byte
  };
  for (const auto& row : rows) {
    auto peer = full_peer();
    peer.executable->path = row.text;
    peer.label = row.text;
    peer.cgroup = row.text;
    AuditEvent event;
    event.kind = AuditKind::peer_refused;
    event.peer = &peer;
    event.detail = row.text;
    event.endpoint = row.text;
    event.operation = row.text;
    const auto line = audit_json(event, moment, 1);
    const auto json = parsed(line);
    for (const auto& shown : {json["peer"]["executable"]["path"], json["peer"]["label"], json["peer"]["cgroup"],
                              json["detail"], json["endpoint"], json["operation"]}) {
      EXPECT_EQ(shown.get<std::string>(), row.shown);
    }
    EXPECT_EQ(json["kind"], "peer_refused");
    // Nothing on the line acts on a terminal or turns what is read.
    for (const char c : line.substr(0, line.size() - 1)) EXPECT_GE(static_cast<unsigned char>(c), 0x20u) << line;
    EXPECT_EQ(line.find('\x7f'), std::string::npos);
    EXPECT_EQ(line.find("\xe2\x80\xae"), std::string::npos);
  }
}

TEST(Audit, EveryPairOfBytesYieldsOneValidLine) {
  AuditEvent event;
  for (unsigned pair = 0; pair < 65536; ++pair) {
    const char bytes[2] = {static_cast<char>(pair >> 8), static_cast<char>(pair & 0xFF)};
    event.detail = std::string_view(bytes, 2);
    const auto line = audit_json(event, 0, 1);
    ASSERT_EQ(line.find('\n'), line.size() - 1) << pair;
    ASSERT_TRUE(ordered_json::accept(line)) << pair;
  }
}

TEST(Audit, LongTextAndManyGroupsAreCutAndSaySo) {
  auto peer = full_peer();
  peer.executable->path = std::string(5000, 'p');
  peer.groups.resize(65536, test::test_user(7));
  AuditEvent event;
  event.peer = &peer;
  const auto line = audit_json(event, moment, 1);
  EXPECT_LT(line.size(), 6000u);
  const auto json = parsed(line);
  EXPECT_EQ(json["peer"]["executable"]["path"], std::string(4096, 'p') + "…");
  EXPECT_EQ(json["peer"]["groups"].size(), 64u);
  EXPECT_EQ(json["peer"]["groups_left_out"], 65536 - 64);
}

}  // namespace
}  // namespace penstock
