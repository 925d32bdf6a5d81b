#include "protocol/header.hpp"

#include "crypto/aead.hpp"
#include "penstock/handle.hpp"
#include "protocol/wire.hpp"

namespace penstock::protocol {
namespace {

struct Field {
  std::size_t offset;
  std::size_t size;
};

// The table of header.hpp.
constexpr Field f_magic{0, 4}, f_version{4, 1}, f_type{5, 1}, f_flags{6, 1}, f_handles{7, 1};
constexpr Field f_epoch{8, 4}, f_length{12, 4}, f_sequence{16, 8}, f_time{24, 8};

constexpr bool contiguous() {
  std::size_t end = 0;
  for (const auto& field : {f_magic, f_version, f_type, f_flags, f_handles, f_epoch, f_length, f_sequence, f_time}) {
    if (field.offset != end) return false;
    end = field.offset + field.size;
  }
  return end == header_size;
}
static_assert(contiguous(), "the fields leave no gap, do not overlap and fill the header");
static_assert(record_overhead == header_size + crypto::tag_size);

constexpr std::uint32_t magic = 0x4B534E50;  // "PNSK", read as little-endian

struct TypeRule {
  FrameType type;
  const char* name;
  std::uint8_t flags;      // those it may carry
  std::uint8_t handles;    // the most it may carry
  std::uint32_t shortest;  // length, tag included
  std::uint32_t longest;
};

constexpr std::uint32_t tag = crypto::tag_size;
constexpr std::uint32_t longest_record = max_record_payload + tag;
constexpr std::uint32_t longest_control = max_control_payload + tag;
constexpr std::uint8_t handles_max = max_handles_per_message;

// The most frequent first: the lookup walks this.
constexpr std::array<TypeRule, 10> rules{{
    {FrameType::message, "message", flags_known, handles_max, tag, longest_record},
    {FrameType::request, "request", flags_known, handles_max, tag, longest_record},
    {FrameType::reply, "reply", flags_known, handles_max, tag, longest_record},
    {FrameType::buffer, "buffer", flag_fresh, 1, tag, longest_record},
    {FrameType::cancel, "cancel", flag_fresh, 0, tag, longest_control},
    {FrameType::rekey, "rekey", flag_fresh, 0, tag, longest_control},
    {FrameType::close, "close", flag_fresh, 0, tag, longest_control},
    {FrameType::confirm, "confirm", 0, 0, tag, longest_control},
    {FrameType::segment, "segment", 0, 1, tag, longest_control},
    {FrameType::handshake, "handshake", 0, 0, 1, max_handshake_message},
}};

const TypeRule* rule_of(FrameType type) noexcept {
  for (const auto& rule : rules) {
    if (rule.type == type) return &rule;
  }
  return nullptr;
}

HeaderDefect defect_before_type(const std::byte* bytes) noexcept {
  if (get<std::uint32_t>(bytes + f_magic.offset) != magic) return HeaderDefect::magic;
  if (get<std::uint8_t>(bytes + f_version.offset) != protocol_version) return HeaderDefect::version;
  return HeaderDefect::none;
}

}  // namespace

void encode(const Header& header, std::span<std::byte, header_size> out) noexcept {
  put(out.data() + f_magic.offset, magic);
  put(out.data() + f_version.offset, protocol_version);
  put(out.data() + f_type.offset, static_cast<std::uint8_t>(header.type));
  put(out.data() + f_flags.offset, header.flags);
  put(out.data() + f_handles.offset, header.handles);
  put(out.data() + f_epoch.offset, header.epoch);
  put(out.data() + f_length.offset, header.length);
  put(out.data() + f_sequence.offset, header.sequence);
  put(out.data() + f_time.offset, header.time);
}

Header read_fields(std::span<const std::byte, header_size> bytes) noexcept {
  return {
      .type = static_cast<FrameType>(get<std::uint8_t>(bytes.data() + f_type.offset)),
      .flags = get<std::uint8_t>(bytes.data() + f_flags.offset),
      .handles = get<std::uint8_t>(bytes.data() + f_handles.offset),
      .epoch = get<std::uint32_t>(bytes.data() + f_epoch.offset),
      .length = get<std::uint32_t>(bytes.data() + f_length.offset),
      .sequence = get<std::uint64_t>(bytes.data() + f_sequence.offset),
      .time = get<std::uint64_t>(bytes.data() + f_time.offset),
  };
}

HeaderDefect defect_of(const Header& header) noexcept {
  const TypeRule* rule = rule_of(header.type);
  if (rule == nullptr) return HeaderDefect::type;
  // An unknown bit is a promise we cannot keep: skipping it would be a downgrade.
  if ((header.flags & ~flags_known) != 0) return HeaderDefect::flags_unknown;
  if ((header.flags & ~rule->flags) != 0) return HeaderDefect::flags_of_type;
  if (header.handles > handles_max) return HeaderDefect::handles_count;
  if (header.handles > rule->handles) return HeaderDefect::handles_of_type;
  if ((header.flags & flag_fresh) != 0 && header.epoch == 0) return HeaderDefect::fresh_first;
  // No Sealer gets this far (ATK-18: a far-future number ends here or at the tag, and moves nothing).
  if (header.sequence >= max_records) return HeaderDefect::position;
  if (header.type == FrameType::handshake && header.epoch != 0) return HeaderDefect::position;
  if (header.type == FrameType::confirm && (header.epoch != 0 || header.sequence != 0)) return HeaderDefect::position;
  if (header.type == FrameType::segment && (header.epoch != 0 || header.sequence != 1)) return HeaderDefect::position;
  if (header.length < rule->shortest) return HeaderDefect::length_short;
  if (header.length > rule->longest) return HeaderDefect::length_long;
  return HeaderDefect::none;
}

HeaderDefect defect_of(std::span<const std::byte, header_size> bytes) noexcept {
  const HeaderDefect early = defect_before_type(bytes.data());
  return early != HeaderDefect::none ? early : defect_of(read_fields(bytes));
}

Error error_of(HeaderDefect defect) noexcept {
  switch (defect) {
    case HeaderDefect::none:
      return Error::none;
    case HeaderDefect::version:
      return Error::version_unsupported;
    case HeaderDefect::length_long:
      return Error::frame_too_large;
    default:
      return Error::frame_malformed;
  }
}

result<Header> decode(std::span<const std::byte, header_size> bytes) noexcept {
  const HeaderDefect early = defect_before_type(bytes.data());
  if (early != HeaderDefect::none) return error_of(early);
  const Header header = read_fields(bytes);
  const HeaderDefect defect = defect_of(header);
  if (defect != HeaderDefect::none) return error_of(defect);
  return header;
}

const char* to_string(FrameType type) noexcept {
  const TypeRule* rule = rule_of(type);
  return rule != nullptr ? rule->name : "unknown";
}

}  // namespace penstock::protocol
