// A program to be wrapped: what `cat`, `sh -c exit` and `env` are on Linux. Bytes go as they are.
//   cat | exit N | variable NAME [FILE] | fault | watch FILE (copies nothing; appends a line for each read and for the end of input)
#include <windows.h>

#include <cstdlib>
#include <fstream>
#include <string_view>
#include <vector>

namespace {

bool say(std::string_view text) {
  DWORD written = 0;
  return WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text.data(), static_cast<DWORD>(text.size()), &written, nullptr) != 0 &&
         written == text.size();
}

DWORD take(std::vector<char>& block) {
  DWORD got = 0;
  return ReadFile(GetStdHandle(STD_INPUT_HANDLE), block.data(), static_cast<DWORD>(block.size()), &got, nullptr) != 0 ? got : 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view mode = count > 1 ? arguments[1] : "";
  const char* const value = count > 2 ? arguments[2] : "";
  std::vector<char> block(65536);
  if (mode == "exit") return std::atoi(value);
  if (mode == "fault") TerminateProcess(GetCurrentProcess(), STATUS_ACCESS_VIOLATION);
  if (mode == "variable") {
    const char* const found = std::getenv(value) != nullptr ? std::getenv(value) : "(not set)";
    if (count > 3) return (std::ofstream(arguments[3]) << found) ? 0 : 1;
    return say(found) ? 0 : 1;
  }
  if (mode == "cat") {
    for (DWORD got = take(block); got > 0; got = take(block)) {
      if (!say({block.data(), got})) return 1;
    }
    return 0;
  }
  if (mode != "watch") return 2;
  std::ofstream log(value, std::ios::app);
  say("ready\n");
  for (DWORD got = take(block); got > 0; got = take(block)) log << "bytes" << std::endl;
  log << "EOF" << std::endl;
  return 0;
}
