// What a finished exchange leaves behind: numbers and its access log record.
#include "exchange.h"

namespace weir::proxy {

namespace {

struct Browser {
  std::string_view user_agent;
  std::string_view referer;
};

// The first field of each, in one pass over all of them.
Browser browser_of(const http::Fields& fields) {
  const http::Field* user_agent = nullptr;
  const http::Field* referer = nullptr;
  for (const http::Field& field : fields) {
    if (field.id == http::FieldId::kUserAgent && user_agent == nullptr) user_agent = &field;
    if (field.id == http::FieldId::kReferer && referer == nullptr) referer = &field;
  }
  Browser browser;
  if (user_agent != nullptr) browser.user_agent = user_agent->value;
  if (referer != nullptr) browser.referer = referer->value;
  return browser;
}

}  // namespace

void Exchange::remember(const http::RequestHead& head, const http::ClientIdentity& identity) {
  client_ip_ = identity.client;
  if (!proxy_.settings_->logs_requests) {
    text_.add_cut(RequestText::kMethod, head.method_text);
    text_.add_cut(RequestText::kHost, head.host);
    text_.add_cut(RequestText::kPath, head.path);
    return;
  }
  is_logged_ = true;
  scheme_ = http::name_of(identity.scheme);
  minor_version_ = head.minor_version;
  std::string_view target = proxy_.settings_->logs_queries ? head.target : std::string_view{};
  auto [user_agent, referer] = browser_of(head.fields);
  std::size_t bytes = head.method_text.size() + head.host.size() + head.path.size() +
                      target.size() + user_agent.size() + referer.size();
  if (!RequestText::has_room_for(bytes)) text_.lend_buffer(proxy_.parts_.context.take_buffer());
  text_.add(RequestText::kMethod, head.method_text);
  text_.add(RequestText::kHost, head.host);
  text_.add(RequestText::kPath, head.path);
  text_.add(RequestText::kTarget, target);
  text_.add(RequestText::kUserAgent, user_agent);
  text_.add(RequestText::kReferer, referer);
}

void Exchange::account() {
  observe::WorkerNumbers& numbers = proxy_.parts_.numbers;
  observe::ListenerNumbers& listener = proxy_.numbers_of(client_);
  TimePoint now = proxy_.parts_.context.scheduler().clock().now();
  Duration duration = now - client_.request_began();
  numbers.requests_finished.add();
  numbers.received_from_clients_bytes.add(body_bytes_in_);
  if (std::uint64_t sent = client_.sent_bytes(); sent > sent_to_client_before_)
    numbers.sent_to_clients_bytes.add(sent - sent_to_client_before_);
  listener.requests[static_cast<std::size_t>(status_ / 100)].add();
  listener.duration.observe(duration);
  if (failure_.has_value()) numbers.failures[static_cast<std::size_t>(*failure_)].add();
  proxy_.count_route(*route_series_, status_, duration, failure_);
  if (!is_logged_) return;
  if (proxy_.parts_.log_request) proxy_.parts_.log_request(record(now));
  proxy_.parts_.context.give_back(text_.take_buffer());
}

observe::RequestRecord Exchange::record(TimePoint now) const {
  observe::RequestRecord record;
  record.finished = proxy_.wall_at(now);
  record.listener = proxy_.listener_of(client_).name;
  record.client = client_ip_;
  record.method = text_.get(RequestText::kMethod);
  record.scheme = scheme_;
  record.host = text_.get(RequestText::kHost);
  std::string_view target = text_.get(RequestText::kTarget);
  record.path = target.empty() ? text_.get(RequestText::kPath) : target;
  record.minor_version = minor_version_;
  record.status = status_;
  record.bytes_in = body_bytes_in_;
  record.bytes_out = body_bytes_out_;
  record.duration = now - client_.request_began();
  record.hold = hold_duration_;
  record.connect = connect_duration_;
  record.response_head = response_head_duration_;
  record.route = text_.get(RequestText::kRoute);
  if (pool_) record.pool = pool_->spec().name;
  if (backend_) record.backend = backend_->address();
  record.tries = tries_;
  record.is_reused = is_reused_;
  record.failure = failure_;
  record.phase = phase();
  record.request_id = {request_id_.data(), request_id_bytes_};
  record.user_agent = text_.get(RequestText::kUserAgent);
  record.referer = text_.get(RequestText::kReferer);
  return record;
}

observe::RequestInFlight Exchange::in_flight() const {
  observe::RequestInFlight request;
  request.listener = proxy_.listener_of(client_).name;
  request.client = client_ip_;
  request.method = text_.get_cut(RequestText::kMethod);
  request.host = text_.get_cut(RequestText::kHost);
  request.path = text_.get_cut(RequestText::kPath);
  request.route = text_.get_cut(RequestText::kRoute);
  if (pool_) request.pool = pool_->spec().name;
  if (backend_) request.backend = backend_->address();
  request.state = name_of(state_);
  request.age = proxy_.parts_.context.scheduler().clock().now() - client_.request_began();
  request.bytes_in = body_bytes_in_;
  request.bytes_out = body_bytes_out_;
  request.tries = tries_;
  request.request_id.assign(request_id_.data(), request_id_bytes_);
  return request;
}

observe::Phase Exchange::phase() const {
  if (!failure_.has_value()) return observe::Phase::kDone;
  switch (failed_in_) {
    case ExchangeState::kRouting:
      return observe::Phase::kRouting;
    case ExchangeState::kHolding:
      return observe::Phase::kHold;
    case ExchangeState::kAcquiring:
    case ExchangeState::kBackingOff:
      return observe::Phase::kConnect;
    case ExchangeState::kAwaitingHead:
      return observe::Phase::kRequest;
    case ExchangeState::kRelaying:
      return observe::Phase::kResponse;
    case ExchangeState::kTunnelling:
      return observe::Phase::kTunnel;
    case ExchangeState::kReplying:
    case ExchangeState::kDone:
      break;
  }
  return observe::Phase::kDone;
}

}  // namespace weir::proxy
