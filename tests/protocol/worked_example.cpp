// The worked example of docs/PROTOCOL.md (section 14): all bytes of three handshakes and their first records, from
// fixed keys. Built from the pieces that Handshake is built from, since Handshake itself draws its ephemeral keys at
// random.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "protocol/handshake.hpp"
#include "protocol/message_header.hpp"
#include "protocol/wire.hpp"

namespace penstock::protocol {
namespace {

constexpr std::string_view begin_mark = "<!-- worked example begin -->\n";
constexpr std::string_view end_mark = "<!-- worked example end -->\n";
constexpr std::uint64_t millisecond = 1'000'000;

/// 32 bytes that count up from `first`: easy to type into another implementation.
byte_array<32> counting(unsigned first) {
  byte_array<32> bytes;
  for (unsigned i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(first + i);
  return bytes;
}

crypto::KeyPair key(unsigned first) {
  return crypto::KeyPair::from_private(counting(first)).value();
}

class Text {
 public:
  void line(std::string_view name, std::string_view value) { out_ += fmt::format("{} = {}\n", name, value); }
  void bytes(std::string_view name, bytes_view value) {
    out_ += fmt::format("{} =\n", name);
    for (std::size_t at = 0; at < value.size(); at += 32) {
      out_ += "   ";
      for (std::size_t i = at; i < std::min(at + 32, value.size()); ++i) {
        out_ += fmt::format("{}{:02x}", i % 8 == 0 ? " " : "", std::to_integer<unsigned>(value[i]));
      }
      out_ += '\n';
    }
  }
  void raw(std::string_view text) { out_ += text; }
  [[nodiscard]] const std::string& str() const { return out_; }

 private:
  std::string out_;
};

struct Spec {
  const char* title;
  Trust trust;
  Suite suite;
  std::uint8_t carrier;
  Binding binding;
  EndpointBinding endpoint;
  std::uint64_t initiator_number, responder_number;
};

/// One end: what it writes, and what it must be able to read of the other.
struct End {
  bool initiator;
  std::optional<crypto::NoiseHandshake> noise;
  Sealer sealer;
  Opener opener;
};

class Example {
 public:
  Example(Text& text, const Spec& spec) : text_(text), spec_(spec) {}

  void handshake();
  void confirm(End& from, End& to);
  void seal(End& from, End& to, const char* what, FrameType type, bytes_view prefix, bytes_view body);
  void message(End& from, End& to, const MessageHeader& header, std::string_view body);
  void fresh_secret();

  End i{true, {}, {}, {}};
  End r{false, {}, {}, {}};

 private:
  void make(End& end, const std::vector<std::byte>& prologue, const crypto::KeyPair& ephemeral);
  void write(End& from, End& to, std::uint64_t index);
  void split(End& end);

  Text& text_;
  Spec spec_;
  Preamble preamble_;
  crypto::KeyPair initiator_static_ = key(0x10), responder_static_ = key(0x40);
  byte_array<32> secret_ = counting(0xC0);
  std::uint64_t now_ = 5'000'000 * millisecond;
};

void Example::make(End& end, const std::vector<std::byte>& prologue, const crypto::KeyPair& ephemeral) {
  crypto::NoiseConfig config;
  config.pattern = pattern_of(spec_.trust);
  config.cipher = cipher_of(spec_.suite);
  config.hash = hash_of(spec_.suite);
  config.initiator = end.initiator;
  config.prologue = prologue;
  config.ephemeral = &ephemeral;
  if (spec_.trust == Trust::static_key) config.static_key = end.initiator ? &initiator_static_ : &responder_static_;
  if (spec_.trust == Trust::launch_secret) config.psks = secret_;
  end.noise.emplace(crypto::NoiseHandshake::make(config).value());
}

// As Handshake::State::write_noise.
void Example::write(End& from, End& to, std::uint64_t index) {
  const std::size_t extra = index == 0 ? preamble_size : 0;
  std::vector<std::byte> frame(header_size + extra + from.noise->overhead());
  Header header;
  header.type = FrameType::handshake;
  header.sequence = index;
  header.length = static_cast<std::uint32_t>(frame.size() - header_size);
  const std::span<std::byte> all(frame);
  encode(header, all.first<header_size>());
  if (index == 0) encode(preamble_, all.subspan<header_size, preamble_size>());
  ASSERT_TRUE(from.noise->write({}, all.subspan(header_size + extra)));
  text_.bytes(fmt::format("handshake {}", index), frame);

  ASSERT_EQ(handshake_frame_size(all.first<header_size>()).value(), frame.size());
  std::array<std::byte, 1> nothing;
  ASSERT_EQ(to.noise->read(all.subspan(header_size + extra), std::span(nothing).first(0)).value(), 0u);
}

void Example::split(End& end) {
  auto keys = end.noise->split();
  ASSERT_TRUE(keys);
  if (end.initiator) text_.bytes("handshake hash", std::span(keys->hash).first(keys->hash_size));
  auto& own = end.initiator ? keys->initiator_to_responder : keys->responder_to_initiator;
  auto& theirs = end.initiator ? keys->responder_to_initiator : keys->initiator_to_responder;
  end.sealer = Sealer(std::move(own), RekeyPolicy());
  end.opener = Opener(std::move(theirs), true, Limits());
}

void Example::handshake() {
  text_.raw(fmt::format("\n[{}]\n", spec_.title));
  text_.line("noise", fmt::format("Noise_{}_{}", pattern_of(spec_.trust), suite_name(spec_.suite)));
  preamble_ = {spec_.trust, spec_.suite, spec_.carrier, spec_.binding};
  text_.line("endpoint", spec_.endpoint.scope
                             ? fmt::format("{} {}", to_string(*spec_.endpoint.scope), spec_.endpoint.name)
                             : "none");
  text_.line("initiator number", std::to_string(spec_.initiator_number));
  text_.line("responder number", std::to_string(spec_.responder_number));
  if (spec_.trust == Trust::static_key) {
    text_.bytes("initiator static private key", initiator_static_.private_key.bytes());
    text_.bytes("initiator static public key", initiator_static_.public_key);
    text_.bytes("responder static private key", responder_static_.private_key.bytes());
    text_.bytes("responder static public key", responder_static_.public_key);
  }
  if (spec_.trust == Trust::launch_secret) text_.bytes("launch secret", secret_);
  const auto initiator_ephemeral = key(0x70);
  const auto responder_ephemeral = key(0xA0);
  text_.bytes("initiator ephemeral private key", initiator_ephemeral.private_key.bytes());
  text_.bytes("responder ephemeral private key", responder_ephemeral.private_key.bytes());

  PeerIdentity initiator, responder;
  initiator.strength = responder.strength = Strength::pinned;
  initiator.process_key = spec_.initiator_number;
  responder.process_key = spec_.responder_number;
  const auto prologue = make_prologue(preamble_, spec_.endpoint, initiator, responder);
  ASSERT_TRUE(prologue);
  text_.bytes("prologue", *prologue);

  make(i, *prologue, initiator_ephemeral);
  make(r, *prologue, responder_ephemeral);
  write(i, r, 0);
  write(r, i, 1);
  if (spec_.trust == Trust::static_key) write(i, r, 2);
  ASSERT_TRUE(i.noise->finished() && r.noise->finished());
  split(i);
  split(r);
}

void Example::seal(End& from, End& to, const char* what, FrameType type, bytes_view prefix, bytes_view body) {
  Outgoing record;
  record.type = type;
  record.prefix = prefix;
  record.body = body;
  std::vector<std::byte> frame(record_overhead + prefix.size() + body.size());
  now_ += 2 * millisecond;
  const auto size = from.sealer.seal(record, frame, now_);
  ASSERT_TRUE(size) << size.error().sentence();
  ASSERT_EQ(*size, frame.size());
  text_.bytes(fmt::format("seal {} {} at {}", from.initiator ? "i" : "r", what, now_), frame);

  std::vector<std::byte> plain(frame.size());
  const auto opened = to.opener.open(frame, plain.data(), now_);
  ASSERT_TRUE(opened) << opened.error().sentence();
  ASSERT_EQ(opened->payload.size(), prefix.size() + body.size());
}

// As Handshake::State::seal_confirm, with the default limits.
void Example::confirm(End& from, End& to) {
  byte_array<16> payload{};
  const Limits limits;
  put(payload.data(), std::uint64_t{limits.max_message});
  payload[8] = static_cast<std::byte>(limits.max_handles);
  seal(from, to, "confirm", FrameType::confirm, {}, payload);
}

void Example::message(End& from, End& to, const MessageHeader& header, std::string_view body) {
  std::array<std::byte, max_message_header> prefix;
  const auto size = encode(header, prefix);
  std::string what(to_string(header.type));
  if (header.type == FrameType::request) what += fmt::format(" {} {}", header.id, header.operation);
  if (header.type == FrameType::reply) what += fmt::format(" {} status {}", header.id, header.status);
  if (header.type == FrameType::cancel) what += fmt::format(" {}", header.id);
  if (!body.empty()) what += fmt::format(" \"{}\"", body);
  seal(from, to, what.c_str(), header.type, std::span(prefix).first(size), as_bytes(body));
}

// As ChannelCore::on_rekey at both ends: offer and answer leave under the old keys, what follows under fresh ones.
void Example::fresh_secret() {
  const auto offered = key(0x21);
  const auto answered = key(0x81);
  text_.bytes("offer private key", offered.private_key.bytes());
  text_.bytes("answer private key", answered.private_key.bytes());
  byte_array<33> step{std::byte{1}};
  std::ranges::copy(offered.public_key, step.begin() + 1);
  seal(i, r, "rekey offer", FrameType::rekey, {}, step);
  step[0] = std::byte{2};
  std::ranges::copy(answered.public_key, step.begin() + 1);
  seal(r, i, "rekey answer", FrameType::rekey, {}, step);
  const auto shared = crypto::diffie_hellman(offered, answered.public_key);
  ASSERT_TRUE(shared);
  for (auto* end : {&i, &r}) {
    ASSERT_TRUE(end->opener.expect_refresh(shared->bytes()));
    ASSERT_TRUE(end->sealer.refresh(shared->bytes()));
  }
}

MessageHeader header_of(FrameType type, std::uint64_t id = 0, std::string_view operation = {},
                        std::uint32_t status = 0) {
  MessageHeader header;
  header.type = type;
  header.id = id;
  header.operation = operation;
  header.status = status;
  return header;
}

void xx_with_aes(Text& text) {
  Example example(text, {"XX with AES: a pipe of scope machine, bound to the processes",
                         Trust::static_key,
                         Suite::aesgcm_sha256,
                         1,
                         Binding::process,
                         {Scope::machine, "disk-helper"},
                         4711,
                         70'000});
  End& i = example.i;
  End& r = example.r;
  example.handshake();
  example.confirm(i, r);
  example.confirm(r, i);
  example.message(i, r, header_of(FrameType::message), "hello");
  example.message(i, r, header_of(FrameType::request, 1, "open"), "/etc/hosts");
  example.message(r, i, header_of(FrameType::reply, 1, {}, 7), "no such volume");
  i.sealer.rekey_next();
  text.raw("# i enters its epoch 1 without a fresh secret\n");
  example.message(i, r, header_of(FrameType::message), "epoch 1");
  example.fresh_secret();
  text.raw("# both enter their next epoch with the fresh secret: i its epoch 2, r its epoch 1\n");
  example.message(i, r, header_of(FrameType::request, 2, "format"), "");
  example.message(r, i, header_of(FrameType::message), "fresh");
  example.message(i, r, header_of(FrameType::cancel, 2), "");
  example.seal(i, r, "close", FrameType::close, {}, {});
}

void nn_with_chacha(Text& text) {
  Example example(text, {"NN with ChaCha20: a pipe of scope user, bound to the processes",
                         Trust::os_identity,
                         Suite::chachapoly_blake2b,
                         1,
                         Binding::process,
                         {Scope::user, "tray"},
                         1'234'567,
                         89});
  End& i = example.i;
  End& r = example.r;
  example.handshake();
  example.confirm(i, r);
  example.confirm(r, i);
  example.message(r, i, header_of(FrameType::message), "hello");
  r.sealer.rekey_next();
  text.raw("# r enters its epoch 1 without a fresh secret\n");
  example.message(r, i, header_of(FrameType::message), "epoch 1");
  example.fresh_secret();
  text.raw("# both enter their next epoch with the fresh secret: i its epoch 1, r its epoch 2\n");
  example.message(r, i, header_of(FrameType::message), "fresh");
  example.message(i, r, header_of(FrameType::message), "");
  example.seal(r, i, "close", FrameType::close, {}, {});
}

void nnpsk0_with_chacha(Text& text) {
  Example example(text, {"NNpsk0 with ChaCha20: an inherited channel",
                         Trust::launch_secret,
                         Suite::chachapoly_blake2b,
                         2,
                         Binding::process,
                         {},
                         5,
                         6});
  example.handshake();
  example.confirm(example.i, example.r);
  example.confirm(example.r, example.i);
}

std::string generated() {
  Text text;
  text.raw("\n```text");
  xx_with_aes(text);
  nn_with_chacha(text);
  nnpsk0_with_chacha(text);
  text.raw("```\n\n");
  return text.str();
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// PS-HDR, PS-HS, PS-PRO-01, PS-KEY: the document's bytes are the library's.
TEST(WorkedExample, EqualsTheDocument) {
  if (!crypto::available(crypto::Cipher::aes256_gcm))
    GTEST_SKIP() << "this processor has no AES, which half of the example needs";
  const std::string path = PENSTOCK_PROTOCOL_PAGE;
  const std::string page = read_file(path);
  const auto begin = page.find(begin_mark);
  const auto end = page.find(end_mark);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos && begin < end) << path << " has lost its marks";
  const auto from = begin + begin_mark.size();
  const std::string expected = generated();
  ASSERT_FALSE(HasFatalFailure());
  if (std::getenv("PENSTOCK_UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << page.substr(0, from) << expected << page.substr(end);
    return;
  }
  EXPECT_EQ(page.substr(from, end - from), expected)
      << "The worked example of docs/PROTOCOL.md is not what the code does. If the protocol was meant to change, say "
         "so in the "
         "change log, and run\n  PENSTOCK_UPDATE_DOCS=1 ctest --test-dir BUILD -R '^WorkedExample'";
}

}  // namespace
}  // namespace penstock::protocol
