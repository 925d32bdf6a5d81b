// The one error convention: what can fail returns result<T>, which holds a T or a Failure.
// Nothing in Penstock throws for a refusal, a hostile peer or a full disk.
#pragma once

#include <boost/system/result.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "penstock/error.hpp"

namespace penstock {

/// Why something was refused: a code for programs and, where it was set up by a person, a sentence for them.
/// Cheap to make from a bare code (no allocation), so it serves hot paths too.
class Failure {
 public:
  Failure() = default;
  Failure(Error code) noexcept : code_(code) {}  // NOLINT: `return Error::closed;` is the idiom
  Failure(Error code, std::string sentence)
      : code_(code), sentence_(std::make_shared<const std::string>(std::move(sentence))) {}

  [[nodiscard]] Error code() const noexcept { return code_; }

  /// What is wrong and what to do. Falls back to error_sentence(code()). Valid as long as *this.
  [[nodiscard]] std::string_view sentence() const noexcept {
    return sentence_ ? std::string_view(*sentence_) : std::string_view(error_sentence(code_));
  }

  [[nodiscard]] operator boost::system::error_code() const noexcept { return make_error_code(code_); }

  friend bool operator==(const Failure& failure, Error code) noexcept { return failure.code_ == code; }

 private:
  Error code_ = Error::none;
  std::shared_ptr<const std::string> sentence_;
};

template <class T>
using result = boost::system::result<T, Failure>;

/// boost::system::result calls this from value() on an error. Penstock itself never does: it asks first.
[[noreturn]] void throw_exception_from_error(const Failure& failure, const boost::source_location& where);

}  // namespace penstock
