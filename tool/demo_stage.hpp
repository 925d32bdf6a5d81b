// Where the demo plays: a directory of its own, the programs and policies in it, and the users who act.
#pragma once

#include <optional>
#include <string>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

struct DemoUser {
  std::uint32_t id = 0;
  std::string name;
  [[nodiscard]] std::string text() const;  ///< "nobody (65534)"
};

/// As root: the helper is root's and the application nobody's. Else both are this user's. Removed with *this.
class DemoStage {
 public:
  [[nodiscard]] static result<DemoStage> build();
  DemoStage(DemoStage&& other) noexcept;
  DemoStage& operator=(DemoStage&&) = delete;
  ~DemoStage();

  bool as_root = false;
  DemoUser helper, application, stranger;  ///< stranger: neither of them; only with as_root
  std::string path;

  // Programs: the genuine one, and a copy of it at another place, which no rule names.
  [[nodiscard]] std::string genuine() const { return path + "/bin/penstock-file-broker"; }
  [[nodiscard]] std::string copy() const { return path + "/elsewhere/penstock-file-broker"; }
  // Directories that hold names.
  [[nodiscard]] std::string run() const { return path + "/run"; }        ///< the helper's
  [[nodiscard]] std::string weaker() const { return path + "/weaker"; }  ///< a helper's whose rule binds the user alone
  [[nodiscard]] std::string squat() const { return path + "/squat"; }    ///< the application user's own
  [[nodiscard]] std::string relay() const { return path + "/relay"; }
  [[nodiscard]] std::string vault() const { return path + "/vault"; }
  [[nodiscard]] std::string recording() const { return path + "/recording"; }
  // Policies.
  [[nodiscard]] std::string helper_policy() const { return path + "/helper.toml"; }
  [[nodiscard]] std::string application_policy() const { return path + "/application.toml"; }
  [[nodiscard]] std::string weaker_helper_policy() const { return path + "/weaker-helper.toml"; }
  [[nodiscard]] std::string weaker_application_policy() const { return path + "/weaker-application.toml"; }

  static constexpr const char* name = "files";
  static constexpr const char* report = "report.txt";    ///< the helper's rule names it
  static constexpr const char* payroll = "payroll.txt";  ///< and not this one
  static constexpr const char* report_text = "Quarterly report: the penstock held, and nothing leaked.\n";

 private:
  DemoStage() = default;
  [[nodiscard]] result<void> furnish(const std::string& broker);
};

}  // namespace penstock::tool
