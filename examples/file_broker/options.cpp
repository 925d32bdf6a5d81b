#include "options.hpp"

#include "system.hpp"

namespace file_broker {

Options Options::read(std::span<const std::string> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    const bool named = word.starts_with("--") && i + 1 < arguments.size();
    if (named) {
      options.named[std::string(word.substr(2))].push_back(arguments[++i]);
    } else {
      options.words.emplace_back(word);
    }
  }
  return options;
}

std::string Options::one(std::string_view name, std::string otherwise) const {
  const auto found = named.find(name);
  return found == named.end() ? std::move(otherwise) : found->second.back();
}

std::filesystem::path Options::path(std::string_view name) const {
  const auto text = one(name);
  return std::u8string(text.begin(), text.end());
}

std::vector<std::string> Options::all(std::string_view name) const {
  const auto found = named.find(name);
  return found == named.end() ? std::vector<std::string>() : found->second;
}

penstock::result<penstock::Endpoint> endpoint(const Options& options) {
  const auto scope = penstock::parse_scope(options.one("scope", "user"));
  if (!scope) return scope.error();
  return penstock::Endpoint::make(options.one("name", "file-broker"), *scope, options.one("directory"));
}

penstock::result<std::shared_ptr<penstock::AuditSink>> audit(const Options& options) {
  const auto file = options.one("audit");
  if (file.empty()) return std::shared_ptr<penstock::AuditSink>();
  if (file == "-") return penstock::json_audit_to(standard_error());
  return penstock::open_json_audit(file);
}

}  // namespace file_broker
