// gRPC with local credentials over unix:, one bidirectional stream for each connection. The generic interface moves
// byte buffers, so neither a schema nor generated code stands between the messages and the transport.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstring>

#include "bench/contender.hpp"

namespace penstock::bench {
namespace {

constexpr const char* method = "/penstock.bench/stream";

// One operation at a time: it is started, then waited for here. False when it did not end well.
bool ended_well(grpc::CompletionQueue& queue, void* operation) {
  void* tag = nullptr;
  bool good = false;
  while (queue.Next(&tag, &good)) {
    if (tag == operation) return good;
  }
  return false;
}

void drain(grpc::CompletionQueue& queue) {
  queue.Shutdown();
  (void)ended_well(queue, nullptr);
}

void send_on(grpc::CompletionQueue& queue, auto& stream, bytes_view message) {
  const grpc::Slice slice(message.data(), message.size());
  stream.Write(grpc::ByteBuffer(&slice, 1), &stream);
  if (!ended_well(queue, &stream)) fail("gRPC, write: the stream has ended");
}

void receive_on(grpc::CompletionQueue& queue, auto& stream, bytes_span message) {
  grpc::ByteBuffer buffer;
  stream.Read(&buffer, &stream);
  if (!ended_well(queue, &stream)) fail("gRPC, read: the stream has ended");
  if (buffer.Length() != message.size()) fail("gRPC: a message of the wrong size");
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) fail("gRPC: a message that cannot be read");
  auto* at = message.data();
  for (const auto& slice : slices) {
    std::memcpy(at, slice.begin(), slice.size());
    at += slice.size();
  }
}

class ServerConnection final : public Connection {
 public:
  ServerConnection(grpc::AsyncGenericService& service, grpc::ServerCompletionQueue& queue)
      : queue_(queue), stream_(&context_) {
    service.RequestCall(&context_, &stream_, &queue_, &queue_, this);
    if (!ended_well(queue_, this)) fail("gRPC, accept: the server has ended");
  }
  ~ServerConnection() override {
    stream_.Finish(grpc::Status::OK, this);
    (void)ended_well(queue_, this);
  }

  void send(bytes_view message) override { send_on(queue_, stream_, message); }
  void receive(bytes_span message) override { receive_on(queue_, stream_, message); }

 private:
  grpc::ServerCompletionQueue& queue_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
};

class GrpcServer final : public Server {
 public:
  explicit GrpcServer(const std::string& directory) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + directory + "/grpc.sock", grpc::experimental::LocalServerCredentials(UDS));
    builder.RegisterAsyncGenericService(&service_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    if (!server_) fail("gRPC: the server did not start");
  }
  ~GrpcServer() override {
    server_->Shutdown(std::chrono::system_clock::now());
    drain(*queue_);
  }
  std::unique_ptr<Connection> accept() override { return std::make_unique<ServerConnection>(service_, *queue_); }

 private:
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
};

class ClientConnection final : public Connection {
 public:
  explicit ClientConnection(const std::string& address) {
    grpc::ChannelArguments arguments;
    // Without this, connections to one address share one socket.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    grpc::GenericStub stub(grpc::CreateCustomChannel(address, grpc::experimental::LocalCredentials(UDS), arguments));
    stream_ = stub.PrepareCall(&context_, method, &queue_);
    stream_->StartCall(this);
    if (!ended_well(queue_, this)) fail("gRPC, connect: the server was not reached");
  }
  ~ClientConnection() override {
    context_.TryCancel();
    drain(queue_);
  }

  void send(bytes_view message) override { send_on(queue_, *stream_, message); }
  void receive(bytes_span message) override { receive_on(queue_, *stream_, message); }

 private:
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

class GrpcClient final : public Client {
 public:
  explicit GrpcClient(const std::string& directory) : address_("unix:" + directory + "/grpc.sock") {}
  std::unique_ptr<Connection> connect() override { return std::make_unique<ClientConnection>(address_); }

 private:
  std::string address_;
};

}  // namespace

void add_grpc(std::vector<Contender>& list) {
  Contender made;
  made.name = "grpc-local";
  made.what = "gRPC with local credentials over unix: (identity of the user, no encryption)";
  made.events = {true, true, true, true};
  made.slowness = 8;
  made.serve = [](const std::string& directory) { return std::make_unique<GrpcServer>(directory); };
  made.client = [](const std::string& directory) { return std::make_unique<GrpcClient>(directory); };
  list.push_back(std::move(made));
}

}  // namespace penstock::bench
