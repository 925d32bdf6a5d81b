#include "tool/exit_code.hpp"

#include "tool/terminal.hpp"

namespace penstock::tool {
namespace {

void to_standard_error(std::string_view line) {
  static_cast<void>(write_all(Stream::error, line));  // there is nowhere to say that this failed
}

}  // namespace

void complain(std::string_view sentence) {
  const Paint paint(Stream::error);
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
  const Paint paint(Stream::error);
  to_standard_error(paint.yellow("penstock: note:") + ' ' + printable(sentence) + '\n');
}

int answer(std::string_view text, int exit) {
  const auto printed = write_all(Stream::output, text);
  if (printed) return exit;
  return complain(Exit::resource, "standard output takes no more (" + std::string(printed.error().sentence()) +
                                      "); make room, or keep the reader open");
}

}  // namespace penstock::tool
