// The side without privileges: plain blocking calls. It never sees the file's path resolved, only a descriptor that is
// open already, and it knows which process gave it that.
#include "application.hpp"

#include <penstock/blocking.hpp>

#include "system.hpp"

namespace file_broker {
int run_application(const Options& options) {
  if (options.words.empty()) {
    std::cerr << "penstock-file-broker: name the file to read.\n";
    return wrong_usage;
  }
  const auto where = endpoint(options);
  if (!where) return complain(where.error(), wrong_usage);
  penstock::ConnectOptions connect;
  auto policy = penstock::Policy::load(options.one("policy"));
  if (!policy) return complain(policy.error());
  connect.policy = std::move(*policy);
  auto sink = audit(options);
  if (!sink) return complain(sink.error());
  connect.audit = std::move(*sink);

  auto channel = penstock::blocking::connect(*where, connect);
  if (!channel) return complain(channel.error());
  std::cerr << "the helper is " << channel->peer().describe() << ", admitted by rule '"
            << channel->info().admission.rule() << "'\n";

  std::array<std::byte, 512> words;
  auto reply = channel->call("open", penstock::as_bytes(options.words.front()), words);
  if (!reply) return complain(reply.error());
  if (reply->status != 0 || reply->handles.size() != 1) {
    std::cerr << "penstock-file-broker: " << options.words.front() << ": "
              << penstock::as_text(std::span(words).first(reply->size)) << '\n';
    return helper_said_no;
  }
  if (!copy_out(reply->handles[0])) {
    std::cerr << "penstock-file-broker: the file could not be copied to standard output.\n";
    return helper_said_no;
  }
  return done;
}

}  // namespace file_broker
