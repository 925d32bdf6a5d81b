// penstock call
#include <fmt/format.h>

#include <optional>
#include <vector>

#include "penstock/blocking.hpp"
#include "tool/channel_words.hpp"
#include "tool/command.hpp"
#include "tool/input_file.hpp"
#include "tool/progress.hpp"
#include "tool/terminal.hpp"

namespace penstock::tool {
namespace {

// What a listener accepts by default; a larger request would be refused after it had been read.
constexpr std::size_t largest_request = std::size_t{16} << 20;
constexpr std::size_t largest_reply = std::size_t{16} << 20;

struct Words {
  ChannelWords channel;
  std::string operation;
  std::string data;
  std::string file;
  bool has_data = false;
  std::string deadline = "30s";
};

result<std::string> read_request(const Words& words) {
  if (words.has_data) return words.data;
  const bool standard = words.file.empty() || words.file == "-";
  const auto failed = [&](const Failure& failure) {
    return Failure(Error::io_error, fmt::format("{} cannot be read ({}); check the file and this user's rights",
                                                standard ? "standard input" : words.file, failure.sentence()));
  };
  const auto file = InputFile::open(standard ? "-" : words.file);
  if (!file) return failed(file.error());
  std::string request;
  std::vector<std::byte> block(65536);
  for (;;) {
    const auto got = file->read(block);
    if (!got) return failed(got.error());
    if (*got == 0) return request;
    request += as_text(std::span(block).first(*got));
    if (request.size() > largest_request) {
      return Failure(Error::message_too_large, "the request has more than 16 MiB; split it, or use `penstock connect`");
    }
  }
}

int run(const Words& words) {
  const auto deadline = parse_duration(words.deadline);
  if (!deadline) return complain(deadline.error());
  const auto setup = open_setup(words.channel);
  if (!setup) return complain(setup.error());
  const auto request = read_request(words);
  if (!request) return complain(request.error());

  auto options = connect_options(*setup);
  options.deadline = *deadline;
  const auto started = std::chrono::steady_clock::now();
  std::optional<Waiting> waiting(setup->endpoint.describe());
  auto channel = blocking::connect(setup->endpoint, options);
  if (!channel) waiting.reset();
  if (!channel) return complain_no_channel(channel.error());
  // One deadline for all of it.
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started);
  CallOptions call;
  call.deadline = std::max(*deadline - spent, std::chrono::milliseconds(1));
  std::vector<std::byte> body(largest_reply);
  auto reply = channel->call(words.operation, as_bytes(*request), body, call);
  waiting.reset();
  if (!reply) return complain(reply.error());
  channel->close();

  const int printed = answer(as_text(std::span(body).first(reply->size)));
  if (printed != done) return printed;
  if (!reply->handles.empty()) remark(fmt::format("{} descriptors came along and were closed", reply->handles.size()));
  if (reply->status == 0) return done;
  complain(fmt::format("the peer answered {} with status {}; what it means is between the two programs",
                       words.operation, reply->status));
  return answered_no;
}

}  // namespace

void add_call(CLI::App& app, Chosen& chosen) {
  auto* command = add_command(
      app, "call", group_channels, "Ask a listener to do one thing, and print its answer",
      "NAME OPERATION [--data TEXT | --file FILE] [OPTIONS]",
      "Exit code 0 when the answer's status is 0, 1 when it is another, 11 when the peer's policy does not allow\n"
      "OPERATION, 8 when the deadline passed: it may have been done all the same.\n"
      "Example:\n  penstock call file-broker open --data notes/today.txt\n");
  auto words = std::make_shared<Words>();
  add_channel_options(*command, words->channel);
  command->add_option("operation", words->operation, "What to ask for")->type_name("")->required();
  auto* data = command->add_option("--data", words->data, "The request")->type_name("TEXT");
  command->add_option("--file", words->file, "The request, from a file; standard input without either")
      ->type_name("FILE")
      ->excludes(data);
  command->add_option("--deadline", words->deadline, "For everything together (30s)")->type_name("TIME");
  command->callback([&chosen, words, data] {
    words->has_data = data->count() > 0;
    chosen.action = [words] { return run(*words); };
  });
}

}  // namespace penstock::tool
