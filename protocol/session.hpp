// What a finished handshake leaves: two directions of records and what both ends have proven.
#pragma once

#include "penstock/channel.hpp"
#include "protocol/proof.hpp"
#include "protocol/record.hpp"

namespace penstock::protocol {

/// What the peer said in its confirm record.
struct PeerParameters {
  std::uint64_t max_message = 0;  ///< bytes it accepts in one message
  std::uint8_t max_handles = 0;   ///< handles it accepts in one message
};

/// Cannot be made without both proofs, which it consumes. Move-only.
class Session {
 public:
  Session(PeerVerified peer, TranscriptConfirmed transcript, Sealer sending, Opener receiving, ChannelInfo facts,
          PeerParameters said)
      : sealer(std::move(sending)),
        opener(std::move(receiving)),
        info(std::move(facts)),
        parameters(said),
        peer_(std::move(peer)),
        transcript_(std::move(transcript)) {
    info.admission = peer_.admission();
  }

  Sealer sealer;
  Opener opener;
  ChannelInfo info;
  PeerParameters parameters;

 private:
  PeerVerified peer_;
  [[maybe_unused]] TranscriptConfirmed transcript_;  // kept because it is the proof; nothing reads it
};

}  // namespace penstock::protocol
