// What a finished exchange leaves behind: numbers and its access log record.
#include "exchange.h"
#include "log_text.h"

namespace weir::proxy {

void Exchange::remember_for_log(const http::RequestHead& head) {
  log_ = std::make_unique<LogText>();
  log_->text = proxy_.parts_.context.take_buffer();
  log_->minor_version = head.minor_version;
  log_->add(LogText::kMethod, head.method_text);
  log_->add(LogText::kHost, head.host);
  log_->add(LogText::kPath, proxy_.settings_->logs_queries ? head.target : head.path);
  log_->add(LogText::kUserAgent, head.fields.value(http::FieldId::kUserAgent));
  log_->add(LogText::kReferer, head.fields.value(http::FieldId::kReferer));
}

void Exchange::account() {
  observe::WorkerNumbers& numbers = proxy_.parts_.numbers;
  observe::ListenerNumbers& listener = proxy_.numbers_of(client_);
  Duration duration = proxy_.parts_.context.scheduler().clock().now() - client_.request_began();
  numbers.requests_finished.add();
  numbers.received_from_clients_bytes.add(body_bytes_in_);
  if (std::uint64_t sent = client_.sent_bytes(); sent > sent_to_client_before_)
    numbers.sent_to_clients_bytes.add(sent - sent_to_client_before_);
  listener.requests[static_cast<std::size_t>(status_ / 100)].add();
  listener.duration.observe(duration);
  if (failure_.has_value()) numbers.failures[static_cast<std::size_t>(*failure_)].add();
  proxy_.count_route(*route_series_, status_, duration, failure_);
  if (!log_) return;
  if (proxy_.parts_.log_request) proxy_.parts_.log_request(record(duration));
  proxy_.parts_.context.give_back(std::move(log_->text));
}

observe::RequestRecord Exchange::record(Duration duration) const {
  observe::RequestRecord record;
  record.finished = proxy_.parts_.context.scheduler().clock().wall();
  record.listener = proxy_.listener_of(client_).index;
  record.listener_name = proxy_.listener_of(client_).name;
  record.client = log_->client;
  record.method = log_->get(LogText::kMethod);
  record.scheme = log_->scheme;
  record.host = log_->get(LogText::kHost);
  record.path = log_->get(LogText::kPath);
  record.minor_version = log_->minor_version;
  record.status = status_;
  record.bytes_in = body_bytes_in_;
  record.bytes_out = body_bytes_out_;
  record.duration = duration;
  record.hold = hold_duration_;
  record.connect = connect_duration_;
  record.response_head = response_head_duration_;
  record.route = log_->get(LogText::kRoute);
  if (pool_) record.pool = pool_->spec().name;
  if (backend_) record.backend = backend_->shared().address();
  record.tries = tries_;
  record.is_reused = is_reused_;
  record.failure = failure_;
  record.phase = phase();
  record.request_id = {request_id_.data(), request_id_bytes_};
  record.user_agent = log_->get(LogText::kUserAgent);
  record.referer = log_->get(LogText::kReferer);
  return record;
}

observe::RequestInFlight Exchange::in_flight() const {
  observe::RequestInFlight request;
  request.listener = proxy_.listener_of(client_).name;
  request.client = client_ip_;
  request.method = text_.method();
  request.host = text_.host();
  request.path = text_.path();
  request.route = text_.route();
  if (pool_) request.pool = pool_->spec().name;
  if (backend_) request.backend = backend_->shared().address();
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
