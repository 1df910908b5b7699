// Reading: from bytes to requests, the client side's timers, and the connection's end.
#include "weir/wire/inbound.h"

#include "inbound_work.h"
#include "weir/base/check.h"
#include "weir/base/guard.h"
#include "weir/http/body.h"

namespace weir::wire {

namespace {
const http::Fields kNoFields;
// In a drain, for a client that was accepted but has not sent a byte.
constexpr Duration kFirstRequestGrace = std::chrono::seconds(1);
}  // namespace

InboundConnection::InboundConnection(Context& context, InboundOwner& owner,
                                     std::unique_ptr<net::Stream> stream, const IpAddress& peer,
                                     std::uint32_t listener)
    : context_(context),
      owner_(owner),
      stream_(std::move(stream)),
      timer_(net::Timer::bind<&InboundConnection::on_timer>(this)),
      peer_(peer),
      listener_(listener) {
  stream_->set_observer(this);
  arm(TimerKind::kHead);
}

InboundConnection::~InboundConnection() = default;

InboundConnection::Work& InboundConnection::work() {
  if (!work_) work_ = std::make_unique<Work>(this);
  return *work_;
}

void InboundConnection::on_read(std::string_view bytes) {
  if (is_deaf_) return;
  if (state_ == State::kTunnel) {
    handler_->on_tunnel_bytes(bytes);
    return;
  }
  if (!work_ || work_->kept.is_empty() || state_ == State::kExchange) {
    read_requests(bytes);
    return;
  }
  work_->kept.append(bytes);
  read_kept();
}

// Reads what was kept. It moves out first, because what is left over is kept anew.
void InboundConnection::read_kept() {
  Buffer input = std::move(work_->kept);
  work_->kept = context_.take_buffer();
  stream_->resume_reading(net::PauseReason::kPipelined);
  read_requests(input.view());
  context_.give_back(std::move(input));
}

void InboundConnection::read_requests(std::string_view bytes) {
  is_reading_ = true;
  bool was_in_body = state_ == State::kExchange && !request_is_complete_;
  while (!bytes.empty() && state_ != State::kClosed && !is_deaf_) {
    if (state_ == State::kIdle || state_ == State::kHead) {
      bytes = take_head(bytes);
    } else if (state_ == State::kExchange && !request_is_complete_) {
      bytes = take_body(bytes);
    } else {
      keep(bytes);
      break;
    }
  }
  is_reading_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kExchange && handler_ != nullptr) {
    // Silence begins anew with each read of the body, the first one after an Expect included.
    bool is_in_body =
        !request_is_complete_ && !is_body_paused_ && !is_deaf_ && !is_waiting_to_continue();
    if (is_in_body && (was_in_body || timer_kind_ != TimerKind::kBody)) arm(TimerKind::kBody);
    handler_->on_request_read_done();
    return;
  }
  bool is_between_requests = state_ == State::kIdle && work_->kept.is_empty();
  if (read_ended_ || (is_between_requests && owner_.closes_idle())) {
    close(Closing::kGraceful);
  } else if (is_between_requests) {
    forget_work();
  }
}

void InboundConnection::forget_work() {
  context_.give_back(std::move(work_->kept));
  work_.reset();
}

// Returns what is left behind the head; nothing when it is incomplete (then the bytes are kept).
std::string_view InboundConnection::take_head(std::string_view bytes) {
  bool is_first_byte = state_ == State::kIdle;
  if (is_first_byte) {
    request_began_ = context_.scheduler().now();
    state_ = State::kHead;
  }
  http::RequestHead& head = context_.request_head;
  http::HeadResult result =
      http::parse_request_head(bytes, owner_.inbound_settings().limits, work().progress, head);
  switch (result.status) {
    case http::HeadStatus::kIncomplete:
      keep(bytes);
      // A deadline from the first byte: later bytes do not move it (R32).
      if (is_first_byte && !is_first_request_) arm(TimerKind::kHead);
      return {};
    case http::HeadStatus::kRefused:
      refuse(result.failure, result.reason, bytes);
      return {};
    case http::HeadStatus::kComplete:
      break;
  }
  std::size_t head_bytes = head.head_bytes;
  begin_request();
  return bytes.substr(head_bytes);
}

void InboundConnection::begin_request() {
  http::RequestHead& head = context_.request_head;
  Work& work = *work_;
  work.progress = {};
  work.body = http::BodyDecoder(head.body, owner_.inbound_settings().limits);
  work.minor_version = head.minor_version;
  work.is_head_request = head.method == http::Method::kHead;
  work.wants_keep_alive = head.wants_keep_alive;
  work.expects_continue = head.expects_continue;
  bool has_body = head.body.has_body();
  state_ = State::kExchange;
  response_ = ResponseState::kNone;
  request_is_complete_ = false;
  is_first_request_ = false;
  keep_alive_ = false;
  timer_.cancel();
  timer_kind_ = TimerKind::kNone;
  owner_.on_request(*this, head);
  WEIR_CHECK(handler_ != nullptr);
  if (has_body) {
    if (!is_waiting_to_continue()) arm(TimerKind::kBody);
  } else {
    complete_request(kNoFields);
  }
}

void InboundConnection::complete_request(const http::Fields& trailers) {
  request_is_complete_ = true;
  if (read_ended_ || is_end_waiting_) {
    arm(TimerKind::kFin);
  } else if (timer_kind_ != TimerKind::kNone) {
    arm(TimerKind::kNone);
  }
  handler_->on_request_end(trailers);
}

bool InboundConnection::is_waiting_to_continue() const {
  return work_ != nullptr && work_->expects_continue && !request_is_complete_;
}

std::string_view InboundConnection::take_body(std::string_view bytes) {
  work_->expects_continue = false;
  http::BodyDecoder::Step step = work_->body.next(bytes);
  switch (step.event) {
    case http::BodyDecoder::Event::kNeedMore:
      break;
    case http::BodyDecoder::Event::kData:
      handler_->on_request_body(step.data);
      if (state_ == State::kExchange && handler_ != nullptr && !is_deaf_ && work_->body.is_done())
        complete_request(work_->body.trailers());
      break;
    case http::BodyDecoder::Event::kDone:
      complete_request(work_->body.trailers());
      break;
    case http::BodyDecoder::Event::kRefused:
      fail(Failure::bad_request, step.reason);
      break;
  }
  return bytes.substr(step.consumed);
}

void InboundConnection::keep(std::string_view bytes) {
  Buffer& kept = work().kept;
  if (kept.capacity() == 0) kept = context_.take_buffer();
  kept.append(bytes);
  if (state_ == State::kExchange && kept.size() >= kMaxPipelinedBytes)
    stream_->pause_reading(net::PauseReason::kPipelined);
}

std::size_t InboundConnection::read_budget() const {
  if (state_ == State::kTunnel) return handler_->request_body_budget();
  if (state_ != State::kExchange || handler_ == nullptr) return net::kHighMarkBytes;
  if (!request_is_complete_) return handler_->request_body_budget();
  std::size_t kept = work_->kept.size();
  return kept < kMaxPipelinedBytes ? kMaxPipelinedBytes - kept : 1;
}

void InboundConnection::on_read_end() {
  read_ended_ = true;
  switch (state_) {
    case State::kIdle:
      // Kept requests are still answered: the timer that reads them is armed.
      if (timer_kind_ != TimerKind::kResume) close(Closing::kSilent);
      return;
    case State::kHead:
      close(Closing::kSilent);
      return;
    case State::kExchange:
      if (is_deaf_) return;
      if (request_is_complete_) {
        arm(TimerKind::kFin);
      } else {
        fail(Failure::client_gone, "the client closed in the middle of its request");
      }
      return;
    case State::kTunnel:
      handler_->on_tunnel_end();
      return;
    case State::kClosed:
      return;
  }
}

// Behind more pipelined requests than are kept: the client is as gone as without them (R31).
void InboundConnection::on_end_waiting() {
  is_end_waiting_ = true;
  if (state_ == State::kExchange && request_is_complete_ && !is_deaf_) arm(TimerKind::kFin);
}

void InboundConnection::on_stream_error(net::StreamError) {
  is_broken_ = true;
  if (state_ == State::kExchange || state_ == State::kTunnel) {
    fail(Failure::client_gone, "the client reset the connection");
  } else if (state_ != State::kClosed) {
    close(Closing::kSilent);
  }
}

void InboundConnection::on_write_progress(std::size_t queued) {
  if (state_ == State::kClosed || !work_) return;
  work_->write_timer.cancel();
  note_sent();
  if (handler_ != nullptr) handler_->on_client_progress(queued);
}

void InboundConnection::arm(TimerKind kind) {
  timer_kind_ = kind;
  const InboundSettings& settings = owner_.inbound_settings();
  net::Scheduler& scheduler = context_.scheduler();
  switch (kind) {
    case TimerKind::kNone:
      timer_.cancel();
      return;
    case TimerKind::kIdle:
      scheduler.arm(timer_, settings.client_idle);
      return;
    case TimerKind::kHead:
      scheduler.arm(timer_, settings.request_head);
      return;
    case TimerKind::kBody:
      scheduler.arm(timer_, settings.client_body);
      return;
    case TimerKind::kFin:
      if (work_ && stream_->queued_bytes() > 0)
        work_->fin_acknowledged = stream_->acknowledged_bytes().value_or(0);
      scheduler.arm(timer_, settings.client_fin);
      return;
    case TimerKind::kResume:
      scheduler.arm(timer_, Duration::zero());
      return;
  }
}

void InboundConnection::on_timer() {
  TimerKind kind = timer_kind_;
  timer_kind_ = TimerKind::kNone;
  switch (kind) {
    case TimerKind::kNone:
      return;
    case TimerKind::kIdle:
      close(Closing::kSilent);
      return;
    case TimerKind::kHead:
      // R29: 408 only after at least one byte.
      if (state_ == State::kHead)
        refuse(Failure::request_head_timeout, "the head was not complete in time",
               work().kept.view());
      else
        close(Closing::kSilent);
      return;
    case TimerKind::kBody:
      fail(Failure::client_body_timeout, "the body stopped arriving");
      return;
    case TimerKind::kFin:
      // The kernel takes more only in large steps; what is acknowledged shows that it reads on.
      if (work_ && stream_->queued_bytes() > 0 &&
          stream_->acknowledged_bytes().value_or(0) > work_->fin_acknowledged)
        return arm(TimerKind::kFin);
      fail(Failure::client_gone, "the client closed and did not wait");
      return;
    case TimerKind::kResume:
      read_kept();
      return;
  }
}

void InboundConnection::on_write_timer() {
  net::Scheduler& scheduler = context_.scheduler();
  Duration limit = owner_.inbound_settings().client_write;
  if (std::optional<Duration> next =
          work_->write_watch.look(scheduler.now(), limit, stream_->acknowledged_bytes())) {
    scheduler.arm(work_->write_timer, *next);
    return;
  }
  is_stuck_ = true;
  fail(Failure::client_write_timeout, "the client stopped reading");
}

void InboundConnection::pause_body() {
  if (is_body_paused_ || state_ == State::kClosed) return;
  is_body_paused_ = true;
  stream_->pause_reading(net::PauseReason::kPeerFull);
  if (timer_kind_ == TimerKind::kBody) arm(TimerKind::kNone);
}

void InboundConnection::resume_body() {
  if (!is_body_paused_ || state_ == State::kClosed) return;
  is_body_paused_ = false;
  stream_->resume_reading(net::PauseReason::kPeerFull);
  if (state_ == State::kExchange && !request_is_complete_ && !is_deaf_ && !is_waiting_to_continue())
    arm(TimerKind::kBody);
}

// The client's side failed while a handler is attached; it answers or lets go before it returns.
void InboundConnection::fail(Failure failure, std::string_view detail) {
  if (state_ == State::kClosed || handler_ == nullptr) return;
  is_deaf_ = true;
  if (failure == Failure::client_gone) is_broken_ = true;
  arm(TimerKind::kNone);
  handler_->on_client_failure(failure, detail);
}

std::string_view InboundConnection::refused_bytes() const { return work_->refused; }

void InboundConnection::refuse(Failure failure, std::string_view detail, std::string_view bytes) {
  // Of an empty line before it (R05) nobody needs to know.
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  work().refused = bytes;
  work().is_head_request = bytes.starts_with("HEAD ");
  is_deaf_ = true;
  arm(TimerKind::kNone);
  owner_.on_refused(*this, failure, detail);
  if (state_ != State::kClosed)
    close(response_ == ResponseState::kNone ? Closing::kSilent : Closing::kGraceful);
}

void InboundConnection::release() {
  handler_ = nullptr;
  if (state_ == State::kClosed) return;
  bool is_request_unread = guard(Guard::kCloseAfterUnreadBody, !request_is_complete_);
  if (state_ == State::kTunnel || response_ != ResponseState::kEnded || is_request_unread ||
      !keep_alive_ || is_broken_ || is_deaf_) {
    close(is_broken_ ? Closing::kSilent : Closing::kGraceful);
    return;
  }
  go_on();
}

void InboundConnection::release_and_cut() {
  handler_ = nullptr;
  context_.out.clear();
  if (state_ == State::kClosed) return;
  // Where a length or chunks say how much was to come, the early end is visible by itself, and what
  // was sent still arrives; only an answer until close needs the reset.
  bool needs_reset = work_ && work_->answer_kind == http::BodyKind::kUntilClose;
  // What a client does not take is not kept for it any longer.
  close(needs_reset || is_stuck_ || state_ == State::kTunnel ? Closing::kReset
        : is_broken_                                         ? Closing::kSilent
                                                             : Closing::kGraceful);
}

// The next request: read at once if it is here, in a turn of its own because we are inside a call.
void InboundConnection::go_on() {
  state_ = State::kIdle;
  response_ = ResponseState::kNone;
  resume_body();
  work_->write_timer.cancel();
  if (is_reading_) {
    // The loop of read_requests() goes on with what it has; then this timer is replaced or right.
    arm(TimerKind::kIdle);
    return;
  }
  if (!work_->kept.is_empty()) {
    arm(TimerKind::kResume);
    return;
  }
  if (read_ended_ || owner_.closes_idle()) {
    close(Closing::kGraceful);
    return;
  }
  forget_work();
  arm(TimerKind::kIdle);
}

void InboundConnection::close_if_idle() {
  if (state_ != State::kIdle || timer_kind_ == TimerKind::kResume) return;
  if (!is_first_request_) {
    close(Closing::kGraceful);
  } else if (timer_.deadline() > context_.scheduler().now() + kFirstRequestGrace) {
    context_.scheduler().arm(timer_, kFirstRequestGrace);
  }
}

void InboundConnection::close(Closing how) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  handler_ = nullptr;
  arm(TimerKind::kNone);
  if (work_) work_->write_timer.cancel();
  switch (how) {
    case Closing::kSilent:
      stream_.reset();
      break;
    case Closing::kGraceful:
      net::Stream::finish(std::move(stream_));
      break;
    case Closing::kReset:
      net::Stream::reset(std::move(stream_));
      break;
  }
  owner_.on_closed(*this);
}

bool InboundConnection::is_timed() const {
  switch (state_) {
    case State::kIdle:
    case State::kHead:
      return timer_.is_armed();
    case State::kExchange:
      if (stream_->queued_bytes() > 0 && !work_->write_timer.is_armed()) return false;
      if (is_waiting_to_continue()) return true;
      if (!request_is_complete_ && !is_body_paused_ && !is_deaf_) return timer_.is_armed();
      return !(read_ended_ || is_end_waiting_) || is_deaf_ || timer_.is_armed();
    case State::kTunnel:
      return stream_->queued_bytes() == 0 || work_->write_timer.is_armed();
    case State::kClosed:
      return true;
  }
  return false;
}

}  // namespace weir::wire
