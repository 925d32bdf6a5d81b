#include "protocol/policy_describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/nearest.hpp"
#include "protocol/policy_system.hpp"

namespace penstock::protocol {
namespace {

Failure refuse(std::string sentence) {
  return Failure(Error::invalid_argument, std::move(sentence));
}

template <class Number>
result<void> read_number(const std::string& text, Number& out) {
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (error == std::errc() && stop == end && !text.empty()) return {};
  return refuse(fmt::format("\"{}\" is no number in range; correct it", text));
}

result<void> read_optional_number(const std::string& text, std::optional<std::uint32_t>& out) {
  return read_number(text, out.emplace());
}

// A number, where the platform has numbers for users; else what its look-up takes.
result<void> read_user(const std::string& text, user_id& out) {
  std::uint32_t number = 0;
  auto read = read_number(text, number);
  auto found = read ? numbered_user(number) : find_user(text);
  if (!found && !read) return read;
  if (!found) return refuse(std::string(found.error().sentence()));
  out = *found;
  return {};
}

result<void> read_groups(const std::string& text, DescribedPeer& peer) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    if (auto read = read_user(text.substr(begin, end - begin), peer.identity.groups.emplace_back()); !read) return read;
    begin = end + 1;
  }
  std::ranges::sort(peer.identity.groups);
  return {};
}

result<void> read_name(result<user_id> found, user_id& out) {
  if (!found) return refuse(std::string(found.error().sentence()));
  out = *found;
  return {};
}

result<void> read_strength(const std::string& text, DescribedPeer& peer) {
  for (const auto strength : {Strength::pinned, Strength::connected, Strength::claimed}) {
    if (text != to_string(strength)) continue;
    peer.identity.strength = strength;
    return {};
  }
  return refuse(fmt::format("\"{}\" is no strength; write pinned, connected or claimed", text));
}

result<void> read_key(const std::string& text, DescribedPeer& peer) {
  const auto key = PublicKey::from_hex(text);
  if (!key) return refuse("key: " + std::string(key.error().sentence()));
  peer.key = *key;
  return {};
}

result<void> read_trust(const std::string& text, DescribedPeer& peer) {
  const auto trust = parse_trust(text);
  if (!trust) return trust.error();
  peer.trust = *trust;
  return {};
}

struct Word {
  std::string_view key;
  result<void> (*read)(const std::string&, DescribedPeer&);
};

constexpr std::array<Word, 15> known_words{{
    {"user",
     [](const std::string& text, DescribedPeer& peer) { return read_name(find_user(text), peer.identity.uid); }},
    {"uid", [](const std::string& text, DescribedPeer& peer) { return read_user(text, peer.identity.uid); }},
    {"group",
     [](const std::string& text, DescribedPeer& peer) { return read_name(find_group(text), peer.identity.gid); }},
    {"gid", [](const std::string& text, DescribedPeer& peer) { return read_user(text, peer.identity.gid); }},
    {"groups", read_groups},
    {"executable",
     [](const std::string& text, DescribedPeer& peer) {
       peer.identity.executable.emplace().path = text;
       return result<void>();
     }},
    {"sha256",
     [](const std::string& text, DescribedPeer& peer) {
       peer.executable_sha256 = text;
       return result<void>();
     }},
    {"fs_verity",
     [](const std::string& text, DescribedPeer& peer) {
       if (!peer.identity.executable)
         return result<void>(refuse("fs_verity is of a program; write executable=PATH before it"));
       peer.identity.executable->fs_verity_sha256 = text;
       return result<void>();
     }},
    {"label",
     [](const std::string& text, DescribedPeer& peer) {
       peer.identity.label = text;
       return result<void>();
     }},
    {"login_session", [](const std::string& text,
                         DescribedPeer& peer) { return read_optional_number(text, peer.identity.login_session); }},
    {"cgroup",
     [](const std::string& text, DescribedPeer& peer) {
       peer.identity.cgroup = text;
       return result<void>();
     }},
    {"strength", read_strength},
    {"process_key",
     [](const std::string& text, DescribedPeer& peer) { return read_number(text, peer.identity.process_key); }},
    {"trust", read_trust},
    {"key", read_key},
}};

result<void> read_word(const std::string& word, std::vector<std::string>& seen, DescribedPeer& peer) {
  const auto equals = word.find('=');
  const auto key = word.substr(0, equals);
  const auto* found = std::ranges::find(known_words, std::string_view(key), &Word::key);
  if (equals == std::string::npos || found == known_words.end()) {
    std::array<std::string_view, known_words.size()> keys;
    std::ranges::transform(known_words, keys.begin(), &Word::key);
    const auto near = nearest(key, keys);
    return refuse(
        fmt::format("\"{}\" describes nothing; {}", word,
                    near.empty() ? "write KEY=VALUE, such as uid=1000" : fmt::format("did you mean {}=…?", near)));
  }
  if (std::ranges::find(seen, key) != seen.end())
    return refuse(fmt::format("{} stands there twice; take one out", key));
  seen.push_back(key);
  return found->read(word.substr(equals + 1), peer);
}

}  // namespace

result<DescribedPeer> describe_peer(std::span<const std::string> words) {
  DescribedPeer peer;
  peer.identity.strength = Strength::pinned;
  peer.identity.process_key = 1;
  peer.identity.gid = no_user;
  std::vector<std::string> seen;
  for (const auto& word : words) {
    if (auto read = read_word(word, seen, peer); !read) return read.error();
  }
  const auto given = [&](std::string_view key) { return std::ranges::find(seen, key) != seen.end(); };
  if (given("user") == given("uid")) return refuse("say whose process it is, once; write user=NAME or uid=NUMBER");
  if (given("group") && given("gid")) return refuse("group and gid say the same; take one out");
  if (!given("trust") && peer.key) peer.trust = Trust::static_key;
  if (!peer.identity.executable) return peer;
  const auto file = find_file(peer.identity.executable->path);
  if (!file) return refuse(std::string(file.error().sentence()));
  peer.identity.executable->device = file->device;
  peer.identity.executable->inode = file->inode;
  return peer;
}

}  // namespace penstock::protocol
