// A privileged helper and the application it serves, in one program.
#include <penstock/result.hpp>

#include "application.hpp"
#include "attackers/attackers.hpp"
#include "helper.hpp"
#include "system.hpp"

namespace {

constexpr const char* usage = R"(A helper that opens files for an application of another user.

  penstock-file-broker serve --policy FILE --root DIRECTORY --allow PATH [--allow PATH...] [where]
      Opens PATH below DIRECTORY (or DIRECTORY's "sub/*") for whom the policy admits, and passes the descriptor.
  penstock-file-broker read --policy FILE [where] PATH
      Asks the helper for PATH and copies it to standard output.

  where: --name NAME (file-broker)  --scope session|user|machine (user)  --directory DIRECTORY (Linux)  --audit FILE|-
  serve ends with SIGTERM or Ctrl-C; on Windows --end with-input lets the end of standard input end it too.

Exit status: 0 done, 1 the helper said no, 2 wrong usage, 3 no channel: nothing was proven.

The attackers of `penstock demo` are in here too, so that "the right program" alone admits them:
  penstock-file-broker squat|barge|relay|replay   (see attackers/attackers.hpp)
)";

}  // namespace

int main(int count, char** arguments) {
  const auto words = file_broker::arguments_of(count, arguments);
  const std::string_view mode = words.empty() ? std::string_view() : words.front();
  const auto options = file_broker::Options::read(std::span(words).subspan(words.empty() ? 0 : 1));
  if (mode == "serve") return file_broker::run_helper(options);
  if (mode == "read") return file_broker::run_application(options);
  if (mode == "squat") return file_broker::run_squatter(options);
  if (mode == "barge") return file_broker::run_barge(options);
  if (mode == "relay") return file_broker::run_relay(options);
  if (mode == "replay") return file_broker::run_replayer(options);
  (mode == "--help" ? std::cout : std::cerr) << usage;
  return mode == "--help" ? file_broker::done : file_broker::wrong_usage;
}
