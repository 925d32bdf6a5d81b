// Where the demo plays: a directory of its own, the programs and policies in it, and the users who act.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/handle.hpp"
#include "penstock/result.hpp"

namespace penstock::tool {

struct DemoUser {
  user_id id{};
  std::string name;
  [[nodiscard]] std::string text() const;  ///< "nobody (65534)"
};

/// Where a listener of the demo is found, by those who know Penstock and by those who do not.
struct DemoPlace {
  std::vector<std::string> endpoint;  ///< arguments of the broker
  std::string address;                ///< a socket's path, or a pipe's
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
  std::string one_user_note;                ///< why both are the same user; empty with as_root
  std::vector<std::string> helper_options;  ///< what the helper is told besides
  std::string file_printer;                 ///< only with as_root: a program that prints a file

  static const char separator;  ///< between the components of a path
  [[nodiscard]] std::string file(const char* name_there) const { return path + separator + name_there; }
  // Programs: the genuine one, and a copy of it at another place, which no rule names.
  [[nodiscard]] std::string genuine() const { return file("bin") + separator + broker_name; }
  [[nodiscard]] std::string copy() const { return file("elsewhere") + separator + broker_name; }
  // Where names stand.
  [[nodiscard]] DemoPlace run() const { return place("run"); }        ///< the helper's
  [[nodiscard]] DemoPlace weaker() const { return place("weaker"); }  ///< a helper's whose rule binds the user alone
  [[nodiscard]] DemoPlace squat() const { return place("squat"); }    ///< where the application's user may put something
  /// Where a relay stands that leads to `target`. The endpoint's name is the same, so that it is not the name that stops it.
  /// Linux: in another directory. Windows: at `target` itself, as one more instance of its pipe.
  [[nodiscard]] DemoPlace relay_to(const DemoPlace& target) const;
  /// What stands at a place now, to be compared: it is the same one as long as this is the same text. Empty for nothing.
  [[nodiscard]] static std::string stands_at(const DemoPlace& place);
  [[nodiscard]] std::string vault() const { return file("vault"); }
  [[nodiscard]] std::string recording() const { return file("recording"); }
  // Policies.
  [[nodiscard]] std::string helper_policy() const { return file("helper.toml"); }
  [[nodiscard]] std::string application_policy() const { return file("application.toml"); }
  [[nodiscard]] std::string weaker_helper_policy() const { return file("weaker-helper.toml"); }
  [[nodiscard]] std::string weaker_application_policy() const { return file("weaker-application.toml"); }

  static const char* const broker_name;  ///< the example's program, with the extension that programs have here
  /// Linux: a descriptor travels with the bytes. Windows: the helper puts a handle into the process that it proved, which is the
  /// relay then, so the application gets none.
  static const bool handles_pass_a_relay;
  static constexpr const char* name = "files";
  static constexpr const char* report = "report.txt";    ///< the helper's rule names it
  static constexpr const char* payroll = "payroll.txt";  ///< and not this one
  static constexpr const char* report_text = "Quarterly report: the penstock held, and nothing leaked.\n";

 private:
  DemoStage() = default;
  [[nodiscard]] DemoPlace place(const char* which) const;
  /// Users, directories and programs.
  [[nodiscard]] result<void> set_up();
  /// Policies and the files that are served.
  [[nodiscard]] result<void> furnish() const;
};

}  // namespace penstock::tool
