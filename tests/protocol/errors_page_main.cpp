// penstock_errors_page > docs/ERRORS.md
#include <cstdio>

#include "tests/protocol/errors_page.hpp"

int main() {
  const auto page = penstock::test::errors_page();
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
