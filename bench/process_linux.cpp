#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <utility>

#include "bench/contender.hpp"
#include "bench/process.hpp"

namespace penstock::bench {
namespace {

constexpr char ready_mark = 'r';
constexpr char report_mark = 'R';

void pin(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) {
    fail("core " + std::to_string(core) + " cannot be used (" + std::strerror(errno) +
         "): two cores are needed, see --cores");
  }
}

void write_all(int pipe, const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size != 0) {
    const auto written = ::write(pipe, at, size);
    if (written <= 0) ::_exit(3);
    at += written;
    size -= static_cast<std::size_t>(written);
  }
}

bool read_all(int pipe, void* bytes, std::size_t size) {
  auto* at = static_cast<char*>(bytes);
  while (size != 0) {
    const auto got = ::read(pipe, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

[[noreturn]] void run_child(int pipe, unsigned core, unsigned seconds, const Child::Work& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGPIPE, SIG_IGN);  // a peer that dies is an error with a sentence, not a silent end
  ::alarm(seconds);
  Report report;
  try {
    pin(core);
    report = work(Parent(pipe));
    report.complete = true;
  } catch (const std::exception& error) {
    report.complete = false;
    std::snprintf(report.error, sizeof report.error, "%s", error.what());
  }
  write_all(pipe, &report_mark, 1);
  write_all(pipe, &report, sizeof report);
  // No destructors of statics: libraries with threads of their own take their time there.
  ::_exit(report.complete ? 0 : 1);
}

}  // namespace

void Parent::ready() const {
  write_all(pipe_, &ready_mark, 1);
}

Child Child::start(const std::string& title, unsigned core, unsigned seconds, const Work& work) {
  int ends[2];
  if (::pipe(ends) != 0) fail(std::string("pipe: ") + std::strerror(errno));
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) fail(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    ::close(ends[0]);
    run_child(ends[1], core, seconds, work);
  }
  ::close(ends[1]);
  return Child(title, pid, ends[0]);
}

Child::Child(Child&& other) noexcept
    : title_(std::move(other.title_)), pid_(std::exchange(other.pid_, -1)), pipe_(std::exchange(other.pipe_, -1)) {}

Child::~Child() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (pipe_ >= 0) ::close(pipe_);
}

Report Child::read_report() {
  Report report;
  const bool whole = read_all(pipe_, &report, sizeof report);
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  if (!whole) {
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) fail(title_ + ": took too long, and was ended");
    if (WIFSIGNALED(status)) fail(title_ + ": ended by signal " + std::to_string(WTERMSIG(status)));
    fail(title_ + ": ended without a report");
  }
  if (!report.complete) fail(title_ + ": " + report.error);
  return report;
}

void Child::wait_ready() {
  char mark = 0;
  if (read_all(pipe_, &mark, 1) && mark == ready_mark) return;
  (void)read_report();
  fail(title_ + ": ended before it was ready");
}

Report Child::finish() {
  char mark = 0;
  if (read_all(pipe_, &mark, 1) && mark != report_mark) fail(title_ + ": said ready twice");
  return read_report();
}

std::string Child::failure() {
  pollfd entry{pipe_, POLLIN, 0};
  if (::poll(&entry, 1, 1000) != 1) return {};
  try {
    (void)finish();
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

static double kibibytes_in(const char* path, const std::string& line) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    double kibibytes = 0;
    if (word == line && file >> kibibytes) return kibibytes * 1024;
  }
  fail(std::string(path) + " has no line " + line + " is /proc mounted?");
}

double resident_bytes() {
  return kibibytes_in("/proc/self/smaps_rollup", "Anonymous:");
}

double shared_bytes() {
  return kibibytes_in("/proc/self/status", "RssShmem:");
}

void raise_descriptor_limit(unsigned needed) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < needed) {
    fail("the limit of open files is " + std::to_string(limit.rlim_cur) + "; this measurement needs " +
         std::to_string(needed) + ": raise it (ulimit -Hn), or use fewer --idle connections");
  }
}

}  // namespace penstock::bench
