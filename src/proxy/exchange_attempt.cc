// Choosing a backend, connecting, sending, trying again.
#include "exchange.h"
#include "limits.h"
#include "weir/base/guard.h"
#include "weir/proxy/retry_policy.h"

namespace weir::proxy {

void Exchange::attempt() {
  net::Scheduler& scheduler = proxy_.parts_.context.scheduler();
  backend::Claim claim = pool_->claim(tried_, scheduler.now(), proxy_.parts_.rng);
  if (!claim.is_held()) {
    if (pool_->availability() == backend::Availability::kUndecided)
      hold();
    else
      answer_without_backend();
    return;
  }
  if (tries_++ == 0) first_try_at_ = scheduler.now();
  backend_ = claim.shared_backend();
  const backend::PoolSettings& settings = pool_->settings();
  backend::AcquireOptions options;
  options.connect_timeout = settings.timeouts.connect;
  // A request that cannot be repeated, or not from its beginning, wants a connection that the
  // backend is not about to close (DESIGN §7).
  bool has_side_effects = !http::is_idempotent(method_) || !is_upload_complete_;
  if (!settings.keepalive)
    options.reuse = backend::Reuse::kNever;
  else if (guard(Guard::kFreshForSideEffects, has_side_effects))
    options.reuse = backend::Reuse::kHardlyIdle;

  backend::BackendConnections::Acquired acquired =
      proxy_.backends_.acquire(std::move(claim), options, *this);
  if (auto* lease = std::get_if<backend::Lease>(&acquired)) {
    begin_sending(std::move(*lease));
  } else if (auto* waiter = std::get_if<std::unique_ptr<backend::Waiter>>(&acquired)) {
    waiter_ = std::move(*waiter);
    if (transition(ExchangeState::kAcquiring)) update_timer(Progress::kNone);
  } else {
    attempt_failed(std::get<Failure>(acquired), true, false, {});
  }
}

void Exchange::hold() {
  if (!transition(ExchangeState::kHolding)) return;
  pool_->wait(*this);
  pool_->numbers().holds_begun.add();
  hold_began_ = proxy_.parts_.context.scheduler().now();
  update_timer(Progress::kNone);
}

void Exchange::stop_holding() {
  static_cast<backend::PoolWaiter&>(*this).unlink();
  pool_->numbers().holds_ended.add();
  hold_duration_ =
      hold_duration_.value_or(Duration{}) + (proxy_.parts_.context.scheduler().now() - hold_began_);
}

void Exchange::on_pool_decided() {
  Duration since = proxy_.parts_.context.scheduler().now() - first_try_at_;
  if (tries_ > 0 && since >= pool_->settings().timeouts.retry_window)
    answer_without_backend();
  else
    attempt();
}

// A reload, an administrator or health checks left none; an earlier reason is the better one.
void Exchange::answer_without_backend() {
  if (retried_failure_.has_value()) {
    reply(*retried_failure_, {});
  } else if (pool_->availability() == backend::Availability::kEmpty) {
    reply(Failure::pool_empty, {});
  } else {
    bool is_undecided = pool_->availability() == backend::Availability::kUndecided;
    reply(Failure::no_usable_backend, is_undecided ? "no first health check has come to its end"
                                                   : "all are down, draining or in maintenance");
  }
}

void Exchange::on_acquired(backend::Lease lease) {
  proxy_.parts_.context.scheduler().retire(std::move(waiter_));
  connect_duration_ = lease.connect_duration();
  begin_sending(std::move(lease));
}

void Exchange::on_acquire_failed(Failure failure) {
  proxy_.parts_.context.scheduler().retire(std::move(waiter_));
  attempt_failed(failure, true, false, {});
}

void Exchange::begin_sending(backend::Lease lease) {
  lease_ = std::move(lease);
  is_reused_ = lease_.is_reused();
  count_connection();
  wire::OutboundConnection& connection = lease_.connection();
  connection.set_observer(this);
  if (!transition(ExchangeState::kAwaitingHead)) return;
  connection.start_request(method_, proxy_.settings_->inbound.limits, expects_continue_);
  sent_bytes_ = 0;
  is_upload_broken_ = false;
  send_upload();
}

void Exchange::count_connection() {
  observe::PoolNumbers& numbers = pool_->numbers();
  if (is_reused_) {
    numbers.connections_reused.add();
    return;
  }
  numbers.connections_new.add();
  numbers.connect.observe(lease_.connect_duration());
}

// Hands what came of the request to the backend. Called after each read of the client's.
void Exchange::send_upload() {
  if (!lease_.is_held()) return;
  wire::OutboundConnection& connection = lease_.connection();
  std::string_view unsent = request_.view().substr(sent_bytes_);
  if (!unsent.empty() && !is_upload_broken_) {
    proxy_.parts_.numbers.sent_to_backends_bytes.add(unsent.size());
    // A failed write is no outcome yet: an answer may be on its way (DESIGN §3).
    if (connection.send_raw(unsent) == net::WriteResult::kBroken) is_upload_broken_ = true;
  }
  sent_bytes_ = request_.size();
  if (is_upload_complete_ && !connection.has_ended_request()) {
    connection.end_request();
    sent_at_ = proxy_.parts_.context.scheduler().now();
  }
  if (request_.size() > kMaxKeptRequestBytes) is_request_kept_ = false;
  if (!is_request_kept_) {
    note_wanted_form();
    request_.clear();
    sent_bytes_ = 0;
    // A stalled upload holds what the connection has queued, and little more.
    if (request_.capacity() > kMaxKeptRequestBytes) request_.release();
  }
  bool is_full = connection.queued_bytes() >= net::kHighMarkBytes;
  if (guard(Guard::kPauseClientWhenFull, is_full))
    client_.pause_body();
  else
    client_.resume_body();
  update_timer(connection.queued_bytes() == 0 ? Progress::kMade : Progress::kNone);
}

// For a failure that may still come. In the common case no request is forgotten before its answer
// has begun, so that nobody has to look.
void Exchange::note_wanted_form() {
  if (!wanted_form_.is_known()) wanted_form_.ask(request_.view());
}

// A large piece of an upload that is not kept goes out from where it lies, behind what was
// composed.
void Exchange::pass_upload(std::string_view bytes) {
  note_wanted_form();
  bool is_chunked = upload_kind_ == http::BodyKind::kChunked;
  if (is_chunked) http::append_chunk_line(request_, bytes.size());
  std::string_view composed = request_.view().substr(sent_bytes_);
  std::string_view slices[] = {composed, bytes, is_chunked ? "\r\n" : std::string_view()};
  if (!is_upload_broken_) {
    std::size_t total = composed.size() + bytes.size() + slices[2].size();
    proxy_.parts_.numbers.sent_to_backends_bytes.add(total);
    if (lease_.connection().send_raw(slices) == net::WriteResult::kBroken) is_upload_broken_ = true;
  }
  request_.clear();
  sent_bytes_ = 0;
}

void Exchange::on_write_timer() {
  wire::OutboundConnection& connection = lease_.connection();
  net::Scheduler& scheduler = proxy_.parts_.context.scheduler();
  Duration limit = pool_->settings().timeouts.backend_write;
  if (std::optional<Duration> next =
          write_watch_.look(scheduler.now(), limit, connection.acknowledged_bytes())) {
    armed_ = ExchangeTimer::kBackendWrite;
    scheduler.arm(timer_, *next);
  } else {
    attempt_failed(Failure::backend_write_timeout, false, connection.has_response_bytes(), {});
  }
}

void Exchange::forget_request() {
  is_request_kept_ = false;
  sent_bytes_ = 0;
  proxy_.parts_.context.give_back(std::move(request_));
}

void Exchange::attempt_failed(Failure failure, bool is_unread, bool has_response_bytes,
                              std::string_view detail) {
  failed_in_ = state_;
  backend_->count_request(0);
  say_failing(failure, is_unread, detail);
  bool is_retried = may_retry(failure, is_unread, has_response_bytes);
  drop_backend();
  if (!is_retried) {
    reply(failure, detail);
    return;
  }
  retried_failure_ = failure;
  retry();
}

void Exchange::say_failing(Failure failure, bool is_unread, std::string_view detail) {
  // A kept-open connection that the backend closed just then is the way of the world.
  bool is_race = is_reused_ && is_unread && lease_.is_held();
  if (is_race || !row_of(failure).counts_against_backend) return;
  if (!backend_->is_failure_news(proxy_.parts_.context.scheduler().now())) return;
  proxy_.parts_.log.warn("a backend fails", {{"pool", backend_->shared().pool().str()},
                                             {"backend", backend_->address()},
                                             {"reason", std::string(row_of(failure).name)},
                                             {"detail", std::string(detail)}});
}

void Exchange::say_recovered() {
  if (!backend_->is_recovery_news(proxy_.parts_.context.scheduler().now())) return;
  proxy_.parts_.log.info("a backend answers again", {{"pool", backend_->shared().pool().str()},
                                                     {"backend", backend_->address()}});
}

bool Exchange::may_retry(Failure failure, bool is_unread, bool has_response_bytes) {
  Attempt attempt;
  attempt.failure = failure;
  attempt.method = method_;
  attempt.is_unread = is_unread;
  attempt.has_response_bytes = has_response_bytes;
  attempt.is_request_kept = is_request_kept_;
  attempt.tries = tries_;
  attempt.max_retries = pool_->settings().retries;
  attempt.since_first_try = proxy_.parts_.context.scheduler().now() - first_try_at_;
  attempt.retry_window = pool_->settings().timeouts.retry_window;
  if (judge(attempt) != RetryVerdict::kRetry) return false;
  if (needs_budget(failure) && !pool_->spend_retry()) {
    proxy_.parts_.numbers.retries_denied.add();
    pool_->numbers().retries_denied.add();
    return false;
  }
  return true;
}

// On another usable backend at once; when all were tried, after a pause.
void Exchange::retry() {
  proxy_.parts_.numbers.retries.add();
  pool_->numbers().retries.add();
  tried_.push_back(backend_.get());
  sent_bytes_ = 0;
  failed_in_ = ExchangeState::kDone;
  if (pool_->has_untried(tried_)) {
    attempt();
    return;
  }
  tried_.clear();
  if (transition(ExchangeState::kBackingOff)) update_timer(Progress::kNone);
}

void Exchange::drop_backend() {
  // At once, not retired: its timer may be due in this very turn.
  waiter_.reset();
  proxy_.backends_.discard(std::move(lease_));
  timer_.cancel();
  armed_ = ExchangeTimer::kNone;
}

void Exchange::release_backend() {
  proxy_.backends_.release(std::move(lease_), pool_->settings(), keep_alive_timeout_seconds_,
                            upload_kind_ != http::BodyKind::kNone);
}

}  // namespace weir::proxy
