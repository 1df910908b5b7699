#include "weir/admin/admin_server.h"

#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pages.h"
#include "weir/base/check.h"

namespace weir::admin {

// A connection and the request that is under way on it.
class AdminServer::Session final : public wire::RequestHandler {
 public:
  Session(AdminServer& server, std::unique_ptr<net::Stream> stream, const IpAddress& peer)
      : source_(server.source_), connection_(server.context_, server, std::move(stream), peer, 0) {}

  wire::InboundConnection& connection() { return connection_; }

  void begin(const http::RequestHead& head) {
    choice_ = choose(head);
    expects_continue_ = head.expects_continue;
    body_bytes_ = 0;
    connection_.attach(*this);
  }

  void on_request_body(std::string_view bytes) override {
    body_bytes_ += bytes.size();
    if (body_bytes_ <= kMaxAdminBodyBytes) return;
    send(error_answer(413, "body_too_large", "the request's body is larger than allowed"));
  }

  void on_request_end(const http::Fields&) override { send_chosen(); }

  // A client that waits for 100 Continue is spared its body.
  void on_request_read_done() override {
    if (expects_continue_) send_chosen();
  }

  void on_client_failure(Failure failure, std::string_view detail) override {
    const FailureRow& row = row_of(failure);
    bool can_answer = row.status != 0 && !connection_.has_begun_response();
    if (can_answer)
      send(error_answer(row.status, row.name, detail));
    else
      connection_.release();
  }

  void on_client_progress(std::size_t queued) override {
    if (connection_.has_ended_response() && queued <= net::kLowMarkBytes) connection_.release();
  }

 private:
  void send_chosen() {
    if (choice_.page != nullptr) return send(choice_.page(source_));
    send(choice_.refusal);
  }

  // The first one counts: an early refusal may still wait for a slow reader when the request ends.
  void send(const Answer& answer) {
    if (connection_.has_begun_response()) return;
    std::array<http::LocalField, 2> fields = {
        {{"Cache-Control", "no-store"}, {"Allow", answer.allow}}};
    std::size_t field_count = answer.allow.empty() ? 1 : 2;
    http::LocalResponse response;
    response.status = answer.status;
    response.content_type = answer.content_type;
    response.body = answer.body;
    response.fields = std::span(fields).first(field_count);
    connection_.answer(response);
    // Held until the client took it, so that one that asks and never reads cannot pile answers up.
    if (connection_.queued_bytes() <= net::kLowMarkBytes) connection_.release();
  }

  const AdminSource& source_;
  wire::InboundConnection connection_;
  Choice choice_;
  bool expects_continue_ = false;
  std::size_t body_bytes_ = 0;
};

AdminServer::AdminServer(wire::Context& context, const AdminSource& source,
                         const wire::InboundSettings& settings, std::size_t max_connections)
    : context_(context), source_(source), settings_(settings), max_connections_(max_connections) {}

AdminServer::~AdminServer() = default;

void AdminServer::accept(std::unique_ptr<net::Stream> stream, const IpAddress& peer) {
  if (sessions_.size() >= max_connections_) close_idle();
  if (sessions_.size() >= max_connections_) return;
  auto session = std::make_unique<Session>(*this, std::move(stream), peer);
  const wire::InboundConnection* key = &session->connection();
  sessions_.emplace(key, std::move(session));
}

void AdminServer::begin_closing() {
  is_closing_ = true;
  close_idle();
}

void AdminServer::close_idle() {
  // A list of its own: closing takes sessions out of the map.
  std::vector<wire::InboundConnection*> connections;
  for (auto& [key, session] : sessions_) connections.push_back(&session->connection());
  // Silent ones as well: whoever holds connections without a word must not keep the others out.
  for (wire::InboundConnection* connection : connections)
    if (connection->state() == wire::InboundConnection::State::kIdle) connection->cut();
}

void AdminServer::on_request(wire::InboundConnection& connection, const http::RequestHead& head) {
  auto found = sessions_.find(&connection);
  WEIR_CHECK(found != sessions_.end());
  found->second->begin(head);
}

void AdminServer::on_refused(wire::InboundConnection& connection, Failure failure,
                             std::string_view detail) {
  const FailureRow& row = row_of(failure);
  std::string body = std::string(row.text) + " (" + std::string(detail) + ")\n";
  http::LocalField no_store{"Cache-Control", "no-store"};
  http::LocalResponse response;
  response.status = row.status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = body;
  response.fields = std::span(&no_store, 1);
  connection.answer_refused(response);
}

void AdminServer::on_closed(wire::InboundConnection& connection) {
  auto found = sessions_.extract(&connection);
  WEIR_CHECK(!found.empty());
  context_.scheduler().retire(std::move(found.mapped()));
}

}  // namespace weir::admin
