// Which file a program's name means.
#pragma once

#include <string>

#include "penstock/result.hpp"

namespace penstock::tool {

/// A full path, or not_found, permission_denied (a batch file, a directory), with a sentence. A name is looked for in PATH and
/// nowhere else: not in the current directory, where somebody may have put one of that name.
[[nodiscard]] result<std::wstring> find_program_file(const std::string& program);

}  // namespace penstock::tool
