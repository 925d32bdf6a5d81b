// penstock inspect
#include <fmt/format.h>

#include "protocol/frame_text.hpp"
#include "tool/command.hpp"
#include "tool/input_file.hpp"
#include "tool/progress.hpp"
#include "tool/terminal.hpp"

namespace penstock::tool {
namespace {

struct Words {
  std::string file = "-";
  bool json = false;
};

// Lines are gathered, so that a long recording costs few writes.
class Output {
 public:
  bool line(std::string text) {
    text += '\n';
    held_ += text;
    return held_.size() < 65536 || flush();
  }
  bool flush() {
    if (exit_ == done) exit_ = answer(held_);  // says so, once, when nothing more can be written
    held_.clear();
    return exit_ == done;
  }
  [[nodiscard]] int exit() const noexcept { return exit_; }

 private:
  std::string held_;
  int exit_ = done;
};

int run(const Words& words) {
  const auto unreadable = [&](const Failure& failure) {
    return complain(Exit::resource, fmt::format("{} cannot be read ({}); name a recording of one direction's bytes",
                                                words.file, failure.sentence()));
  };
  const auto file = InputFile::open(words.file);
  if (!file) return unreadable(file.error());

  Output output;
  Progress progress("inspected");
  protocol::FrameScanner scanner([&](const protocol::FrameReport& report) {
    output.line(words.json ? protocol::to_json(report) : printable(protocol::to_line(report)));
  });
  std::array<std::byte, 65536> block;
  for (;;) {
    const auto got = file->read(block);
    if (!got) return unreadable(got.error());
    if (*got == 0 || output.exit() != done) break;
    progress.advance(*got);
    if (!scanner.feed(std::span(block).first(*got))) break;
  }
  const bool sound = scanner.finish();
  progress.clear();
  if (!output.flush()) return output.exit();
  return sound ? done : answered_no;
}

}  // namespace

void add_inspect(CLI::App& app, Chosen& chosen) {
  auto* command = add_command(app, "inspect", group_look, "Decode recorded frames, without keys", "[FILE|-] [--json]",
                              "Reads the bytes that went in one direction of one channel. What it prints is what the "
                              "headers claim: nothing of it\n"
                              "is authenticated. Exit code 1 when a frame is cut off or would be refused.\n"
                              "Example:\n  penstock inspect --json client-to-helper.bin\n");
  auto words = std::make_shared<Words>();
  command->add_option("file", words->file, "A recording; - or nothing for standard input")->type_name("");
  command->add_flag("--json", words->json, "One JSON object a line");
  command->callback([&chosen, words] { chosen.action = [words] { return run(*words); }; });
}

}  // namespace penstock::tool
