// Sealed buffers: one record each, which names the memory whose handle comes with it.
#include <algorithm>

#include "protocol/channel_core.hpp"
#include "transports/sealed_buffer.hpp"

namespace penstock::protocol {

result<OutgoingMessage> buffer_message(const SealedBuffer& buffer, bytes_view note) {
  if (!buffer) return Failure(Error::invalid_argument, "this SealedBuffer is none: make one with BufferMaker");
  if (note.size() > max_buffer_note) return Error::message_too_large;
  const auto identity = BufferAccess::identity(buffer);
  if (!identity) return identity.error();
  OutgoingMessage message;
  message.header.type = FrameType::buffer;
  message.header.id = buffer.size();
  message.header.identity = *identity;
  message.body = note;
  message.memory = buffer.native();
  return message;
}

// What the record says is authentic; what came with it is believed only as far as the kernel agrees (ATK-13, ATK-14).
result<bool> ChannelCore::on_buffer(const Opened& record, HandleList handles) {
  if (assembly_.active) return Error::message_malformed;
  const auto decoded = decode_message(FrameType::buffer, false, record.payload);
  if (!decoded) return decoded.error();
  if (handles.size() != 1) return Error::handles_mismatch;
  const auto& header = decoded->header;
  if (header.id > limits().max_buffer) return Error::message_too_large;
  if (!session_.info.admission.allows("buffer")) {
    record_refused_operation("buffer");
    return Error::operation_refused;
  }
  auto buffer = BufferAccess::adopt(std::move(handles[0]), header.id, header.identity);
  if (!buffer) return buffer.error();

  const auto note = record.payload.subspan(decoded->size);
  auto& incoming = assembly_.message.incoming;
  incoming.kind = MessageKind::buffer;
  incoming.size = note.size();
  incoming.buffer = std::move(*buffer);
  incoming.set_operation("buffer");
  assembly_.active = true;
  assembly_.type = FrameType::buffer;
  assembly_.total = note.size();
  choose_place(note.size());
  assembly_.make_room(note.size());
  if (!note.empty()) std::ranges::copy(note, assembly_.next());
  assembly_.filled = note.size();
  return on_assembled();
}

}  // namespace penstock::protocol
