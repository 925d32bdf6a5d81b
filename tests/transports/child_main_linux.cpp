// The helper that inherited_test.cpp starts: adopts what it was given and tells what it sees.
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <set>
#include <string>

#include "transports/inherited.hpp"

extern char** environ;

namespace {

using namespace penstock;
using namespace penstock::transport;

std::string descriptors() {
  std::set<int> numbers;
  DIR* const list = ::opendir("/proc/self/fd");
  while (const dirent* const entry = ::readdir(list)) {
    if (entry->d_name[0] != '.') numbers.insert(std::atoi(entry->d_name));
  }
  numbers.erase(::dirfd(list));
  ::closedir(list);
  std::string text;
  for (const int number : numbers) text += std::to_string(number) + ' ';
  return text;
}

/// What 0, 1 and 2 lead to.
std::string standard_files() {
  std::string text;
  for (const char* path : {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"}) {
    std::array<char, 256> target;
    const auto length = ::readlink(path, target.data(), target.size());
    text += (length < 0 ? std::string("closed") : std::string(target.data(), static_cast<std::size_t>(length))) + '\n';
  }
  return text;
}

std::string signal_lines() {
  std::ifstream status("/proc/self/status");
  std::string text;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigBlk") || line.starts_with("SigIgn")) text += line + '\n';
  }
  return text;
}

std::string environment() {
  std::string text;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    // The run-time of an instrumented build sets a variable of its own in every process before main.
    if (std::string_view(*entry).starts_with("__LLVM_PROFILE_")) continue;
    text += std::string(*entry) + '\n';
  }
  return text;
}

/// What a program that this helper starts itself still has of 3 and 4.
std::string grandchild(const char* self) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe";
  const int pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], 1);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl(self, self, "--list", nullptr);
    ::_exit(1);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 256> block;
  for (ssize_t got = 0; (got = ::read(ends[0], block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  return text;
}

void say(Carrier& carrier, const std::string& text) {
  const auto line = text + '\0';
  for (auto left = as_bytes(line); !left.empty();) {
    const auto sent = carrier.send(left, {}, Wait::yes);
    if (!sent) ::_exit(3);
    left = left.subspan(*sent);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto before = descriptors();
  if (argc > 1 && std::string(argv[1]) == "--list") {
    return ::write(1, before.data(), before.size()) < 0 ? 1 : 0;
  }
  if (argc > 1 && std::string(argv[1]) == "--adopt-only") {
    const auto adopted = adopt();
    return adopted ? 0 : static_cast<int>(adopted.error().code());
  }
  const auto environment_before = environment();
  auto adopted = adopt();
  if (!adopted) return 2;
  auto& carrier = *adopted->carrier;
  say(carrier, before);
  say(carrier, standard_files());
  say(carrier, environment_before);
  say(carrier, signal_lines());
  say(carrier, descriptors());
  say(carrier, ::getenv("PENSTOCK_LAUNCH") == nullptr ? "cleared" : "left");
  say(carrier, adopt().error() == Error::launch_invalid ? "refused" : "adopted twice");
  say(carrier, grandchild(argv[0]));
  say(carrier, std::to_string(carrier.peer().pid) + ' ' + std::to_string(carrier.peer().process_key));
  say(carrier, std::to_string(carrier.self().process_key));
  std::string arguments;
  for (int i = 1; i < argc; ++i) arguments += std::string(argv[i]) + '|';
  say(carrier, arguments);
  const auto secret = adopted->secret.bytes();
  static_cast<void>(carrier.send(secret, {}, Wait::yes));
  HandleList handles;
  std::byte end{};
  static_cast<void>(carrier.receive(std::span(&end, 1), handles, Wait::yes));
  return 42;
}
