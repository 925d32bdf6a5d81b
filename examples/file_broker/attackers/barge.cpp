#include <string>

#include "attackers.hpp"
#include "raw_connection.hpp"

namespace file_broker {

int run_barge(const Options& options) {
  const auto helper = connect_to(options.one("target"));
  if (!helper) return no_channel;
  Loot question;
  question.bytes = "open " + std::string(200, '.') + "/report.txt\n";  // more than a first frame has
  const bool sent = pass_on(helper, question);
  finish_sending(helper);
  std::size_t received = 0;
  for (auto loot = take(helper); !loot.bytes.empty(); loot = take(helper)) received += loot.bytes.size();
  std::cout << "sent=" << (sent ? question.bytes.size() : 0) << " received=" << received << std::endl;
  return done;
}

}  // namespace file_broker
