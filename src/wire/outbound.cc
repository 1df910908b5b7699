#include "weir/wire/outbound.h"

#include "weir/base/check.h"
#include "weir/base/guard.h"

namespace weir::wire {

namespace {
constexpr unsigned kMaxInformational = 16;  // R23
}

OutboundConnection::OutboundConnection(Context& context, std::unique_ptr<net::Stream> stream)
    : context_(context), stream_(std::move(stream)) {
  stream_->set_observer(this);
}

OutboundConnection::~OutboundConnection() { context_.give_back(std::move(partial_)); }

void OutboundConnection::start_request(http::Method method, const http::HeadLimits& limits,
                                       bool expects_continue) {
  WEIR_CHECK(state_ == State::kIdle || state_ == State::kComplete);
  method_ = method;
  limits_ = limits;
  sent_before_ = stream_->sent_bytes();
  informational_count_ = 0;
  progress_ = {};
  is_request_ended_ = false;
  has_response_bytes_ = false;
  keeps_alive_ = false;
  has_extra_bytes_ = false;
  expects_continue_ = expects_continue;
  state_ = State::kHead;
}

void OutboundConnection::on_read(std::string_view bytes) {
  if (observer_ == nullptr) return;
  switch (state_) {
    case State::kIdle:
    case State::kComplete:
      observer_->on_idle_event();
      return;
    case State::kTunnel:
      observer_->on_backend_tunnel_bytes(bytes);
      return;
    case State::kFailed:
      return;
    case State::kHead:
    case State::kBody:
      break;
  }
  has_response_bytes_ = true;
  if (partial_.is_empty()) {
    read_response(bytes);
    return;
  }
  partial_.append(bytes);
  Buffer input = std::move(partial_);
  partial_ = context_.take_buffer();
  read_response(input.view());
  context_.give_back(std::move(input));
}

void OutboundConnection::read_response(std::string_view bytes) {
  while (state_ == State::kHead) {
    if (!take_head(bytes)) return;
    if (observer_ == nullptr) return;
  }
  if (state_ == State::kTunnel) {
    if (!bytes.empty()) observer_->on_backend_tunnel_bytes(bytes);
    return;
  }
  if (state_ == State::kBody) take_body(bytes);
}

// True when a head was taken off `bytes` and its observer wants more.
bool OutboundConnection::take_head(std::string_view& bytes) {
  http::ResponseHead& head = context_.response_head;
  http::HeadResult result = http::parse_response_head(bytes, limits_, progress_, method_, head);
  if (result.status == http::HeadStatus::kRefused) {
    fail(Failure::bad_response, result.reason, false);
    return false;
  }
  if (result.status == http::HeadStatus::kIncomplete) {
    if (!bytes.empty()) {
      if (partial_.capacity() == 0) partial_ = context_.take_buffer();
      partial_.append(bytes);
    }
    observer_->on_response_read_done();
    return false;
  }
  progress_ = {};
  bytes.remove_prefix(head.head_bytes);
  if (head.is_informational() && head.status != 101) {
    if (++informational_count_ > kMaxInformational) {
      fail(Failure::bad_response, "too many informational responses", false);
      return false;
    }
    if (head.status == 100) expects_continue_ = false;
    observer_->on_informational(head);
    return observer_ != nullptr;
  }
  // R23: a backend that answers before it has read the request may never read the rest, or take it
  // for the next request.
  bool is_early = !is_request_ended_ || stream_->queued_bytes() > 0 || expects_continue_;
  keeps_alive_ = head.keeps_alive && !guard(Guard::kNoReuseAfterEarlyAnswer, is_early);
  body_ = http::BodyDecoder(head.body, limits_);
  state_ = State::kBody;
  observer_->on_head(head);
  return observer_ != nullptr;
}

void OutboundConnection::take_body(std::string_view bytes) {
  for (;;) {
    http::BodyDecoder::Step step = body_.next(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.event) {
      case http::BodyDecoder::Event::kData:
        observer_->on_body(step.data);
        if (observer_ == nullptr || state_ != State::kBody) return;
        break;
      case http::BodyDecoder::Event::kNeedMore:
        observer_->on_response_read_done();
        return;
      case http::BodyDecoder::Event::kDone:
        complete(!bytes.empty());
        return;
      case http::BodyDecoder::Event::kRefused:
        fail(Failure::response_cut, step.reason, false);
        return;
    }
  }
}

void OutboundConnection::complete(bool has_extra_bytes) {
  has_extra_bytes_ = has_extra_bytes;
  state_ = State::kComplete;
  observer_->on_response_end(body_.trailers());
}

bool OutboundConnection::is_reusable() const {
  if (!is_request_ended_ || stream_->queued_bytes() > 0 || state_ != State::kComplete) return false;
  if (guard(Guard::kNoReuseAfterExtraBytes, has_extra_bytes_)) return false;
  // A read may have stopped short at a descriptor or an urgent byte: the stream knows.
  if (stream_->may_hold_input() && stream_->has_input_waiting()) return false;
  return keeps_alive_ && body_.kind() != http::BodyKind::kUntilClose;
}

void OutboundConnection::on_read_end() {
  if (observer_ == nullptr) return;
  switch (state_) {
    case State::kIdle:
    case State::kComplete:
      observer_->on_idle_event();
      return;
    case State::kHead:
      fail(Failure::closed_before_response,
           has_response_bytes_ ? "the backend closed in the middle of the response head"
                               : "the backend closed without an answer",
           cannot_have_been_read(true));
      return;
    case State::kBody:
      if (body_.finish())
        complete(false);
      else
        fail(Failure::response_cut, "the backend closed in the middle of the response body", false);
      return;
    case State::kTunnel:
      observer_->on_backend_tunnel_end();
      return;
    case State::kFailed:
      return;
  }
}

void OutboundConnection::on_stream_error(net::StreamError) {
  if (observer_ == nullptr) return;
  switch (state_) {
    case State::kIdle:
    case State::kComplete:
      observer_->on_idle_event();
      return;
    case State::kHead:
      fail(Failure::closed_before_response, "the backend reset the connection before it answered",
           cannot_have_been_read(false));
      return;
    case State::kBody:
    case State::kTunnel:
      // A reset is not an end, also where only the end delimits the body (R24).
      fail(Failure::response_cut, "the backend reset the connection", false);
      return;
    case State::kFailed:
      return;
  }
}

// DESIGN §6: nothing of it was handed to the kernel, or the stream ended cleanly while the
// acknowledged bytes have not moved past the requests before.
bool OutboundConnection::cannot_have_been_read(bool is_clean_end) const {
  if (has_response_bytes_) return false;
  if (stream_->sent_bytes() == sent_before_) return true;
  if (!is_clean_end) return false;
  std::optional<std::uint64_t> acknowledged = stream_->acknowledged_bytes();
  return acknowledged.has_value() && *acknowledged <= sent_before_;
}

void OutboundConnection::fail(Failure failure, std::string_view detail, bool is_unread) {
  state_ = State::kFailed;
  observer_->on_failure(OutboundFailure{failure, detail, is_unread, has_response_bytes_});
}

void OutboundConnection::on_write_progress(std::size_t queued) {
  if (observer_ != nullptr) observer_->on_backend_progress(queued);
}

std::size_t OutboundConnection::read_budget() const {
  return observer_ == nullptr ? net::kHighMarkBytes : observer_->response_budget();
}

}  // namespace weir::wire
