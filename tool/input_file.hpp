// A file that the command line names, or standard input, for reading.
#pragma once

#include <string>

#include "penstock/bytes.hpp"
#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

class InputFile {
 public:
  /// `path`, or standard input for "-". io_error; the sentence is the system's reason alone.
  [[nodiscard]] static result<InputFile> open(const std::string& path);
  /// Bytes read; 0 is the end. io_error likewise.
  [[nodiscard]] result<std::size_t> read(bytes_span buffer) const;

 private:
  explicit InputFile(Handle handle) : handle_(std::move(handle)) {}
  Handle handle_;
};

/// Removes a file that this process made. What stays is not this process's to worry about.
void remove_own_file(const std::string& path) noexcept;

}  // namespace penstock::tool
