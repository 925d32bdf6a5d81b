// The privileged side: opens files that only it may read, checks each against its own rule, and passes the descriptor.
// One coroutine for each application, all on one thread.
#include "helper.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <penstock/listener.hpp>
#include <set>

#include "system.hpp"
#include "vault.hpp"

namespace asio = boost::asio;

namespace file_broker {
namespace {

/// A channel, known to whoever has to close them all.
using Open = std::set<penstock::Channel*>;

asio::awaitable<void> answer(penstock::Channel& channel, const Vault& vault, penstock::RequestId request,
                             std::string_view path) {
  const auto opened = vault.open(path);
  // The descriptor is borrowed until the reply has left: `opened` lives that long, and closes ours then.
  const penstock::native_handle file[] = {opened.file.get()};
  const auto attached = std::span(file, opened.outcome == Outcome::opened ? 1 : 0);
  const std::string_view words = sentence(opened.outcome);
  boost::system::error_code error;
  co_await channel.async_reply(request, static_cast<std::uint32_t>(opened.outcome), asio::buffer(words), attached,
                               asio::redirect_error(asio::use_awaitable, error));
  // A caller that has gone is nobody's trouble: the next receive ends the loop.
}

asio::awaitable<void> serve(penstock::Channel channel, const Vault& vault, Open& open) {
  open.insert(&channel);
  std::cerr << "serving " << channel.peer().describe() << ", admitted by rule '" << channel.info().admission.rule()
            << "'\n";
  std::array<std::byte, 2048> buffer;
  for (;;) {
    boost::system::error_code error;
    const auto incoming =
        co_await channel.async_receive(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    // Policy says which operations this peer may call; what it may call and we do not know ends the channel.
    if (incoming.kind != penstock::MessageKind::request || incoming.operation() != "open") break;
    co_await answer(channel, vault, incoming.request, penstock::as_text(std::span(buffer).first(incoming.size)));
  }
  open.erase(&channel);
}

asio::awaitable<void> accept_all(penstock::Listener& listener, const Vault& vault, Open& open) {
  for (;;) {
    boost::system::error_code error;
    auto channel = co_await listener.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;  // closed: we are to end
    asio::co_spawn(listener.get_executor(), serve(std::move(channel), vault, open), asio::detached);
  }
}

}  // namespace

int run_helper(const Options& options) {
  const auto where = endpoint(options);
  if (!where) return complain(where.error(), wrong_usage);
  const Vault vault(options.one("root"), options.all("allow"));
  if (!vault.is_open()) {
    std::cerr << "penstock-file-broker: --root " << options.one("root") << " cannot be opened (" << vault.trouble()
              << "): name a directory that this user may enter.\n";
    return wrong_usage;
  }

  penstock::ListenOptions listen;
  auto policy = penstock::Policy::load(options.one("policy"));
  if (!policy) return complain(policy.error());
  listen.policy = std::move(*policy);
  auto sink = audit(options);
  if (!sink) return complain(sink.error());
  listen.audit = std::move(*sink);

  asio::io_context loop(1);
  auto listener = penstock::Listener::open(loop.get_executor(), *where, std::move(listen));
  if (!listener) return complain(listener.error());
  Open open;
  asio::co_spawn(loop, accept_all(*listener, vault, open), asio::detached);
  const EndRequest request(loop, options.one("end"), [&] {
    listener->close();
    for (auto* channel : open) channel->close();
  });
  loop.run();  // returns when the listener and every channel are closed
  return done;
}

}  // namespace file_broker
