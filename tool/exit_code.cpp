#include "tool/exit_code.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "tool/terminal.hpp"

namespace penstock::tool {
namespace {

void to_standard_error(std::string_view line) {
  // NOLINTNEXTLINE(cert-err33-c): there is nowhere to say that this failed
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void complain(std::string_view sentence) {
  const Paint paint(STDERR_FILENO);
  to_standard_error(paint.red("penstock:") + ' ' + printable(sentence) + '\n');
}

int complain(const Failure& failure) {
  complain(failure.sentence());
  return protocol::exit_status(failure.code());
}

int complain(Exit exit, std::string_view sentence) {
  complain(sentence);
  return static_cast<int>(exit);
}

void remark(std::string_view sentence) {
  const Paint paint(STDERR_FILENO);
  to_standard_error(paint.yellow("penstock: note:") + ' ' + printable(sentence) + '\n');
}

int answer(std::string_view text, int exit) {
  if (print(text)) return exit;
  const int number = errno;
  return complain(Exit::resource, "standard output takes no more (" + std::generic_category().message(number) +
                                      "); make room, or keep the reader open");
}

}  // namespace penstock::tool
