// A script of what a sender, a hostile carrier and a hostile peer with the keys do to one Opener, against a model:
// an authentic record is never refused without the model's reason, a forged one never accepted, and nothing that is
// refused changes the state (ATK-18, ATK-19, ATK-26).
#include "fuzz/input.hpp"
#include "fuzz/record_model.hpp"

namespace {

using namespace penstock;
using namespace penstock::protocol;
using fuzz::require;

using Frame = std::vector<std::byte>;

struct Sent {
  Frame frame;
  Header header;
  Frame payload;
};

byte_array<32> secret(std::size_t number) {
  byte_array<32> bytes{};
  bytes[0] = static_cast<std::byte>(number);
  bytes[1] = static_cast<std::byte>(number >> 8);
  return bytes;
}

class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : in_(data, size) {}
  void run();

 private:
  void seal();
  void craft();
  void deliver_genuine(const Sent& sent);
  void deliver_mutated(const Sent& sent);
  void deliver_forged(const Frame& frame);
  [[nodiscard]] result<Opened> open(const Frame& frame);
  void keep(Sent sent);
  void follow_sealer(const Header& header);
  void change_key();
  const Sent* pick() { return sent_.empty() ? nullptr : &sent_[in_.byte() % sent_.size()]; }

  fuzz::Input in_;
  Sealer sealer_;
  Opener opener_;
  fuzz::RecordModel model_;
  std::vector<crypto::AeadKey> keys_;  // of each epoch that the sender reached
  std::vector<bool> fresh_;            // and how it was made
  std::size_t sender_secrets_ = 0, receiver_secrets_ = 0;
  std::vector<Sent> sent_;
  Frame buffer_;
  std::uint64_t now_ = 1'000'000'000'000'000;
  std::uint32_t sealed_epoch_ = 0;
  bool over_ = false;
};

void Script::run() {
  const std::uint8_t how = in_.byte();
  const auto cipher = (how & 1) != 0 && crypto::available(crypto::Cipher::aes256_gcm)
                          ? crypto::Cipher::aes256_gcm
                          : crypto::Cipher::chacha20_poly1305;
  RekeyPolicy policy;
  policy.records = (how & 4) != 0 ? 3 : 1000;
  policy.bytes = (how & 8) != 0 ? 100 : 1'000'000;
  policy.age = std::chrono::seconds((how & 16) != 0 ? 5 : 900);
  const Limits limits;
  model_.ordered = (how & 2) == 0;
  model_.max_age = 60'000'000'000;
  model_.max_ahead = 1'000'000'000;
  const auto key = [&] { return crypto::AeadKey::make(cipher, secret(0)).value(); };
  sealer_ = Sealer(key(), policy);
  opener_ = Opener(key(), model_.ordered, limits);
  keys_.push_back(key());
  fresh_.push_back(false);

  for (std::size_t step = 0; step < 400 && !in_.empty() && !over_; ++step) {
    switch (in_.byte() % 12) {
      case 0:
        seal();
        break;
      case 1:
        seal();
        if (!over_) deliver_genuine(Sent(sent_.back()));
        break;
      case 2:
      case 3:
        if (const auto* sent = pick()) deliver_genuine(Sent(*sent));
        break;
      case 4:
      case 5:
        if (const auto* sent = pick()) deliver_mutated(*sent);
        break;
      case 6: {
        const bytes_view raw = in_.take(in_.number<std::uint16_t>() % 2048);
        deliver_forged(Frame(raw.begin(), raw.end()));
        break;
      }
      case 7:
        now_ += in_.number<std::uint16_t>() * std::uint64_t{1'000'000};
        break;
      case 8:
        now_ -= std::min(now_, in_.number<std::uint16_t>() * std::uint64_t{1'000'000});
        break;
      case 9:
        change_key();
        break;
      case 10: {
        const bool expected = !model_.pending;
        const auto told = opener_.expect_refresh(secret(receiver_secrets_ + 1));
        require(told.has_value() == expected, "one waiting secret, no more and no less");
        if (expected) ++receiver_secrets_;
        model_.pending = true;
        break;
      }
      case 11:
        craft();
        break;
    }
  }
}

void Script::seal() {
  const std::uint8_t kind = in_.byte();
  constexpr FrameType types[] = {FrameType::message, FrameType::request, FrameType::reply, FrameType::close};
  Outgoing record;
  record.type = types[kind % 4];
  if (record.type != FrameType::close) {
    record.flags = (kind >> 2) & 3;
    record.handles = (kind >> 4) & 7;
  }
  const bytes_view payload = in_.take(in_.byte());
  const std::size_t cut = (kind & 0x80) != 0 ? payload.size() / 2 : 0;
  record.prefix = payload.first(cut);
  record.body = payload.subspan(cut);
  Frame frame(record_overhead + payload.size());
  const std::uint64_t sequence = sealer_.sequence();
  const auto size = sealer_.seal(record, frame, now_);
  require(size && *size == frame.size(), "a record that may be sent was not sealed");
  const auto header = decode(std::span(frame).first<header_size>());
  require(header.has_value() && header->sequence == sequence && header->time == now_, "the sealer's header");
  follow_sealer(*header);
  keep({std::move(frame), *header, Frame(payload.begin(), payload.end())});
}

void Script::keep(Sent sent) {
  if (sent_.size() == 64) sent_.erase(sent_.begin());
  sent_.push_back(std::move(sent));
}

/// Derives the sender's key once more, as its header says that it was made.
void Script::follow_sealer(const Header& header) {
  const bool fresh = (header.flags & flag_fresh) != 0;
  if (header.epoch == keys_.size()) {
    require(!fresh, "an epoch that says it is fresh without a refresh");
    keys_.push_back(keys_.back().rekeyed().value());
    fresh_.push_back(false);
  }
  require(header.epoch + 1 == keys_.size(), "the sender's epochs go up by one");
  require(fresh == fresh_.back(), "flag_fresh says how the key was made");
  sealed_epoch_ = header.epoch;
}

void Script::change_key() {
  if ((in_.byte() & 1) == 0) return sealer_.rekey_next();
  const bool expected = sealer_.epoch() == 0 || sealed_epoch_ == sealer_.epoch();
  const auto refreshed = sealer_.refresh(secret(sender_secrets_ + 1));
  require(refreshed.has_value() == expected, "a refresh is possible once after each record");
  if (!expected) {
    over_ = true;  // the sealer is spent
    return;
  }
  ++sender_secrets_;
  keys_.push_back(keys_.back().rekeyed_with(secret(sender_secrets_)).value());
  fresh_.push_back(true);
}

/// A peer that holds the keys and lies in the header, or a carrier that got hold of an old key.
void Script::craft() {
  const std::size_t epoch = in_.byte() % keys_.size();
  const std::uint8_t lies = in_.byte();
  Header header{.type = FrameType::message,
                .flags = 0,
                .handles = 0,
                .epoch = static_cast<std::uint32_t>(epoch),
                .length = crypto::tag_size + 4,
                .sequence = 0,
                .time = now_};
  const bool flag = fresh_[epoch] != ((lies & 1) != 0);
  if (flag) header.flags = flag_fresh;
  const std::uint64_t distance = (lies & 4) != 0 ? in_.number<std::uint64_t>() : in_.number<std::uint16_t>();
  header.sequence = (lies & 8) != 0 ? model_.end() - distance : model_.end() + distance;
  if ((lies & 2) != 0) header.time = now_ + in_.number<std::uint64_t>();
  if (defect_of(header) != HeaderDefect::none) return;
  Sent sent{Frame(record_overhead + 4), header, Frame(4)};
  const auto head = std::span(sent.frame).first<header_size>();
  encode(header, head);
  require(keys_[epoch]
              .seal(header.sequence, head, sent.payload, sent.frame.data() + header_size,
                    std::span(sent.frame).last<crypto::tag_size>())
              .has_value(),
          "crafting");
  const bool lied = (lies & 1) != 0;
  // Under a flag that lies, the record is authentic for nobody but an opener that mixes the two kinds of key up.
  if (lied) return deliver_forged(sent.frame);
  deliver_genuine(sent);
  keep(std::move(sent));
}

result<Opened> Script::open(const Frame& frame) {
  buffer_ = frame;
  if ((frame.size() & 1) == 0) return opener_.open(frame, buffer_.data(), now_);
  std::byte* const in_place = buffer_.size() > header_size ? buffer_.data() + header_size : buffer_.data();
  return opener_.open(buffer_, in_place, now_);
}

void Script::deliver_genuine(const Sent& sent) {
  const auto before = opener_.snapshot();
  const Error expected = model_.keyed(sent.header) ? model_.verdict(sent.header, now_) : Error::epoch_wrong;
  const auto opened = open(sent.frame);
  const Error error = opened ? Error::none : opened.error().code();
  if (error != expected) std::fprintf(stderr, "model %s, opener %s\n", error_name(expected), error_name(error));
  require(error == expected, "an authentic record was not answered as the model says");
  if (!opened) return require(opener_.snapshot() == before, "a refused record moved something");
  require(opened->header == sent.header && std::ranges::equal(opened->payload, sent.payload),
          "another record than sent");
  model_.accept(sent.header);
  require(opener_.complete() == (model_.ordered || model_.awaited() == model_.end()), "complete, and not");
  const auto after = opener_.snapshot();
  require(after.next == model_.end() && after.epoch == model_.epoch && after.refresh_pending == model_.pending,
          "the state after a record");
}

void Script::deliver_mutated(const Sent& sent) {
  Frame frame = sent.frame;
  const std::uint8_t how = in_.byte();
  const std::size_t at = in_.number<std::uint16_t>() % frame.size();
  switch (how % 5) {
    case 0:
      frame[at] ^= std::byte(1u << (how >> 5));
      break;
    case 1:
      frame.resize(at);
      break;
    case 2:
      frame.insert(frame.end(), 1 + at % 64, std::byte{how});
      break;
    case 3:
      std::ranges::copy(in_.take(std::min<std::size_t>(8, frame.size() - at)),
                        frame.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case 4:
      if (const auto* other = pick()) std::copy_n(other->frame.begin(), header_size, frame.begin());
      break;
  }
  for (const auto& known : sent_) {
    if (known.frame == frame) return deliver_genuine(Sent(known));
  }
  deliver_forged(frame);
}

void Script::deliver_forged(const Frame& frame) {
  const auto before = opener_.snapshot();
  const auto opened = open(frame);
  require(!opened.has_value(), "a forged record was accepted");
  require(opener_.snapshot() == before, "a forged record moved something");
  switch (opened.error().code()) {
    case Error::frame_malformed:
    case Error::frame_too_large:
    case Error::version_unsupported:
    case Error::record_forged:
    case Error::epoch_wrong:
      return;
    default:
      require(false, "a forged record was refused for what only an authentic one can be");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script(data, size).run();
  return 0;
}
