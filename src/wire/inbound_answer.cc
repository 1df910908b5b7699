// Answering: from heads and body pieces to bytes for the client.
#include "inbound_work.h"
#include "weir/base/check.h"
#include "weir/http/body.h"
#include "weir/wire/inbound.h"

namespace weir::wire {

namespace {
// From this size on a body piece is sent from where it lies instead of being copied behind the
// head.
constexpr std::size_t kDirectBytes = 16 * 1024;
}  // namespace

void InboundConnection::send_informational(const http::ResponseHead& head,
                                           http::ResponseForwarding how) {
  if (state_ != State::kExchange || work_->minor_version == 0) return;
  how.client_minor_version = work_->minor_version;
  how.body = {};
  if (head.status == 100 && is_waiting_to_continue()) {
    work_->expects_continue = false;
    if (!is_body_paused_ && !is_deaf_) arm(TimerKind::kBody);
  }
  http::append_response_head(context_.out, head, how);
}

// The client's framing is our own affair: its version and method decide (R20, R27).
void InboundConnection::compose_head(const http::ResponseHead& head,
                                     http::ResponseForwarding& how) {
  Work& work = *work_;
  bool is_http_1_0 = work.minor_version == 0;
  keep_alive_ =
      work.wants_keep_alive && !owner_.wants_close(*this) && (!read_ended_ || !work.kept.is_empty());
  http::BodyFraming body = head.body;
  if (body.kind == http::BodyKind::kUntilClose || body.kind == http::BodyKind::kChunked)
    body.kind = is_http_1_0 ? http::BodyKind::kUntilClose : http::BodyKind::kChunked;
  if (body.kind == http::BodyKind::kUntilClose) keep_alive_ = false;
  // A final answer in place of the 100: the client may send its body or not (RFC 9110 §10.1.1).
  if (work.expects_continue && !request_is_complete_) keep_alive_ = false;
  work.answer_kind = body.kind;
  work.answer_left = body.length;
  how.client_minor_version = work.minor_version;
  how.body = body;
  how.keep_alive = keep_alive_;
  how.date = context_.date();
}

void InboundConnection::send_head(const http::ResponseHead& head, http::ResponseForwarding how) {
  WEIR_CHECK(response_ == ResponseState::kNone);
  response_ = ResponseState::kBegun;
  if (state_ != State::kExchange) return;
  compose_head(head, how);
  http::append_response_head(context_.out, head, how);
}

void InboundConnection::send_body(std::string_view bytes) {
  if (state_ != State::kExchange || bytes.empty()) return;
  Work& work = *work_;
  Buffer& out = context_.out;
  switch (work.answer_kind) {
    case http::BodyKind::kNone:
      return;
    case http::BodyKind::kLength:
      WEIR_CHECK(bytes.size() <= work.answer_left);
      work.answer_left -= bytes.size();
      break;
    case http::BodyKind::kChunked:
      http::append_chunk_line(out, bytes.size());
      break;
    case http::BodyKind::kUntilClose:
      break;
  }
  std::string_view end =
      work.answer_kind == http::BodyKind::kChunked ? std::string_view("\r\n") : std::string_view();
  if (bytes.size() < kDirectBytes) {
    out.append(bytes);
    out.append(end);
    return;
  }
  std::string_view slices[] = {out.view(), bytes, end};
  if (stream_->write(slices) == net::WriteResult::kBroken) is_broken_ = true;
  out.clear();
  note_sent();
}

void InboundConnection::end_response(const http::Fields& trailers) {
  response_ = ResponseState::kEnded;
  if (state_ != State::kExchange) return;
  if (work_->answer_kind == http::BodyKind::kChunked)
    http::append_last_chunk(context_.out, trailers);
}

void InboundConnection::answer(http::LocalResponse response) {
  WEIR_CHECK(response_ == ResponseState::kNone);
  response_ = ResponseState::kEnded;
  if (state_ != State::kExchange) return;
  Work& work = *work_;
  keep_alive_ = response.keep_alive && work.wants_keep_alive && request_is_complete_ && !is_deaf_ &&
                !owner_.wants_close(*this) && (!read_ended_ || !work.kept.is_empty());
  work.answer_kind = http::BodyKind::kLength;
  response.keep_alive = keep_alive_;
  response.client_minor_version = work.minor_version;
  response.is_head = work.is_head_request;
  response.date = context_.date();
  http::append_local_response(context_.out, response);
  flush();
}

void InboundConnection::answer_refused(http::LocalResponse response) {
  response_ = ResponseState::kEnded;
  response.keep_alive = false;
  response.is_head = work().is_head_request;
  response.date = context_.date();
  http::append_local_response(context_.out, response);
  flush();
}

net::WriteResult InboundConnection::flush() {
  Buffer& out = context_.out;
  if (state_ == State::kClosed) {
    out.clear();
    return net::WriteResult::kBroken;
  }
  if (!out.is_empty()) {
    if (stream_->write(out.view()) == net::WriteResult::kBroken) is_broken_ = true;
    out.clear();
    note_sent();
  }
  if (is_broken_) return net::WriteResult::kBroken;
  return stream_->queued_bytes() >= net::kHighMarkBytes ? net::WriteResult::kAboveMark
                                                        : net::WriteResult::kOk;
}

std::size_t InboundConnection::queued_bytes() const {
  return state_ == State::kClosed ? 0 : stream_->queued_bytes();
}

// A half-closed client that is gone answers what is sent with a reset; one that reads on is served.
void InboundConnection::note_sent() {
  if (timer_kind_ == TimerKind::kFin) arm(TimerKind::kFin);
  watch_writing();
}

void InboundConnection::watch_writing() {
  if (stream_->queued_bytes() == 0) return;
  net::Timer& timer = work().write_timer;
  if (timer.is_armed()) return;
  net::Scheduler& scheduler = context_.scheduler();
  Duration limit = owner_.inbound_settings().client_write;
  scheduler.arm(timer, work_->write_watch.begin(scheduler.now(), limit));
}

void InboundConnection::start_tunnel(const http::ResponseHead& head, http::ResponseForwarding how) {
  WEIR_CHECK(state_ == State::kExchange && response_ == ResponseState::kNone);
  response_ = ResponseState::kBegun;
  how.client_minor_version = work_->minor_version;
  how.body = {};
  how.date = context_.date();
  http::append_response_head(context_.out, head, how);
  state_ = State::kTunnel;
  arm(TimerKind::kNone);
  stream_->resume_reading(net::PauseReason::kPipelined);
}

Buffer InboundConnection::take_early_bytes() { return work_ ? std::move(work_->kept) : Buffer(); }

net::WriteResult InboundConnection::write_tunnel(std::string_view bytes) {
  net::WriteResult result = stream_->write(bytes);
  watch_writing();
  return result;
}

void InboundConnection::end_tunnel_writing() { stream_->end_writing(); }

}  // namespace weir::wire
