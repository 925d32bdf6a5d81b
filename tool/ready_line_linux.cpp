#include <unistd.h>

#include "tool/ready_line.hpp"

namespace penstock::tool {

bool say_ready(std::int64_t number) {
  const int raw = static_cast<int>(number);
  if (::write(raw, "ready\n", 6) != 6) return false;
  ::close(raw);
  return true;
}

}  // namespace penstock::tool
