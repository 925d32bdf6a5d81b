// A program of which there is one in each login session: what it is started with a second time, the first one opens.
//
// Try it in two terminals of one session:
//
//     penstock-single-instance letter.txt          stays, and says what it opens
//     penstock-single-instance notes.txt           ends at once; the first one says `open ... notes.txt`
//     penstock-single-instance --wait essay.txt    ends when somebody says `--done`, as an editor started by git would
//     penstock-single-instance --quit
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <list>

#include "options.hpp"

namespace asio = boost::asio;

namespace {

constexpr int wrong_usage = 2;
constexpr int no_instance = 3;

constexpr const char* usage = R"(One instance in each login session; later starts are handed to it.

  penstock-single-instance [where] [WORD...]        open the words
      --status N   exit with N      --wait   wait until a start says --done      --quit   end the first instance

  where: --name NAME  --scope session|user (session)  --user-without-session  --directory DIRECTORY (Linux)
         --carrier pipe|shared-memory|dde (pipe)  --same-program  --environment NAME (again for more)  --patience MILLISECONDS

Exit status: what the first instance answered; 2 wrong usage, 3 neither first nor forwarded.
)";

/// The application: all on one thread, answers at once or later.
class Application {
 public:
  Application(asio::io_context& loop, penstock::SingleInstance& instance) : instance_(instance), signals_(loop, SIGTERM, SIGINT) {
    signals_.async_wait([this](boost::system::error_code error, int) {
      if (!error) end();
    });
  }

  /// Our own start, or a later one's.
  int open(const penstock::Start& start, const single_instance::Options& options) {
    std::cout << "open " << start.directory;
    for (const auto& word : options.words) std::cout << ' ' << word;
    for (const auto& [name, value] : start.environment) std::cout << ' ' << name << '=' << value;
    std::cout << std::endl;
    if (options.quit) end();
    return options.status;
  }

  void serve(const penstock::Start& start, penstock::Answer answer) {
    const auto options = single_instance::read(std::span(start.arguments).subspan(start.arguments.empty() ? 0 : 1));
    if (!options) return answer.refuse();
    const int status = open(start, *options);
    if (options->wait) return waiting_.push_back(std::move(answer));
    if (options->done) {
      for (auto& one : waiting_) one.status(status);
      waiting_.clear();
    }
    answer.status(status);
  }

  /// The name is free at once; who waits is told by the end of its Answer, and the loop ends when all have been.
  void end() {
    instance_.stop();
    waiting_.clear();
    signals_.cancel();
  }

 private:
  penstock::SingleInstance& instance_;
  std::list<penstock::Answer> waiting_;
  asio::signal_set signals_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  auto options = single_instance::read(words);
  if (!options || options->help) {
    if (!options) std::cerr << "penstock-single-instance: " << options.error().sentence() << '\n';
    (options ? std::cout : std::cerr) << usage;
    return options ? 0 : wrong_usage;
  }

  asio::io_context loop{1};
  auto instance = penstock::SingleInstance::start(loop.get_executor(), options->name, argc, argv, options->how);
  if (!instance) {
    std::cerr << "penstock-single-instance: " << instance.error().sentence() << '\n';
    return no_instance;
  }
  if (const auto status = instance->forwarded()) return *status;

  Application application(loop, *instance);
  std::cout << "first " << instance->own().pid << std::endl;
  const int status = application.open(instance->own(), *options);
  instance->serve([&](const penstock::Start& start, penstock::Answer answer) { application.serve(start, std::move(answer)); });
  loop.run();
  return status;
}
