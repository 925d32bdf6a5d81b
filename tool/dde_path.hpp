// Is a text a path of Windows that can name one file, and nothing but a file?
#pragma once

#include <string_view>

namespace penstock::tool {

/// Null for `C:\…`, and where `network` is set for `\\server\share\…`; else what is wrong, as the end of a sentence. Refused: relative
/// paths and those that begin at a drive's current directory; `\\?\` and `\\.\`; "/"; empty components, "." and ".."; names of devices
/// with any extension (CON, PRN, AUX, NUL, CONIN$, CONOUT$, CLOCK$, COM0–9, LPT0–9 and the three with superscript digits); streams
/// (":"); < > " | ? *; a component that ends in a dot or a space, which Windows would drop. Asks nothing of the file system: a drive may
/// be a network's, a component a link, and ~1 another name's. Source: "Naming Files, Paths, and Namespaces".
[[nodiscard]] const char* dde_path_fault(std::string_view utf8, bool network);

}  // namespace penstock::tool
