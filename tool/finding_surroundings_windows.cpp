// What else decides how much an identity says: session, token, signatures. Sources: "Session 0 Isolation", "Mandatory Integrity
// Control", WinVerifyTrust, "Process Security and Access Rights".
#include <windows.h>

#include <fmt/format.h>

#include "penstock/identity.hpp"
#include "tool/finding.hpp"

namespace penstock::tool {
namespace {

Finding session(const PeerIdentity& self) {
  Finding finding{"session", "the session of this process", State::proven, {}, {}, {}};
  const auto number = self.login_session.value_or(0);
  finding.found = fmt::format("session {}", number);
  if (number != 0) return finding;
  finding.state = State::note;
  finding.found += ", where services run and no desktop is";
  finding.meaning =
      "Every program of a desktop is in another session: a rule admits it only with other_sessions = true, or login_session.";
  return finding;
}

Finding integrity(const PeerIdentity& self) {
  Finding finding{"integrity", "the integrity level of this process", State::proven, {}, {}, {}};
  if (!self.token) return finding;
  finding.found = fmt::format("{}{}{}", to_string(self.token->integrity), self.token->elevated ? ", elevated" : ", not elevated",
                              self.token->app_container ? ", in an AppContainer" : "");
  if (self.token->elevated || self.token->integrity >= Integrity::high) {
    finding.state = State::note;
    finding.meaning =
        "Programs of this user that are not elevated cannot open this process or its pipes' names for writing beyond what a listener "
        "grants; a rule that is to tell them apart says elevated or min_integrity.";
  }
  return finding;
}

Finding signatures(const PeerIdentity& self) {
  Finding finding{"signatures", "who signed a peer's program (WinVerifyTrust)", State::proven, {}, {}, {}};
  const auto verdict = self.executable_signed();
  if (verdict) {
    finding.found = *verdict ? "it judges; this program is signed" : "it judges; this program is not signed";
    return finding;
  }
  finding.state = State::lacking;
  finding.found = std::string(verdict.error().sentence());
  finding.meaning = "Rules with executable_signed match nobody.";
  finding.remedy = "Leave executable_signed out of rules on this machine, and name programs by executable_sha256.";
  return finding;
}

Finding debugging() {
  Finding finding{"debugging", "memory that other programs of this user cannot read", State::note, {}, {}, {}};
  finding.found = "Windows lets a program open any other of the same user and integrity level";
  finding.meaning =
      "So it can take that one's keys and its place: a rule that names a program holds against other users and lower integrity "
      "levels, not against this user's own programs of the same level. Where it matters: another account, or an AppContainer.";
  return finding;
}

}  // namespace

void examine_surroundings(std::vector<Finding>& findings) {
  const auto self = own_identity();
  if (!self) {
    findings.push_back({"own-identity", "what this process is", State::lacking, std::string(self.error().sentence()),
                        "No channel can be made: each is bound to both processes.", "Run where this process may open its own token."});
    return;
  }
  findings.push_back({"own-identity", "what this process is", State::proven, self->describe(), {}, {}});
  findings.push_back(session(*self));
  findings.push_back(integrity(*self));
  findings.push_back(signatures(*self));
  findings.push_back(debugging());
}

}  // namespace penstock::tool
