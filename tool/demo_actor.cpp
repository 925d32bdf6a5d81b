#include "tool/demo_actor.hpp"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

namespace penstock::tool {
namespace {

// For one thing to happen. A stuck demo is a failed one; a slow machine is not.
constexpr std::chrono::seconds patience{30};

}  // namespace

result<std::unique_ptr<DemoActor>> DemoActor::start(const Interrupts& interrupts, const std::string& program,
                                                    std::vector<std::string> arguments, std::optional<user_id> user) {
  SpawnSpec spec;
  spec.program = program;
  spec.arguments = std::move(arguments);
  spec.user = user;
  auto process = DemoProcess::start(std::move(spec));
  if (!process) return process.error();
  return std::unique_ptr<DemoActor>(new DemoActor(interrupts, std::move(*process)));
}

DemoActor::~DemoActor() {
  if (reaped_) return;
  process_->child.end_now();
  static_cast<void>(process_->child.wait());
}

result<void> DemoActor::pump(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  auto pumped = process_->pump(interrupts_, std::max(left, std::chrono::milliseconds(0)));
  if (pumped) return pumped;
  if (pumped.error() == Error::would_block)
    return Failure(Error::deadline_exceeded,
                   "a process of the demo said nothing for too long; is the machine overloaded?");
  if (pumped.error() == Error::cancelled) return Failure(Error::cancelled, "interrupted; everything was removed");
  return pumped;
}

std::optional<AuditLine> DemoActor::find_event(std::string_view kind, std::int64_t peer) const {
  std::istringstream lines(process_->errors.text);
  for (std::string text; std::getline(lines, text) && !lines.eof();) {
    if (!text.starts_with('{')) continue;
    auto event = Json::parse(text, nullptr, false);
    if (event.is_discarded() || event.value("kind", "") != kind) continue;
    if (peer == 0 || (event.contains("peer") && event["peer"].value("pid", std::int64_t{0}) == peer))
      return AuditLine{std::move(event)};
  }
  return std::nullopt;
}

result<AuditLine> DemoActor::event(std::string_view kind, std::int64_t peer) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (auto found = find_event(kind, peer)) return std::move(*found);
    if (!process_->errors.open) {
      return Failure(Error::closed,
                     fmt::format("a process of the demo ended without the event {} ({})", kind, last_words()));
    }
    if (auto pumped = pump(deadline); !pumped) return pumped.error();
  }
}

result<std::string> DemoActor::line(std::string_view beginning) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    std::istringstream lines(process_->output.text);
    for (std::string text; std::getline(lines, text) && !lines.eof();) {
      if (text.starts_with(beginning)) return text;
    }
    if (!process_->output.open) {
      return Failure(Error::closed, fmt::format("a process of the demo ended without a word ({})", last_words()));
    }
    if (auto pumped = pump(deadline); !pumped) return pumped.error();
  }
}

result<int> DemoActor::finish() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (process_->output.open || process_->errors.open) {
    if (auto pumped = pump(deadline); !pumped) return pumped.error();
  }
  reaped_ = true;
  return exit_status(process_->child.wait());
}

std::string DemoActor::last_words() const {
  std::istringstream lines(process_->errors.text);
  std::string last;
  for (std::string text; std::getline(lines, text);) {
    if (!text.starts_with('{') && !text.empty()) last = text;
  }
  return last;
}

std::int64_t number_in(const std::string& line, std::string_view name) {
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (!word.starts_with(name) || word.size() <= name.size() || word[name.size()] != '=') continue;
    std::int64_t number = -1;
    const char* const begin = word.data() + name.size() + 1;
    const auto [end, wrong] = std::from_chars(begin, word.data() + word.size(), number);
    return wrong == std::errc() && end == word.data() + word.size() ? number : -1;
  }
  return -1;
}

}  // namespace penstock::tool
