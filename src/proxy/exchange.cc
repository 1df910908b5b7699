// Beginning, the client's events, the timers, the end.
#include "exchange.h"

#include <cstring>

#include "hop_trailers.h"
#include "limits.h"
#include "reply.h"
#include "weir/base/check.h"
#include "weir/base/guard.h"
#include "weir/http/body.h"

namespace weir::proxy {

Exchange::Exchange(Proxy& proxy, wire::InboundConnection& client, const http::RequestHead& head)
    : proxy_(proxy),
      client_(client),
      method_(head.method),
      timer_(net::Timer::bind<&Exchange::on_timer>(this)),
      request_timer_(net::Timer::bind<&Exchange::on_request_timeout>(this)) {
  proxy_.parts_.numbers.requests_begun.add();
  route_series_ = proxy_.no_route_series_;
  proxy_.parts_.numbers.received_from_clients_bytes.add(head.head_bytes);
  sent_to_client_before_ = client_.sent_bytes();
  upload_kind_ = head.body.has_body() ? head.body.kind : http::BodyKind::kNone;
  client_.attach(*this);
  route(head);
  // Without a request for a backend the head alone tells it.
  if (failure_.has_value()) wanted_form_.ask(head.fields);
}

Exchange::~Exchange() = default;

void Exchange::route(const http::RequestHead& head) {
  const ListenerSettings& listener = proxy_.listener_of(client_);
  http::ClientIdentity identity =
      http::identify_client(head, client_.peer(), listener.scheme, listener.trust);
  choose_request_id(head, identity.is_peer_trusted);
  remember(head, identity);
  if (std::optional<Failure> failure =
          http::check_forwardable(head, proxy_.settings_->server_name)) {
    failure_ = failure;
    return;
  }
  if (head.max_forwards == 0u) {
    prepare_last_hop_answer(head);
    return;
  }
  route::Match match =
      proxy_.routes_->find(head.host, head.path, identity.scheme, proxy_.path_scratch_);
  switch (match.outcome) {
    case route::Outcome::kNoRoute:
      failure_ = Failure::no_route;
      return;
    case route::Outcome::kTableEmpty:
      failure_ = Failure::table_empty;
      return;
    case route::Outcome::kUnsafePath:
      failure_ = Failure::bad_request;
      detail_ = "a .. segment under a route with a path";
      return;
    case route::Outcome::kMatched:
      break;
  }
  const route::Route& route = **match.route;
  route_series_ = proxy_.series_of(route);
  if (is_logged_)
    text_.add(RequestText::kRoute, route.label);
  else
    text_.add_cut(RequestText::kRoute, route.label);
  if (route.action == route::Route::Action::kQuarantined) {
    failure_ = Failure::route_quarantined;
    return;
  }
  pool_ = proxy_.pool_of(route.pool);
  if (!pool_ || pool_->backends().empty()) {
    failure_ = Failure::pool_empty;
    return;
  }
  prepare(head, identity);
}

// Serialises the head for the backend; it stays until the first response byte (DESIGN §3).
void Exchange::prepare(const http::RequestHead& head, const http::ClientIdentity& identity) {
  const backend::PoolSettings& settings = pool_->settings();
  if (settings.body_bytes > 0 && head.body.kind == http::BodyKind::kLength &&
      head.body.length > settings.body_bytes) {
    failure_ = Failure::body_too_large;
    return;
  }
  const ListenerSettings& listener = proxy_.listener_of(client_);
  std::string_view upgrade = http::allowed_upgrade(head, listener.trust);
  if (!upgrade.empty() && !head.body.has_body()) requested_upgrade_ = upgrade;
  sends_trailers_ = head.accepts_trailers;
  http::RequestForwarding how;
  how.peer = client_.peer();
  how.is_peer_trusted = identity.is_peer_trusted;
  how.scheme = identity.scheme;
  how.listener_port = listener.port;
  how.server_name = proxy_.settings_->server_name;
  how.request_id = {request_id_.data(), request_id_bytes_};
  how.host = settings.host;
  how.upgrade = requested_upgrade_;
  how.body = head.body;
  how.closes = !settings.keepalive;
  expects_continue_ = head.expects_continue;
  if (head.connection_names_fields) request_hop_names_ = connection_list(head.fields);
  request_ = proxy_.parts_.context.take_buffer();
  http::append_request_head(request_, head, how);
}

void Exchange::choose_request_id(const http::RequestHead& head, bool is_trusted) {
  if (is_trusted) {
    std::string_view given = head.fields.value(http::FieldId::kXRequestId);
    if (!given.empty() && given.size() <= request_id_.size()) {
      std::memcpy(request_id_.data(), given.data(), given.size());
      request_id_bytes_ = given.size();
      return;
    }
  }
  format_request_id(proxy_.parts_.rng.next(), proxy_.parts_.rng.next(), request_id_.data());
  request_id_bytes_ = 32;
}

void Exchange::on_request_body(std::string_view bytes) {
  body_bytes_in_ += bytes.size();
  // An answer that is complete, or our own, needs no more of the upload.
  if (failure_.has_value() || is_last_hop_ || state_ == ExchangeState::kReplying ||
      has_relayed_backend_)
    return;
  std::uint64_t limit = pool_->settings().body_bytes;
  if (limit > 0 && body_bytes_in_ > limit) {
    failure_ = Failure::body_too_large;
    if (state_ != ExchangeState::kRouting) on_client_failure(Failure::body_too_large, {});
    return;
  }
  if (bytes.size() >= kDirectUploadBytes && !is_request_kept_ && lease_.is_held()) {
    pass_upload(bytes);
    return;
  }
  if (upload_kind_ == http::BodyKind::kChunked) http::append_chunk_line(request_, bytes.size());
  request_.append(bytes);
  if (upload_kind_ == http::BodyKind::kChunked) request_.append("\r\n");
}

void Exchange::on_request_end(const http::Fields& trailers) {
  is_upload_complete_ = true;
  if (failure_.has_value() || is_last_hop_ || state_ == ExchangeState::kReplying ||
      has_relayed_backend_)
    return;
  if (upload_kind_ != http::BodyKind::kChunked) return;
  http::Fields kept;
  http::append_last_chunk(request_, without_named(trailers, request_hop_names_, kept));
}

void Exchange::on_request_read_done() {
  switch (state_) {
    case ExchangeState::kRouting:
      if (is_last_hop_) {
        answer_as_last_hop();
      } else if (failure_.has_value()) {
        reply(*failure_, detail_);
      } else {
        Duration limit = pool_->settings().timeouts.request;
        if (limit > Duration::zero()) proxy_.parts_.context.scheduler().arm(request_timer_, limit);
        pool_->earn_retry(proxy_.parts_.context.scheduler().now());
        attempt();
      }
      return;
    case ExchangeState::kHolding:
    case ExchangeState::kAcquiring:
    case ExchangeState::kBackingOff:
      if (request_.size() >= net::kHighMarkBytes) client_.pause_body();
      return;
    case ExchangeState::kAwaitingHead:
    case ExchangeState::kRelaying:
      send_upload();
      return;
    case ExchangeState::kTunnelling:
    case ExchangeState::kReplying:
    case ExchangeState::kDone:
      return;
  }
}

std::size_t Exchange::request_body_budget() const {
  std::size_t queued = lease_.is_held() ? lease_.connection().queued_bytes() : request_.size();
  return queued < net::kHighMarkBytes ? net::kHighMarkBytes - queued : 1;
}

void Exchange::on_client_failure(Failure failure, std::string_view detail) {
  bool can_answer = failure != Failure::client_gone && failure != Failure::client_write_timeout &&
                    !client_.has_begun_response() && state_ != ExchangeState::kTunnelling;
  if (can_answer) {
    reply(failure, detail);
  } else {
    finish(state_ == ExchangeState::kReplying ? failure_ : failure, Ending::kCut);
  }
}

void Exchange::on_client_progress(std::size_t queued) {
  if (state_ == ExchangeState::kReplying || has_relayed_backend_) {
    if (queued == 0) finish(failure_, Ending::kClean);
    return;
  }
  if (state_ == ExchangeState::kTunnelling && has_backend_ended_tunnel_) {
    end_tunnel_when_flushed();
    return;
  }
  if (queued <= net::kLowMarkBytes && lease_.is_held() && lease_.connection().is_reading_paused()) {
    lease_.connection().resume_reading();
    update_timer(Progress::kMade);
  }
}

bool Exchange::transition(ExchangeState to) {
  if (!is_legal(state_, to)) {
    misbehaved(name_of(to));
    return false;
  }
  if (state_ == ExchangeState::kHolding) stop_holding();
  state_ = to;
  return true;
}

Activity Exchange::client_activity() const {
  if (state_ == ExchangeState::kRouting || state_ == ExchangeState::kDone)
    return Activity::kNothing;
  if (client_.queued_bytes() > 0) return Activity::kReceiving;
  if (state_ == ExchangeState::kTunnelling) return Activity::kBothWays;
  if (is_upload_complete_ || client_.is_waiting_to_continue()) return Activity::kNothing;
  return client_.is_body_paused() ? Activity::kPaused : Activity::kSending;
}

Activity Exchange::backend_activity() const {
  switch (state_) {
    case ExchangeState::kAcquiring:
      return Activity::kConnecting;
    case ExchangeState::kHolding:
    case ExchangeState::kBackingOff:
      return Activity::kWaiting;
    case ExchangeState::kTunnelling:
      return Activity::kBothWays;
    case ExchangeState::kAwaitingHead:
      if (lease_.connection().is_reading_paused()) return Activity::kPaused;
      if (is_upload_broken_) return Activity::kThinking;
      if (lease_.connection().queued_bytes() > 0) return Activity::kReceiving;
      // The client may rightly wait for a 100: then the next word is the backend's.
      return is_upload_complete_ || client_.is_waiting_to_continue() ? Activity::kThinking
                                                                     : Activity::kNothing;
    case ExchangeState::kRelaying:
      if (!lease_.is_held()) return Activity::kNothing;
      return lease_.connection().is_reading_paused() ? Activity::kPaused : Activity::kSending;
    case ExchangeState::kRouting:
    case ExchangeState::kReplying:
    case ExchangeState::kDone:
      return Activity::kNothing;
  }
  return Activity::kNothing;
}

void Exchange::update_timer(Progress progress) {
  const TimerRow* row = find_timer(state_, Side::kBackend, backend_activity());
  if (row == nullptr) {
    misbehaved("a state without a timer");
    return;
  }
  ExchangeTimer wanted = row->timer == ExchangeTimer::kConnect ? ExchangeTimer::kNone : row->timer;
  // The deadline for the head runs from the last request byte: nothing restarts it.
  bool restarts = progress == Progress::kMade && wanted != ExchangeTimer::kResponseHead;
  if (wanted == armed_ && !restarts) return;
  armed_ = wanted;
  net::Scheduler& scheduler = proxy_.parts_.context.scheduler();
  switch (wanted) {
    case ExchangeTimer::kBackendWrite:
      scheduler.arm(timer_,
                    write_watch_.begin(scheduler.now(), pool_->settings().timeouts.backend_write));
      return;
    case ExchangeTimer::kResponseHead:
      scheduler.arm(timer_, pool_->settings().timeouts.response_head);
      return;
    case ExchangeTimer::kBackendBody:
      scheduler.arm(timer_, pool_->settings().timeouts.backend_body);
      return;
    case ExchangeTimer::kTunnelIdle:
      scheduler.arm(timer_, pool_->settings().timeouts.tunnel_idle);
      return;
    case ExchangeTimer::kHold:
      scheduler.arm(timer_, pool_->settings().timeouts.retry_window);
      return;
    case ExchangeTimer::kBackoff:
      scheduler.arm(timer_, backoff(tries_, proxy_.parts_.rng.below(4)));
      return;
    default:
      timer_.cancel();
      return;
  }
}

void Exchange::on_timer() {
  ExchangeTimer fired = armed_;
  armed_ = ExchangeTimer::kNone;
  switch (fired) {
    case ExchangeTimer::kHold:
      answer_without_backend();
      return;
    case ExchangeTimer::kBackoff:
      attempt();
      return;
    case ExchangeTimer::kBackendWrite:
      on_write_timer();
      return;
    case ExchangeTimer::kResponseHead:
      attempt_failed(Failure::response_head_timeout, false,
                     lease_.connection().has_response_bytes(), {});
      return;
    case ExchangeTimer::kBackendBody:
      finish(Failure::backend_body_timeout, Ending::kCut);
      return;
    case ExchangeTimer::kTunnelIdle:
      finish(Failure::tunnel_idle_timeout, Ending::kClean);
      return;
    default:
      misbehaved("a timer that is none of ours");
      return;
  }
}

void Exchange::on_request_timeout() {
  // The answer is complete: how long the client takes to read it is client_write's affair.
  if (state_ == ExchangeState::kReplying || has_relayed_backend_) return;
  if (client_.has_begun_response()) {
    finish(Failure::request_timeout, Ending::kCut);
  } else {
    reply(Failure::request_timeout, {});
  }
}

// A reply on its way keeps its reason.
void Exchange::cut(Failure failure) {
  finish(state_ == ExchangeState::kReplying ? failure_ : failure, Ending::kCut);
}

void Exchange::reply(Failure failure, std::string_view detail) {
  if (failed_in_ == ExchangeState::kDone) failed_in_ = state_;
  if (!transition(ExchangeState::kReplying)) return;
  failure_ = failure;
  status_ = row_of(failure).status;
  drop_backend();
  note_wanted_form();
  forget_request();
  update_timer(Progress::kNone);
  FailurePage page({.failure = failure,
                    .detail = detail,
                    .server_name = proxy_.settings_->server_name,
                    .request_id = {request_id_.data(), request_id_bytes_},
                    .wanted = wanted_form_,
                    .pages = proxy_.settings_->pages.get(),
                    .host = text_.get(RequestText::kHost)});
  http::LocalResponse response = page.response();
  response.keep_alive = failure != Failure::bad_request;  // R08
  client_.answer(response);
  body_bytes_out_ = method_ == http::Method::kHead ? 0 : page.response().body.size();
  finish_when_flushed();
}

void Exchange::prepare_last_hop_answer(const http::RequestHead& head) {
  is_last_hop_ = true;
  if (head.method != http::Method::kTrace) return;
  echo_.append(head.method_text)
      .append(" ")
      .append(head.target)
      .append(" HTTP/1.")
      .append(head.minor_version == 0 ? "0" : "1");
  echo_ += "\r\n";
  for (const http::Field& field : head.fields) {
    if (!http::may_echo(field)) continue;
    echo_.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  echo_ += "\r\n";
}

void Exchange::answer_as_last_hop() {
  if (!transition(ExchangeState::kReplying)) return;
  http::LocalResponse response;
  response.content_type = echo_.empty() ? "" : "message/http";
  response.body = echo_;
  status_ = response.status;
  body_bytes_out_ = echo_.size();
  client_.answer(response);
  finish_when_flushed();
}

void Exchange::finish_when_flushed() {
  if (client_.queued_bytes() == 0) {
    finish(failure_, Ending::kClean);
  } else {
    update_timer(Progress::kNone);
  }
}

void Exchange::finish(std::optional<Failure> failure, Ending ending) {
  WEIR_CHECK(state_ != ExchangeState::kDone);
  if (failed_in_ == ExchangeState::kDone) failed_in_ = state_;
  failure_ = failure;
  if (state_ == ExchangeState::kHolding) stop_holding();
  account();
  state_ = ExchangeState::kDone;
  timer_.cancel();
  request_timer_.cancel();
  armed_ = ExchangeTimer::kNone;
  drop_backend();
  forget_request();
  if (ending == Ending::kCut)
    client_.release_and_cut();
  else
    client_.release();
  proxy_.on_exchange_done(*this);
}

// We did something that the tables do not allow: this exchange ends, the process goes on; in tests
// it does not (DESIGN §6).
void Exchange::misbehaved(std::string_view what) {
  proxy_.parts_.log.error("internal error in an exchange",
                          {{"state", std::string(name_of(state_))},
                           {"what", std::string(what)},
                           {"request_id", std::string(request_id_.data(), request_id_bytes_)}});
#ifdef WEIR_STRICT
  WEIR_CHECK(!"an exchange misbehaved");
#endif
  if (state_ != ExchangeState::kDone) finish(Failure::internal, Ending::kCut);
}

bool Exchange::is_timed() const {
  const TimerRow* backend = find_timer(state_, Side::kBackend, backend_activity());
  if (backend == nullptr || find_timer(state_, Side::kClient, client_activity()) == nullptr)
    return false;
  if (backend->timer == ExchangeTimer::kConnect) return waiter_ != nullptr;
  return backend->timer == armed_ && timer_.is_armed() == (armed_ != ExchangeTimer::kNone);
}

}  // namespace weir::proxy
