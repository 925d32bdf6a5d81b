#include "tests/transports/testing_linux.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

namespace penstock::transport::testing {
namespace {

// A test that cannot even be set up ends with a message instead of misleading results.
void require(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  ::_exit(99);
}

}  // namespace

bool is_root() {
  return ::geteuid() == 0;
}

ScratchDirectory::ScratchDirectory() : path_("/tmp/penstock-test-XXXXXX") {
  require(::mkdtemp(path_.data()) != nullptr && ::chmod(path_.c_str(), 0755) == 0, "mkdtemp");
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchDirectory::make(const std::string& name, unsigned mode, unsigned owner) const {
  const auto path = path_ + '/' + name;
  require(::mkdir(path.c_str(), 0700) == 0, "mkdir");
  if (owner != 0xFFFFFFFF) require(::chown(path.c_str(), owner, owner) == 0, "chown");
  require(::chmod(path.c_str(), mode) == 0, "chmod");
  return path;
}

Gate::Gate() {
  std::array<int, 2> raw{};
  require(::pipe2(raw.data(), O_CLOEXEC) == 0, "pipe2");
  out_ = Handle(raw[0]);
  in_ = Handle(raw[1]);
}

void Gate::tell(std::int64_t number) const {
  require(::write(in_.get(), &number, sizeof number) == sizeof number, "tell");
}

std::int64_t Gate::wait() const {
  std::int64_t number = 0;
  ssize_t got = 0;
  do got = ::read(out_.get(), &number, sizeof number);
  while (got < 0 && errno == EINTR);
  return got == sizeof number ? number : -1;
}

Process::Process(const std::function<int()>& body) : pid_(::fork()) {
  require(pid_ >= 0, "fork");
  if (pid_ != 0) return;
  const int code = body();
  std::fflush(nullptr);
  ::_exit(code);
}

Process::~Process() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

int Process::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void Process::kill() {
  ::kill(pid_, SIGKILL);
  wait();
}

void become(unsigned user) {
  require(::setgroups(0, nullptr) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0, "become");
}

WaitingListener::WaitingListener(const Endpoint& endpoint, PipeOptions options) {
  auto opened = PipeListener::open(endpoint, 16, options);
  if (!opened) std::fprintf(stderr, "%s\n", sentence_of(opened.error()).c_str());
  require(opened.has_value(), "PipeListener::open");
  listener_ = std::move(*opened);
  require(listener_->attach(context_.get_executor()).has_value(), "attach");
}

result<std::unique_ptr<Carrier>> WaitingListener::accept() {
  for (;;) {
    auto carrier = listener_->accept();
    if (carrier || carrier.error() != Error::would_block) return carrier;
    listener_->async_wait([](boost::system::error_code) {});
    context_.restart();
    context_.run_one();
  }
}

Endpoint endpoint_in(const std::string& directory, Scope scope, const std::string& name) {
  auto endpoint = Endpoint::make(name, scope, directory);
  require(endpoint.has_value(), "Endpoint::make");
  return *endpoint;
}

result<std::unique_ptr<Carrier>> connect_to_users(const Endpoint& endpoint, std::span<const std::uint32_t> server_users,
                                                  const PeerCheck& check) {
  return connect_pipe(endpoint, server_users, check, std::chrono::steady_clock::now() + std::chrono::seconds(60));
}

int connect_and_stay(const Endpoint& endpoint, std::span<const std::uint32_t> server_users) {
  const auto carrier = connect_to_users(endpoint, server_users);
  if (!carrier) return 1;
  static_cast<void>(receive_text(**carrier, 1));
  return 0;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const list = ::opendir("/proc/self/fd");
  require(list != nullptr, "/proc/self/fd");
  while (::readdir(list) != nullptr) ++count;
  ::closedir(list);
  return count - 3;  // ".", ".." and the listing itself
}

std::string sentence_of(const Failure& failure) {
  return std::string(failure.sentence());
}

}  // namespace penstock::transport::testing
