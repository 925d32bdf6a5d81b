// DDE messages of Windows and what the conversation knows of them. Sources: "About Dynamic Data Exchange", PackDDElParam, WM_DDE_*.
//
// Who frees what. A sender of EXECUTE and DATA (without fRelease, as ours) frees its memory when it is acknowledged; that of ADVISE goes
// to the receiver when it answers yes. Between processes Windows makes copies and frees the receiver's by itself, as far as these rules
// ask nobody to. Wine makes copies and leaves both alone: there each end frees its own.
#pragma once

#include <windows.h>

#include "transports/dde/atom_windows.hpp"
#include "transports/dde/conversation.hpp"
#include "transports/dde/global_memory_windows.hpp"

namespace penstock::transport::dde {

[[nodiscard]] inline HWND window_of(Id id) noexcept { return reinterpret_cast<HWND>(static_cast<std::uintptr_t>(id)); }
[[nodiscard]] inline Id id_of(const void* window_or_memory) noexcept { return reinterpret_cast<std::uintptr_t>(window_or_memory); }

/// Is it one that is posted within a conversation?
[[nodiscard]] bool is_dde(UINT message) noexcept;

/// A posted message, unpacked: its memory copied out, and what has to be done with memory and atom afterwards.
class Incoming {
 public:
  explicit Incoming(const MSG& message);
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  [[nodiscard]] const Event& event() const noexcept { return event_; }
  /// The ADVISE was answered with yes.
  void accepted() noexcept { accepted_ = true; }
  /// An ACK to the EXECUTE was posted.
  void acknowledged() noexcept { acknowledged_ = true; }
  /// The item's atom: whoever takes it hands it on or drops it. Left here, it stays as the sender left it.
  [[nodiscard]] std::uint16_t take_atom() noexcept { return std::exchange(atom_, std::uint16_t{0}); }

 private:
  Event event_;
  std::vector<std::byte> payload_;
  void* memory_ = nullptr;
  HWND window_ = nullptr;
  std::uint16_t atom_ = 0;
  bool accepted_ = false, acknowledged_ = false;
};

/// Posts it; the memory that it made, invalid where there was none to make. peer_gone, resource_exhausted. An ACK's atom goes with it.
[[nodiscard]] result<GlobalMemory> post(HWND from, const Action& action);

}  // namespace penstock::transport::dde
