#include "transports/dde/message_windows.hpp"

// After windows.h, which it needs.
#include <dde.h>

#include <array>
#include <cstring>

#include "transports/os_calls_windows.hpp"

namespace penstock::transport::dde {
namespace {

// The heads of DDEADVISE, DDEDATA and DDEPOKE: flags, then the clipboard format.
constexpr std::size_t head_size = 4;
constexpr std::uint16_t release_flag = 0x2000;  // DDEDATA::fRelease
// Sizes of memory are rounded up.
constexpr std::size_t rounding = 64;
constexpr std::size_t most_data = head_size + largest_chunk + rounding;
constexpr std::size_t most_command = largest_command + rounding;

constexpr std::array kinds{MessageKind::initiate, MessageKind::terminate, MessageKind::advise, MessageKind::unadvise, MessageKind::ack,
                           MessageKind::data,     MessageKind::request,   MessageKind::poke,   MessageKind::execute};
static_assert(WM_DDE_EXECUTE - WM_DDE_FIRST == static_cast<int>(MessageKind::execute) && WM_DDE_LAST - WM_DDE_FIRST + 1 == kinds.size());

std::uint16_t word_at(bytes_view bytes, std::size_t at) noexcept {
  std::uint16_t word = 0;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

LPARAM pack(const Action& action, std::uint16_t item, void* memory) {
  const auto word = static_cast<UINT>(WM_DDE_FIRST) + static_cast<UINT>(action.message);
  switch (action.message) {
    case MessageKind::ack:
      return ::PackDDElParam(word, action.status, action.memory != 0 ? action.memory : item);
    case MessageKind::advise:
    case MessageKind::data:
      return ::PackDDElParam(word, reinterpret_cast<UINT_PTR>(memory), item);
    case MessageKind::execute:
      return reinterpret_cast<LPARAM>(memory);
    default:
      return 0;
  }
}

// Wine remembers which memory of the sender's a command's copy stands for until an ACK is posted, by the copy's number. A copy that is
// freed without would leave its number to the next command, and the ACK to that one would name the wrong memory. So one is posted to ourselves.
void forget_copy(HWND window, void* memory) {
  const auto packed = ::PackDDElParam(WM_DDE_ACK, 0, reinterpret_cast<UINT_PTR>(memory));
  if (::PostMessageW(window, WM_DDE_ACK, reinterpret_cast<WPARAM>(window), packed) == 0) ::FreeDDElParam(WM_DDE_ACK, packed);
}

}  // namespace

bool is_dde(UINT message) noexcept { return message >= WM_DDE_FIRST && message <= WM_DDE_LAST; }

Incoming::Incoming(const MSG& message) : window_(message.hwnd) {
  event_.kind = kinds[message.message - WM_DDE_FIRST];
  event_.from = message.wParam;
  UINT_PTR low = 0, high = 0;
  // TERMINATE and INITIATE carry nothing that is looked at here.
  if (event_.kind == MessageKind::terminate || event_.kind == MessageKind::initiate) return;
  if (::UnpackDDElParam(message.message, message.lParam, &low, &high) == 0) return;
  ::FreeDDElParam(message.message, message.lParam);
  switch (event_.kind) {
    case MessageKind::execute: {
      memory_ = reinterpret_cast<void*>(message.lParam);
      event_.memory = id_of(memory_);
      payload_ = copy_out(memory_, most_command).value_or(std::vector<std::byte>());
      event_.payload = payload_;
      return;
    }
    case MessageKind::ack:
      event_.status = static_cast<std::uint16_t>(low);
      // Atoms have 16 bits; what is more was the memory of a command.
      if (high > 0xFFFF) event_.memory = high;
      if (high <= 0xFFFF) event_.item = atom_ = static_cast<std::uint16_t>(high);
      return;
    case MessageKind::request:
    case MessageKind::unadvise:
      event_.format = static_cast<std::uint16_t>(low);
      event_.item = atom_ = static_cast<std::uint16_t>(high);
      return;
    default: {
      memory_ = reinterpret_cast<void*>(low);
      event_.item = atom_ = static_cast<std::uint16_t>(high);
      payload_ = copy_out(memory_, most_data).value_or(std::vector<std::byte>());
      if (payload_.size() < head_size) return;
      event_.status = word_at(payload_, 0);
      event_.format = word_at(payload_, 2);
      event_.payload = bytes_view(payload_).subspan(head_size);
    }
  }
}

Incoming::~Incoming() {
  if (memory_ == nullptr) return;
  const bool copy = is_wine() && !is_held_here(memory_);
  const bool released = event_.kind == MessageKind::data && (event_.status & release_flag) != 0;
  const bool taken = event_.kind == MessageKind::advise && accepted_ && !(is_wine() && is_held_here(memory_));
  if (copy && event_.kind == MessageKind::execute && !acknowledged_) forget_copy(window_, memory_);
  if (copy || released || taken) free_received(memory_);
}

result<GlobalMemory> post(HWND from, const Action& action) {
  GlobalMemory memory;
  const bool has_head = action.message == MessageKind::data || action.message == MessageKind::advise;
  if (has_head || action.owns_memory) {
    std::array<std::byte, head_size> head;
    std::memcpy(head.data(), &action.status, 2);
    std::memcpy(head.data() + 2, &action.format, 2);
    auto made = GlobalMemory::of(has_head ? bytes_view(head) : bytes_view(), action.payload);
    if (!made) return made.error();
    memory = std::move(*made);
  }
  const auto item = static_cast<std::uint16_t>(action.item);
  const auto message = static_cast<UINT>(WM_DDE_FIRST) + static_cast<UINT>(action.message);
  const auto packed = pack(action, item, memory.get());
  if (::PostMessageW(window_of(action.to), message, reinterpret_cast<WPARAM>(from), packed) != 0) return memory;
  if (action.message == MessageKind::ack || has_head) ::FreeDDElParam(message, packed);
  return Error::peer_gone;
}

}  // namespace penstock::transport::dde
