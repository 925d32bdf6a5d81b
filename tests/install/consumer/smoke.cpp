// Uses the installed library a little: values, errors and sentences that only the linked library knows.
#include <penstock/endpoint.hpp>
#include <penstock/error.hpp>

#include <cstdio>
#include <string_view>

int main() {
  const auto good = penstock::Endpoint::make("backup", penstock::Scope::machine);
  if (!good) return 1;
  const auto bad = penstock::Endpoint::make("../escape");
  if (bad || bad.error().code() != penstock::Error::name_invalid) return 2;
  if (std::string_view(penstock::error_name(bad.error().code())) != "name_invalid") return 3;
  std::printf("%s\n%.*s\n", good->describe().c_str(), static_cast<int>(bad.error().sentence().size()),
              bad.error().sentence().data());
  return 0;
}
