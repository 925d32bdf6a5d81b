// Sources: openat(2), path_resolution(7), inode(7).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <vector>

#include "penstock/handle.hpp"
#include "protocol/policy_system.hpp"

namespace penstock::protocol {
namespace {

struct Step {
  std::string path;
  struct stat status {};
};

Failure refuse(std::string sentence) {
  return Failure(Error::policy_invalid, std::move(sentence));
}

// Every component from the root down to the file, each by the descriptor of the one above, so that none is a link and
// none can be exchanged between two looks.
result<std::vector<Step>> walk(const std::string& path) {
  constexpr int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
    return refuse("the path is not absolute; write it from the root, as `realpath` prints it");
  }
  std::vector<Step> steps;
  Handle at(::open("/", flags));
  for (std::size_t begin = 1, end = 0; at; begin = end + 1) {
    steps.push_back({end == 0 ? std::string("/") : path.substr(0, end), {}});
    auto& step = steps.back();
    if (::fstat(at.get(), &step.status) != 0) break;
    if (S_ISLNK(step.status.st_mode)) {
      return refuse(
          fmt::format("{} is a symbolic link, which may lead elsewhere tomorrow; write the path that `realpath {}` "
                      "prints",
                      step.path, path));
    }
    if (end == path.size()) return steps;
    end = std::min(path.find('/', begin), path.size());
    const auto name = path.substr(begin, end - begin);
    if (name.empty() || name == "." || name == "..") {
      return refuse("the path holds an empty, \".\" or \"..\" component; write it as `realpath` prints it");
    }
    at = Handle(::openat(at.get(), name.c_str(), flags));
  }
  return refuse(fmt::format("{} cannot be looked at ({}); install the program first, or correct the path", path,
                            std::generic_category().message(errno)));
}

std::string describe(const Step& step) {
  return fmt::format("{} (owner {}, mode {:04o})", step.path, step.status.st_uid, step.status.st_mode & 07777u);
}

}  // namespace

result<FileNumber> find_file(const std::string& path) {
  struct stat status {};
  if (path.find('\0') != std::string::npos || ::stat(path.c_str(), &status) != 0) {
    return Failure(Error::invalid_argument, fmt::format("{} cannot be looked at ({}); correct the path", path,
                                                        std::generic_category().message(errno)));
  }
  return FileNumber{status.st_dev, status.st_ino};
}

result<FileNumber> find_trusted_program(const std::string& path) {
  auto steps = walk(path);
  if (!steps) return steps.error();
  const auto& file = steps->back().status;
  if (!S_ISREG(file.st_mode) || (file.st_mode & 0111u) == 0) {
    return refuse(
        fmt::format("{} is not a program (a regular file that may be executed); name the program itself", path));
  }
  bool below_is_ours = true;  // does all below the step belong to root or to us?
  for (auto step = steps->rbegin(); step != steps->rend(); ++step) {
    const auto owner = step->status.st_uid;
    if (owner != 0 && owner != file.st_uid) {
      return refuse(
          fmt::format("others could replace {}: {} belongs neither to root nor to the program's owner {}; move the "
                      "program, or run: chown {} {}",
                      path, describe(*step), file.st_uid, file.st_uid, step->path));
    }
    const bool sticky_parent = S_ISDIR(step->status.st_mode) && (step->status.st_mode & S_ISVTX) != 0 &&
                               below_is_ours && step != steps->rbegin() + 1;
    if ((step->status.st_mode & 022u) != 0 && !sticky_parent) {
      return refuse(fmt::format("others could replace {}: {} may be written by them; run: chmod go-w {}", path,
                                describe(*step), step->path));
    }
    below_is_ours = below_is_ours && (owner == 0 || owner == effective_user());
  }
  return FileNumber{file.st_dev, file.st_ino};
}

}  // namespace penstock::protocol
