// docs/ERRORS.md, as the closed table says it.
#pragma once

#include <string>
#include <vector>

#include "penstock/error.hpp"

namespace penstock::test {

/// Every enumerator of Error, found by asking each number for its name.
[[nodiscard]] std::vector<Error> all_errors();

/// The whole page.
[[nodiscard]] std::string errors_page();

}  // namespace penstock::test
