#include "sample_runner.h"

namespace weir::server {

namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
}

std::string page(const std::string& runner, const http::RequestHead& head) {
  std::string text = "<!doctype html><meta charset=utf-8><title>" + runner + "</title>\n<h1>" +
                     runner + "</h1>\n<pre>\n";
  append_escaped(text, head.method_text);
  text += ' ';
  append_escaped(text, head.target);
  text += " HTTP/1.1\n";
  for (const http::Field& field : head.fields) {
    append_escaped(text, field.name);
    text += ": ";
    append_escaped(text, field.value);
    text += '\n';
  }
  return text + "</pre>\n";
}

}  // namespace

class SampleRunner::Visit final : public wire::RequestHandler {
 public:
  Visit(wire::InboundConnection& connection, std::string body)
      : connection_(connection), body_(std::move(body)) {}

 private:
  void on_request_body(std::string_view) override {}
  void on_request_end(const http::Fields&) override { is_whole_ = true; }
  void on_request_read_done() override {
    if (!is_whole_ || connection_.has_ended_response()) return;
    http::LocalResponse response;
    response.content_type = "text/html; charset=utf-8";
    response.body = body_;
    connection_.answer(response);
    connection_.release();
  }
  void on_client_failure(Failure, std::string_view) override { connection_.release(); }
  void on_client_progress(std::size_t) override {}

  wire::InboundConnection& connection_;
  std::string body_;
  bool is_whole_ = false;
};

Result<std::unique_ptr<SampleRunner>> SampleRunner::open(net::Loop& loop, wire::Context& context,
                                                         std::string name) {
  Result<net::ListeningSocket> socket =
      net::ListeningSocket::open(Endpoint{IpAddress::v4(0x7f000001, 0), {}}, net::ListenOptions{});
  if (!socket.ok()) return Err{socket.error()};
  return std::unique_ptr<SampleRunner>(
      new SampleRunner(loop, context, std::move(name), std::move(socket).value()));
}

SampleRunner::SampleRunner(net::Loop& loop, wire::Context& context, std::string name,
                           net::ListeningSocket socket)
    : loop_(loop),
      context_(context),
      name_(std::move(name)),
      socket_(std::move(socket)),
      acceptor_(loop, socket_, *this) {}

SampleRunner::~SampleRunner() = default;

void SampleRunner::on_accept(net::AcceptedSocket socket) {
  IpAddress peer = socket.peer();
  std::unique_ptr<net::Stream> stream = loop_.adopt(std::move(socket));
  if (stream == nullptr) return;
  auto connection = std::make_unique<wire::InboundConnection>(
      context_, static_cast<wire::InboundOwner&>(*this), std::move(stream), peer, 0);
  const wire::InboundConnection* key = connection.get();
  guests_[key].connection = std::move(connection);
}

void SampleRunner::on_request(wire::InboundConnection& connection, const http::RequestHead& head) {
  Guest& guest = guests_[&connection];
  context_.scheduler().retire(std::move(guest.visit));
  guest.visit = std::make_unique<Visit>(connection, page(name_, head));
  connection.attach(*guest.visit);
}

void SampleRunner::on_closed(wire::InboundConnection& connection) {
  auto found = guests_.find(&connection);
  context_.scheduler().retire(std::move(found->second.visit));
  context_.scheduler().retire(std::move(found->second.connection));
  guests_.erase(found);
}

}  // namespace weir::server
