#include "health_run.h"

#include "health_text.h"
#include "weir/base/version.h"

namespace weir::backend {

void HealthChecker::Probe::remember(const ProbeResult& result) {
  if (results_.size() < kKeptResults) {
    results_.reserve(kKeptResults);
    results_.push_back(result);
    next_ = results_.size() % kKeptResults;
    return;
  }
  results_[next_] = result;
  next_ = (next_ + 1) % kKeptResults;
}

std::vector<ProbeResult> HealthChecker::Probe::newest_first() const {
  std::vector<ProbeResult> out;
  out.reserve(results_.size());
  for (std::size_t i = 1; i <= results_.size(); ++i)
    out.push_back(results_[(next_ + kKeptResults - i) % kKeptResults]);
  return out;
}

HealthChecker::Run::Run(HealthChecker& checker, Probe& probe)
    : checker_(checker),
      probe_(probe),
      timer_(net::Timer::bind<&Run::on_timeout>(this)),
      began_(checker.context_.scheduler().clock().now()) {
  ++checker_.running_;
  ++checker_.connecting_;
}

HealthChecker::Run::~Run() { leave(); }

void HealthChecker::Run::leave() {
  end_connecting();
  if (is_counted_) --checker_.running_;
  is_counted_ = false;
}

void HealthChecker::Run::end_connecting() {
  if (is_connecting_) --checker_.connecting_;
  is_connecting_ = false;
  pending_.reset();
}

void HealthChecker::Run::start() {
  auto pending = checker_.connector_.connect(probe_.endpoint, *this);
  if (!pending.ok()) {
    on_connect_failed(pending.error());
    return;
  }
  pending_ = std::move(pending).value();
  checker_.context_.scheduler().arm(timer_, probe_.check->timeout);
}

void HealthChecker::Run::on_connected(std::unique_ptr<net::Stream> stream) {
  end_connecting();
  if (probe_.check->kind == config::HealthKind::kTcp) {
    finish(Outcome::kSuccess);
    return;
  }
  connection_ = std::make_unique<wire::OutboundConnection>(checker_.context_, std::move(stream));
  connection_->set_observer(this);
  send_request();
}

void HealthChecker::Run::send_request() {
  const config::HealthConfig& check = *probe_.check;
  std::string request = "GET " + check.path + " HTTP/1.1\r\nHost: ";
  if (!check.host.empty())
    request += check.host;
  else
    request += probe_.endpoint.is_unix() ? "localhost" : probe_.endpoint.text();
  request.append("\r\nUser-Agent: weir/").append(kVersion).append(" (health check)");
  request += "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
  connection_->start_request(http::Method::kGet, http::HeadLimits{});
  // A backend that stops reading may still answer; otherwise its failure is reported.
  static_cast<void>(connection_->send_raw(request));
  connection_->end_request();
}

void HealthChecker::Run::on_connect_failed(net::ConnectError error) {
  end_connecting();
  switch (error) {
    case net::ConnectError::kRefused:
      return finish(Outcome::kRefused);
    case net::ConnectError::kTimedOut:
      return finish(Outcome::kTimeoutConnecting);
    // What weir lacks says nothing about the backend.
    case net::ConnectError::kNoLocalPort:
      return give_up("no local port is free");
    case net::ConnectError::kNoDescriptors:
      return give_up("no descriptor is free");
    case net::ConnectError::kUnreachable:
    case net::ConnectError::kOther:
      return finish(Outcome::kUnreachable);
  }
}

void HealthChecker::Run::on_head(const http::ResponseHead& head) {
  has_head_ = true;
  status_ = head.status;
  if (!is_status_in(probe_.check->status, head.status)) finish(Outcome::kStatus);
}

// Read to its end even when no text is wanted: a backend whose answer is cut short complains.
void HealthChecker::Run::on_body(std::string_view bytes) {
  const std::string& text = probe_.check->body;
  bytes = bytes.substr(0, kMaxBodyBytes - body_bytes_);
  body_bytes_ += bytes.size();
  if (!text.empty() && !has_text_) {
    tail_.append(bytes);
    has_text_ = tail_.find(text) != std::string::npos;
    if (tail_.size() >= text.size()) tail_.erase(0, tail_.size() - text.size() + 1);
  }
  if (body_bytes_ < kMaxBodyBytes) return;
  finish(text.empty() || has_text_ ? Outcome::kSuccess : Outcome::kTooLong);
}

void HealthChecker::Run::on_response_end(const http::Fields&) {
  finish(probe_.check->body.empty() || has_text_ ? Outcome::kSuccess : Outcome::kNoText);
}

void HealthChecker::Run::on_failure(const wire::OutboundFailure& failure) {
  switch (failure.failure) {
    case Failure::bad_response:
      return finish(Outcome::kBadResponse, failure.detail);
    case Failure::response_cut:
      return finish(Outcome::kCut, failure.detail);
    default:
      return finish(Outcome::kClosed);
  }
}

void HealthChecker::Run::on_timeout() {
  finish(is_connecting_ ? Outcome::kTimeoutConnecting
         : has_head_    ? Outcome::kTimeoutReading
                        : Outcome::kTimeoutAwaiting);
}

// Out of its probe; it lives on until the stack is unwound.
std::unique_ptr<HealthChecker::Run> HealthChecker::Run::detach() {
  timer_.cancel();
  leave();
  if (connection_ != nullptr) connection_->set_observer(nullptr);
  return std::move(probe_.run);
}

void HealthChecker::Run::finish(Outcome outcome, std::string_view detail) {
  net::Scheduler& scheduler = checker_.context_.scheduler();
  ProbeResult result;
  result.at = scheduler.clock().wall();
  result.detail = detail;
  auto latency =
      std::chrono::duration_cast<std::chrono::microseconds>(scheduler.clock().now() - began_);
  result.latency_microseconds = static_cast<std::uint32_t>(latency.count());
  result.status = static_cast<std::uint16_t>(status_);
  result.outcome = outcome;
  HealthChecker& checker = checker_;
  Probe& probe = probe_;
  scheduler.retire(detach());
  checker.on_done(probe, result);
}

void HealthChecker::Run::give_up(std::string_view reason) {
  HealthChecker& checker = checker_;
  Probe& probe = probe_;
  checker_.context_.scheduler().retire(detach());
  checker.on_impossible(probe, reason);
}

}  // namespace weir::backend
