#include "weir/admin/admin_server.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pages.h"
#include "weir/base/check.h"

namespace weir::admin {

// A connection and the request that is under way on it.
class AdminServer::Session final : public wire::RequestHandler, private ReplySink {
 public:
  Session(AdminServer& server, std::unique_ptr<net::Stream> stream, const Arrival& arrival)
      : server_(server),
        arrival_(arrival),
        connection_(server.context_, server, std::move(stream), arrival.peer, 0) {}
  ~Session() override { forget_reply(); }

  wire::InboundConnection& connection() { return connection_; }
  Door door() const { return arrival_.door; }
  // Still owes (a part of) its request.
  bool is_incomplete() const {
    using State = wire::InboundConnection::State;
    return connection_.state() == State::kIdle || connection_.state() == State::kHead ||
           (connection_.state() == State::kExchange && !is_asked_);
  }

  void begin(const http::RequestHead& head) {
    choice_ = choose(head, arrival_, *server_.access_);
    expects_continue_ = head.expects_continue;
    is_asked_ = false;
    body_bytes_ = 0;
    connection_.attach(*this);
  }

  void on_request_body(std::string_view bytes) override {
    body_bytes_ += bytes.size();
    if (body_bytes_ <= kMaxAdminBodyBytes || is_asked_) return;
    choice_.page = nullptr;
    choice_.refusal =
        error_answer(413, "body_too_large", "the request's body is larger than allowed");
    ask();
  }

  void on_request_end(const http::Fields&) override { ask(); }

  // A client that waits for 100 Continue is spared its body, and of one that is refused it is not
  // waited for.
  void on_request_read_done() override {
    bool is_refused = choice_.page == nullptr;
    if ((expects_continue_ || is_refused) && !connection_.has_begun_response()) ask();
  }

  void on_client_failure(Failure failure, std::string_view detail) override {
    is_asked_ = true;  // what was refused is not carried out any more
    forget_reply();
    const FailureRow& row = row_of(failure);
    bool can_answer = row.status != 0 && !connection_.has_begun_response();
    if (can_answer)
      on_reply(error_answer(row.status, row.name, detail));
    else
      connection_.release();
  }

  void on_client_progress(std::size_t queued) override {
    if (connection_.has_ended_response() && queued <= net::kLowMarkBytes) connection_.release();
  }

 private:
  // Once per request: the answer comes now or later.
  void ask() {
    if (std::exchange(is_asked_, true)) return;
    auto pending = std::make_shared<PendingReply>();
    pending->sink = this;
    pending->source = server_.source_;
    pending->by = choice_.request.by;
    pending->audited_action = std::move(choice_.audited_action);
    pending_ = pending;
    Reply reply(std::move(pending));
    if (choice_.page == nullptr) return reply.send(std::move(choice_.refusal));
    choice_.page(**server_.source_, choice_.request, std::move(reply));
  }

  // What was asked for goes on; its answer has nowhere to go.
  void forget_reply() {
    if (std::shared_ptr<PendingReply> pending = pending_.lock()) pending->sink = nullptr;
  }

  void on_reply(Answer answer) override {
    forget_reply();
    std::array<http::LocalField, 2> fields = {{{"Cache-Control", "no-store"}, {}}};
    std::size_t field_count = 1;
    if (!answer.allow.empty()) fields[field_count++] = {"Allow", answer.allow};
    if (answer.status == 401) fields[field_count++] = {"WWW-Authenticate", "Bearer realm=\"weir\""};
    http::LocalResponse response;
    response.status = answer.status;
    response.content_type = answer.content_type;
    response.body = answer.body;
    response.fields = std::span(fields).first(field_count);
    connection_.answer(response);
    // Held until the client took it, so that one that asks and never reads cannot pile answers up.
    if (connection_.queued_bytes() <= net::kLowMarkBytes) connection_.release();
  }

  AdminServer& server_;
  Arrival arrival_;
  wire::InboundConnection connection_;
  Choice choice_;
  std::weak_ptr<PendingReply> pending_;
  bool expects_continue_ = false;
  bool is_asked_ = false;
  std::size_t body_bytes_ = 0;
};

AdminServer::AdminServer(wire::Context& context, AdminSource& source,
                         const wire::InboundSettings& settings,
                         std::shared_ptr<const Access> access, std::size_t max_connections)
    : context_(context),
      source_(std::make_shared<AdminSource*>(&source)),
      settings_(settings),
      access_(std::move(access)),
      max_connections_(max_connections) {}

AdminServer::~AdminServer() = default;

template <typename Predicate>
void AdminServer::cut_where(Predicate is_unwanted) {
  // A list of its own: closing takes sessions out of the map.
  std::vector<wire::InboundConnection*> connections;
  for (auto& [key, session] : sessions_)
    if (is_unwanted(*session)) connections.push_back(&session->connection());
  for (wire::InboundConnection* connection : connections) connection->cut();
}

void AdminServer::accept(std::unique_ptr<net::Stream> stream, const Arrival& arrival) {
  if (is_full(arrival.door)) close_idle(arrival.door);
  if (is_full(arrival.door)) return;
  auto session = std::make_unique<Session>(*this, std::move(stream), arrival);
  const wire::InboundConnection* key = &session->connection();
  sessions_.emplace(key, std::move(session));
}

void AdminServer::begin_closing() {
  is_closing_ = true;
  cut_where([](Session& session) {
    return session.connection().state() == wire::InboundConnection::State::kIdle;
  });
}

// Half of the places are out of reach for those who come in by an address that is for anybody, and
// an eighth for everyone but those who may open the Unix socket's path.
bool AdminServer::is_full(Door door) const {
  std::size_t kept = std::min(std::max<std::size_t>(1, max_connections_ / 8), max_connections_ - 1);
  if (door == Door::kUnix) kept = 0;
  if (sessions_.size() + kept >= max_connections_) return true;
  if (door != Door::kMetrics) return false;
  auto scrapers = std::count_if(sessions_.begin(), sessions_.end(), [](const auto& entry) {
    return entry.second->door() == Door::kMetrics;
  });
  return static_cast<std::size_t>(scrapers) >= max_connections_ / 2;
}

// Those of the same kind of door who have not said what they want: silent ones, and those who let
// us wait for the rest of it. Whoever holds connections without a word must not keep the others
// out.
void AdminServer::close_idle(Door door) {
  cut_where([door](Session& session) {
    bool is_same_kind = (session.door() == Door::kMetrics) == (door == Door::kMetrics);
    return is_same_kind && session.is_incomplete();
  });
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
