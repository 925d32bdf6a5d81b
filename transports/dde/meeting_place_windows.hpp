// A name of DDE, and what either end of it needs before it has a window.
#pragma once

#include <memory>
#include <string>

#include "penstock/endpoint.hpp"
#include "penstock/handle.hpp"
#include "penstock/identity.hpp"
#include "transports/dde/link_windows.hpp"

namespace penstock::transport::dde {

inline constexpr const wchar_t* application_name = L"penstock";
/// The topic of an endpoint: its pipe's name without the root that all have. invalid_argument, with a sentence, above 237 characters.
[[nodiscard]] result<std::wstring> topic_of(const Endpoint& endpoint);

struct MeetingPlace {
  std::wstring application_text, topic_text;
  Atom application, topic;
  std::shared_ptr<const SharedNames> names;
  std::shared_ptr<const PeerIdentity> self;
  std::shared_ptr<Pump> pump;

  /// invalid_argument, peer_unidentified, resource_exhausted, io_error.
  [[nodiscard]] static result<MeetingPlace> of(std::wstring application, std::wstring topic);
  /// That, and topic_of()'s errors.
  [[nodiscard]] static result<MeetingPlace> of(const Endpoint& endpoint);

  /// For who is about to listen there: of any number of processes that start at once one has the name (ATK-01), until the handle closes or
  /// the process ends. A broadcast cannot decide that: two that ask at once hear nothing from each other. Who has not claimed it may still
  /// answer for it; that is what the broadcast is for. name_in_use, io_error. Source: CreateMutexW.
  [[nodiscard]] result<Handle> claim() const;
  /// The kernel object's (docs/PROTOCOL.md, PS-DDE-02).
  [[nodiscard]] std::wstring claim_name() const;
};

}  // namespace penstock::transport::dde
