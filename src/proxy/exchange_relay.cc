// The backend's events: the answer on its way to the client, and tunnels.
#include "exchange.h"
#include "hop_trailers.h"
#include "weir/base/guard.h"
#include "weir/http/forward.h"

namespace weir::proxy {

namespace {
const http::Fields kNoFields;
}

void Exchange::on_informational(const http::ResponseHead& head) {
  note_wanted_form();
  forget_kept_request();
  proxy_.parts_.numbers.received_from_backends_bytes.add(head.head_bytes);
  http::ResponseForwarding how;
  how.server_name = proxy_.settings_->server_name;
  client_.send_informational(head, how);
}

void Exchange::on_head(const http::ResponseHead& head) {
  if (head.status == 101) note_wanted_form();  // which may be refused
  forget_kept_request();
  proxy_.parts_.numbers.received_from_backends_bytes.add(head.head_bytes);
  backend_->count_request(head.status / 100);
  if (backend_->is_failing()) say_recovered();
  // An answer may come before the request is sent.
  if (is_upload_complete_) {
    response_head_duration_ = proxy_.parts_.context.scheduler().clock().now() - sent_at_;
    pool_->numbers().response_head.observe(*response_head_duration_);
  }
  if (head.status == 101) {
    start_tunnel(head);
    return;
  }
  keep_alive_timeout_seconds_ = head.keep_alive_timeout_seconds;
  if (!transition(ExchangeState::kRelaying)) return;
  status_ = head.status;
  if (head.connection_names_fields && sends_trailers_)
    response_hop_names_ = connection_list(head.fields);
  http::ResponseForwarding how;
  how.server_name = proxy_.settings_->server_name;
  how.sends_trailers = sends_trailers_;
  client_.send_head(head, how);
}

void Exchange::on_body(std::string_view bytes) {
  body_bytes_out_ += bytes.size();
  proxy_.parts_.numbers.received_from_backends_bytes.add(bytes.size());
  client_.send_body(bytes);
}

void Exchange::on_response_read_done() {
  net::WriteResult result = client_.flush();
  if (result == net::WriteResult::kBroken) {
    finish(Failure::client_gone, Ending::kCut);
    return;
  }
  if (guard(Guard::kPauseBackendWhenFull, result == net::WriteResult::kAboveMark))
    lease_.connection().pause_reading();
  update_timer(Progress::kMade);
}

std::size_t Exchange::response_budget() const {
  std::size_t queued = client_.queued_bytes();
  return queued < net::kHighMarkBytes ? net::kHighMarkBytes - queued : 1;
}

void Exchange::on_response_end(const http::Fields& trailers) {
  has_relayed_backend_ = true;
  http::Fields kept;
  client_.end_response(sends_trailers_ ? without_named(trailers, response_hop_names_, kept)
                                       : kNoFields);
  net::WriteResult result = client_.flush();
  release_backend();
  if (result == net::WriteResult::kBroken) {
    finish(Failure::client_gone, Ending::kCut);
  } else {
    finish_when_flushed();
  }
}

void Exchange::on_failure(const wire::OutboundFailure& failure) {
  if (state_ == ExchangeState::kAwaitingHead) {
    client_.flush();
    attempt_failed(failure.failure, failure.is_unread, failure.has_response_bytes, failure.detail);
    return;
  }
  failed_in_ = state_;
  if (!guard(Guard::kCutOnIncompleteResponse, true)) client_.end_response(kNoFields);
  client_.flush();
  finish(failure.failure, Ending::kCut);
}

void Exchange::on_backend_progress(std::size_t queued) {
  if (state_ == ExchangeState::kTunnelling && has_client_ended_tunnel_) {
    end_tunnel_when_flushed();
    return;
  }
  if (queued <= net::kLowMarkBytes) client_.resume_body();
  update_timer(Progress::kMade);
}

// A response byte came: no attempt can follow, nothing needs to be kept.
void Exchange::forget_kept_request() {
  if (is_upload_complete_)
    forget_request();
  else
    is_request_kept_ = false;
}

// R23: only what was asked for, and only after the whole request.
void Exchange::start_tunnel(const http::ResponseHead& head) {
  if (requested_upgrade_.empty() || !is_upload_complete_ ||
      !http::equals_ignoring_case(head.upgrade, requested_upgrade_)) {
    attempt_failed(Failure::bad_response, false, true, "a protocol switch that was not asked for");
    return;
  }
  if (!transition(ExchangeState::kTunnelling)) return;
  request_timer_.cancel();  // a tunnel has its own limit
  status_ = 101;
  http::ResponseForwarding how;
  how.server_name = proxy_.settings_->server_name;
  how.upgrade = head.upgrade;
  client_.start_tunnel(head, how);
  lease_.connection().start_tunnel();
  Buffer early = client_.take_early_bytes();
  if (client_.flush() == net::WriteResult::kBroken) {
    finish(Failure::client_gone, Ending::kCut);
    return;
  }
  if (!early.is_empty()) on_tunnel_bytes(early.view());
  if (client_.has_client_ended()) on_tunnel_end();
  if (state_ == ExchangeState::kTunnelling) update_timer(Progress::kMade);
}

void Exchange::on_tunnel_bytes(std::string_view bytes) {
  body_bytes_in_ += bytes.size();
  proxy_.parts_.numbers.sent_to_backends_bytes.add(bytes.size());
  // A broken backend says so by its end of stream, after what it still had to say.
  if (lease_.connection().write_tunnel(bytes) == net::WriteResult::kAboveMark) client_.pause_body();
  update_timer(Progress::kMade);
}

void Exchange::on_backend_tunnel_bytes(std::string_view bytes) {
  body_bytes_out_ += bytes.size();
  proxy_.parts_.numbers.received_from_backends_bytes.add(bytes.size());
  net::WriteResult result = client_.write_tunnel(bytes);
  if (result == net::WriteResult::kBroken) {
    finish(Failure::client_gone, Ending::kCut);
    return;
  }
  if (result == net::WriteResult::kAboveMark) lease_.connection().pause_reading();
  update_timer(Progress::kMade);
}

void Exchange::on_tunnel_end() {
  has_client_ended_tunnel_ = true;
  lease_.connection().end_tunnel_writing();
  end_tunnel_when_flushed();
}

void Exchange::on_backend_tunnel_end() {
  has_backend_ended_tunnel_ = true;
  client_.end_tunnel_writing();
  end_tunnel_when_flushed();
}

// A tunnel ends when both sides have, and each has what the other sent.
void Exchange::end_tunnel_when_flushed() {
  if (has_client_ended_tunnel_ && has_backend_ended_tunnel_ && client_.queued_bytes() == 0 &&
      lease_.connection().queued_bytes() == 0) {
    finish(std::nullopt, Ending::kClean);
  } else {
    update_timer(Progress::kMade);
  }
}

}  // namespace weir::proxy
