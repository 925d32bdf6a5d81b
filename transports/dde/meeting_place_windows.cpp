#include "transports/dde/meeting_place_windows.hpp"

#include <windows.h>

#include <algorithm>

#include "crypto/windows_text.hpp"
#include "transports/identify_windows.hpp"
#include "transports/scope_directory.hpp"

namespace penstock::transport::dde {

result<std::wstring> topic_of(const Endpoint& endpoint) {
  constexpr std::string_view root = R"(\\.\pipe\penstock\)";
  const auto path = endpoint_path(endpoint.directory(), endpoint.name());
  if (!path.starts_with(root)) return Error::invalid_argument;
  auto topic = to_wide(std::string_view(path).substr(root.size()));
  if (!topic) return Error::invalid_argument;
  // A kernel object's name has at most MAX_PATH characters (claim()).
  if (topic->size() > 237)
    return Failure(Error::invalid_argument, "The endpoint's name makes a DDE topic of more than 237 characters: use a shorter one.");
  return *topic;
}

result<MeetingPlace> MeetingPlace::of(const Endpoint& endpoint) {
  auto topic = topic_of(endpoint);
  if (!topic) return topic.error();
  return of(application_name, std::move(*topic));
}

result<MeetingPlace> MeetingPlace::of(std::wstring application, std::wstring topic) {
  auto application_atom = Atom::add(application);
  if (!application_atom) return application_atom.error();
  auto topic_atom = Atom::add(topic);
  if (!topic_atom) return topic_atom.error();
  auto names = SharedNames::make();
  if (!names) return names.error();
  auto self = identify_self();
  if (!self) return self.error();
  auto pump = Pump::get();
  if (!pump) return pump.error();
  return MeetingPlace{std::move(application), std::move(topic), std::move(*application_atom), std::move(*topic_atom), std::move(*names),
                      std::make_shared<const PeerIdentity>(std::move(*self)), std::move(*pump)};
}

// As atoms are compared: without case. Only what stands before the first backslash means something to the kernel. The length keeps
// "a-b", "c" and "a", "b-c" apart.
std::wstring MeetingPlace::claim_name() const {
  auto name = std::to_wstring(application_text.size()) + L'-' + application_text + L'-' + topic_text;
  std::ranges::replace(name, L'\\', L'/');
  for (auto& one : name) {
    if (one >= L'a' && one <= L'z') one = static_cast<wchar_t>(one - L'a' + L'A');
  }
  return L"Local\\dde-" + name;
}

result<Handle> MeetingPlace::claim() const {
  // Whoever came too late has the object for some microseconds, and its owner may be gone by then.
  for (int left = 3;; --left) {
    Handle claimed(::CreateMutexW(nullptr, FALSE, claim_name().c_str()));
    const auto error = ::GetLastError();
    if (claimed && error != ERROR_ALREADY_EXISTS) return claimed;
    // Another user's, or something else of that name, is in use too.
    const bool taken = claimed || error == ERROR_ACCESS_DENIED || error == ERROR_INVALID_HANDLE;
    if (!taken) return windows_error(error);
    if (left == 1) return Failure(Error::name_in_use, "A process of this session listens on this name over DDE: end it, or choose another name.");
    claimed.reset();
    ::Sleep(2);
  }
}

}  // namespace penstock::transport::dde
