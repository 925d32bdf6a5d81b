// Proofs as values. Each can only be made by the function that verifies, is used up by a move, and a Session cannot be
// built without both. A boolean could be forgotten; a missing argument does not compile.
#pragma once

#include <utility>

#include "penstock/policy.hpp"

namespace penstock::protocol {

/// "The operating system named this peer, it is alive, runs the program it ran before, and this rule admits it."
class PeerVerified {
 public:
  /// Asks policy, then whether the process is still there and still the same program: in that order, since an answer about
  /// a process that has gone in the meantime is worth nothing (ATK-05, ATK-06).
  [[nodiscard]] static result<PeerVerified> verify(const Policy& policy, const Subject& subject, Binding binding);

  PeerVerified(PeerVerified&&) noexcept = default;
  PeerVerified& operator=(PeerVerified&&) noexcept = default;
  PeerVerified(const PeerVerified&) = delete;
  PeerVerified& operator=(const PeerVerified&) = delete;

  [[nodiscard]] const Admission& admission() const noexcept { return admission_; }

 private:
  explicit PeerVerified(Admission admission) : admission_(std::move(admission)) {}
  Admission admission_;
};

/// "The peer's confirm record opened under the new keys: it saw the same handshake, prologue and all."
class TranscriptConfirmed {
 public:
  TranscriptConfirmed(TranscriptConfirmed&&) noexcept = default;
  TranscriptConfirmed& operator=(TranscriptConfirmed&&) noexcept = default;
  TranscriptConfirmed(const TranscriptConfirmed&) = delete;
  TranscriptConfirmed& operator=(const TranscriptConfirmed&) = delete;

 private:
  friend class Handshake;  // which opens the record
  TranscriptConfirmed() = default;
};

}  // namespace penstock::protocol
