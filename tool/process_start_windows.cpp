// Sources: GetCommandLineW, CommandLineToArgvW, SetErrorMode, SetDefaultDllDirectories.
#include "tool/process_start.hpp"

#include <windows.h>
// Needs the one above.
#include <shellapi.h>

#include "crypto/windows_text.hpp"
#include "tool/standard_streams.hpp"

namespace penstock::tool {

bool prepare_process() {
  // A fault ends the process with its code; no window waits for a person who may not be there.
  ::SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
  // What is loaded later comes from the system's own directory, not from where we happen to be started.
  ::SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
  return occupy_standard_streams();
}

std::vector<std::string> arguments_of(int /*count*/, char** /*arguments*/) {
  // main()'s own are in the code page of this machine, where half of all names cannot be written, and patterns were replaced
  // by what they match.
  int count = 0;
  auto** words = ::CommandLineToArgvW(::GetCommandLineW(), &count);
  std::vector<std::string> out;
  for (int i = 1; words != nullptr && i < count; ++i) out.push_back(to_utf8(words[i]));
  ::LocalFree(words);
  return out;
}

}  // namespace penstock::tool
