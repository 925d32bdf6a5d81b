// The arena of secret memory: pages of equal slots, carved from guarded chunks.
#include "crypto/secret.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "crypto/secret_pages.hpp"

namespace penstock::crypto {
namespace {

// The arena's page: whatever the machine's page size, chunks are aligned to at least this. The first 64 bytes of each
// page hold the alive word; the slots follow. A key's slot finds its alive word by masking its own address.
constexpr std::uintptr_t page_size = 4096;
constexpr std::size_t first_slot = 64;
constexpr std::uint64_t alive_word = 0x616c697665212121;

// 576 is the expanded AES-256-GCM state (512) with the key (32) behind it for the second provider, of which seven fill a page,
// as many as of 512: 1,000 channels cost 1.2 MB of locked memory.
constexpr std::array<std::size_t, 5> slot_sizes = {64, 128, 256, 576, 1024};
static_assert((page_size - first_slot) / 576 == 7);
static_assert(secret_chunk_size % page_size == 0);
static_assert(std::ranges::all_of(slot_sizes, [](std::size_t size) { return size % 64 == 0; }),
              "slots are 64-byte aligned");

std::size_t class_of(std::size_t size) noexcept {
  return static_cast<std::size_t>(std::ranges::lower_bound(slot_sizes, size) - slot_sizes.begin());
}

// Volatile, because the compiler cannot know that fork(2) changes the value.
bool page_alive(const std::byte* slot) noexcept {
  const auto page = reinterpret_cast<std::uintptr_t>(slot) & ~(page_size - 1);
  return *reinterpret_cast<const volatile std::uint64_t*>(page) == alive_word;
}

// Which slots are free is known here only, outside the secret pages: an overrun of a secret cannot forge it.
class Arena {
 public:
  // Never destroyed: secrets of static lifetime may go after it otherwise.
  static Arena& instance() {
    static Arena* const arena = new Arena;
    return *arena;
  }

  result<std::byte*> allocate(std::size_t size_class) {
    const std::lock_guard lock(mutex_);
    auto& free = free_[size_class];
    // In a forked child the free slots of the parent's chunks are wiped pages: they are forgotten, never handed out.
    while (!free.slots.empty() && !page_alive(free.slots.back())) free.slots.pop_back();
    if (free.slots.empty()) {
      auto grown = grow(free, slot_sizes[size_class]);
      if (!grown) return grown.error();
    }
    std::byte* const slot = free.slots.back();
    free.slots.pop_back();
    return slot;
  }

  // Cannot fail: the list has had room for every slot since the slot was made.
  void give_back(std::byte* slot, std::size_t size_class) noexcept {
    const std::lock_guard lock(mutex_);
    free_[size_class].slots.push_back(slot);
  }

 private:
  struct FreeList {
    std::vector<std::byte*> slots;
    std::size_t made = 0;
  };

  Arena() {
    // A child forked while another thread held the lock would wait for ever.
    hold_over_fork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); });
  }

  static result<void> grow(FreeList& free, std::size_t slot_size) {
    auto chunk = map_secret_chunk();
    if (!chunk) return chunk.error();
    const std::size_t per_page = (page_size - first_slot) / slot_size;
    free.made += per_page * (secret_chunk_size / page_size);
    free.slots.reserve(free.made);
    for (std::size_t page = 0; page < secret_chunk_size; page += page_size) {
      new (*chunk + page) std::uint64_t(alive_word);
      for (std::size_t i = 0; i < per_page; ++i) free.slots.push_back(*chunk + page + first_slot + i * slot_size);
    }
    return {};
  }

  std::mutex mutex_;
  std::array<FreeList, slot_sizes.size()> free_;
};

}  // namespace

namespace {

// sodium_init() takes a lock, even when it has nothing left to do: called once, or a fork might copy it locked.
bool sodium_ready() noexcept {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

// For the same reason all of this is done before main(), when there is only one thread to fork.
[[maybe_unused]] const bool ready_early = sodium_ready() && (static_cast<void>(Arena::instance()), true);

}  // namespace

result<void> initialise() {
  if (!sodium_ready()) {
    return Failure(Error::internal,
                   "libsodium cannot be initialised: check that the system's source of random numbers works here.");
  }
  return {};
}

result<SecretSlot> SecretSlot::allocate(std::size_t size) {
  if (auto ready = initialise(); !ready) return ready.error();
  const std::size_t size_class = class_of(size);
  if (size == 0 || size_class == slot_sizes.size()) return Error::invalid_argument;
  auto slot = Arena::instance().allocate(size_class);
  if (!slot) return slot.error();
  SecretSlot made;
  made.data_ = *slot;
  made.size_ = size;
  return made;
}

SecretSlot& SecretSlot::operator=(SecretSlot&& other) noexcept {
  if (this == &other) return *this;
  reset();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void SecretSlot::reset() noexcept {
  if (data_ == nullptr) return;
  std::byte* const slot = std::exchange(data_, nullptr);
  const std::size_t size = std::exchange(size_, 0);
  if (!page_alive(slot)) return;
  wipe({slot, size});
  Arena::instance().give_back(slot, class_of(size));
}

bool SecretSlot::alive() const noexcept {
  return data_ != nullptr && page_alive(data_);
}

void fill_random(bytes_span bytes) noexcept {
  randombytes_buf(bytes.data(), bytes.size());
}

void wipe(bytes_span bytes) noexcept {
  sodium_memzero(bytes.data(), bytes.size());
}

bool equal_secret(bytes_view a, bytes_view b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace penstock::crypto
