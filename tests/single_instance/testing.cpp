#include "tests/single_instance/testing.hpp"

#include <algorithm>

#include "tests/channel/pair.hpp"

namespace penstock::test {
namespace {

std::vector<const char*> pointers(const Words& words) {
  std::vector<const char*> out;
  for (const auto& word : words) out.push_back(word.c_str());
  out.push_back(nullptr);
  return out;
}

struct Told {
  SingleInstanceOptions options;
  Words arguments;
  bool hold = false;
  bool announce = false;
};

Told read(const Words& words) {
  Told told;
  told.options = instance_options(words.at(0));
  const auto end = std::ranges::find(words, "--");
  for (auto word = words.begin() + 1; word != end; ++word) {
    const auto value = word->substr(word->find('=') + 1);
    if (word->starts_with("reach=")) told.options.reach_deadline = std::chrono::milliseconds(std::stoi(value));
    if (word->starts_with("answer=")) told.options.answer_deadline = std::chrono::milliseconds(std::stoi(value));
    if (word->starts_with("env=")) told.options.environment.push_back(value);
    if (word->starts_with("scope=session")) told.options.scope = Scope::session;
    if (word->starts_with("scope-directory=")) told.options.directory.clear();
    if (*word == "fall-back") told.options.user_without_session = true;
    if (*word == "hold") told.hold = true;
    if (*word == "announce") told.announce = true;
  }
  told.arguments.assign(end + 1, words.end());
  return told;
}

int run_start(const Line& line, const Words& words) {
  auto told = read(words);
  if (told.announce) told.options.before_forward = [&](const PeerIdentity& first) { line.tell_number(static_cast<std::uint64_t>(first.pid)); };
  asio::io_context context{1};
  auto instance = start_instance(context, words.at(0), told.arguments, told.options);
  if (!instance) {
    line.tell_number(failed + static_cast<std::uint64_t>(instance.error().code()));
    return 1;
  }
  if (const auto status = instance->forwarded()) {
    line.tell_number(static_cast<std::uint64_t>(*status));
    return 0;
  }
  std::vector<Answer> held;
  instance->serve([&](const Start& start, Answer answer) {
    line.tell_number(got_start);
    if (told.hold) return held.push_back(std::move(answer));
    if (!start.arguments.empty() && start.arguments.back() == "quit") instance->stop();
    answer.status(3);
  });
  line.tell_number(became_first);
  context.run();
  return 0;
}

}  // namespace

const Role start_role("start", run_start);

result<SingleInstance> start_instance(asio::io_context& context, const std::string& directory, const Words& words,
                                      SingleInstanceOptions options) {
  const auto argv = pointers(words);
  return SingleInstance::start(context.get_executor(), instance_name(directory), static_cast<int>(words.size()), argv.data(),
                               std::move(options));
}

Words later_words(const std::string& directory, const Words& arguments, const Words& options) {
  Words words{directory};
  words.insert(words.end(), options.begin(), options.end());
  words.emplace_back("--");
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

std::string instance_name(const std::string& directory) {
  return endpoint_in(directory).name();
}

}  // namespace penstock::test
