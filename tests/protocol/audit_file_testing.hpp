// What the tests of audit files read back.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "penstock/audit.hpp"
#include "tests/support/scratch.hpp"

namespace penstock::test {

inline AuditEvent event_of(std::string_view detail) {
  AuditEvent event;
  event.kind = AuditKind::peer_refused;
  event.reason = Error::peer_refused;
  event.detail = detail;
  return event;
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// Whole lines and nothing else.
inline std::vector<nlohmann::json> events_of(const std::string& path) {
  std::vector<nlohmann::json> events;
  const auto text = contents_of(path);
  EXPECT_TRUE(text.empty() || text.back() == '\n') << path;
  for (const auto& line : lines_of(path)) {
    events.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_FALSE(events.back().is_discarded()) << line;
  }
  return events;
}

inline std::string refusal(const std::string& path) {
  const auto sink = open_json_audit(path);
  if (sink) return "";
  EXPECT_EQ(sink.error().code(), Error::audit_unavailable);
  return std::string(sink.error().sentence());
}

}  // namespace penstock::test
