#include "weir/backend/health_checker.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "health_run.h"
#include "weir/base/check.h"

namespace weir::backend {
namespace {

constexpr std::uint64_t kOneCheck = 1000;  // of the allowance
// Checks begin in small groups, at least so far apart.
constexpr Duration kTick = std::chrono::milliseconds(5);
// A loop that was busy for 20 ms catches up.
constexpr std::uint64_t kMaxAllowance = HealthChecker::kMaxPerSecond / 50 * kOneCheck;
// What weir itself lacks (descriptors, ports) is waited for, and said this often.
constexpr Duration kImpossibleFor = std::chrono::seconds(1);
constexpr Duration kComplainEvery = std::chrono::minutes(1);
// Waits are cut into few distinct ones (see net::Timers).
constexpr std::array<Duration, 4> kWaits = {std::chrono::seconds(1), std::chrono::milliseconds(100),
                                            std::chrono::milliseconds(20), kTick};

auto settings_of(const config::HealthConfig& check) {
  return std::tie(check.kind, check.interval, check.timeout, check.path, check.status, check.host,
                  check.body);
}

double per_second(const config::HealthConfig& check) {
  return 1 / std::chrono::duration<double>(check.interval).count();
}

}  // namespace

bool is_same_check(const config::HealthConfig& a, const config::HealthConfig& b) {
  return settings_of(a) == settings_of(b);
}

bool HealthChecker::Key::operator<(const Key& other) const {
  if (auto order = endpoint <=> other.endpoint; order != 0) return order < 0;
  return check != other.check && settings_of(*check) < settings_of(*other.check);
}

HealthChecker::Subscription::Subscription(Subscription&& other) noexcept
    : probe_(std::exchange(other.probe_, nullptr)), listener_(other.listener_) {}

HealthChecker::Subscription& HealthChecker::Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    reset();
    probe_ = std::exchange(other.probe_, nullptr);
    listener_ = other.listener_;
  }
  return *this;
}

void HealthChecker::Subscription::reset() {
  if (probe_ == nullptr) return;
  Probe& probe = *std::exchange(probe_, nullptr);
  probe.checker.unsubscribe(probe, *listener_);
}

const config::HealthConfig& HealthChecker::Subscription::check() const { return *probe_->check; }

std::vector<ProbeResult> HealthChecker::Subscription::results() const {
  return probe_->newest_first();
}

HealthChecker::HealthChecker(wire::Context& context, net::Connector& connector, Rng& rng, Log& log,
                             std::size_t max_running)
    : context_(context),
      connector_(connector),
      rng_(rng),
      log_(log),
      max_running_(max_running),
      timer_(net::Timer::bind<&HealthChecker::on_timer>(this)),
      allowance_(kMaxAllowance),
      refilled_at_(context.scheduler().now()) {}

HealthChecker::~HealthChecker() { WEIR_CHECK(probes_.empty()); }

HealthChecker::Subscription HealthChecker::subscribe(
    const Endpoint& endpoint, std::shared_ptr<const config::HealthConfig> check,
    CheckListener& listener) {
  WEIR_CHECK(!is_telling_);
  std::unique_ptr<Probe>& probe = probes_[Key{endpoint, check}];
  if (probe == nullptr) {
    probe = std::make_unique<Probe>(*this, endpoint, std::move(check), ++last_number_);
    wanted_per_second_ += per_second(*probe->check);
    schedule(*probe, Duration::zero());
    arm();
  }
  probe->listeners.push_back(&listener);
  Subscription subscription;
  subscription.probe_ = probe.get();
  subscription.listener_ = &listener;
  return subscription;
}

void HealthChecker::unsubscribe(Probe& probe, CheckListener& listener) {
  WEIR_CHECK(!is_telling_);
  probe.listeners.erase(std::find(probe.listeners.begin(), probe.listeners.end(), &listener));
  if (!probe.listeners.empty()) return;
  wanted_per_second_ = probes_.size() == 1 ? 0 : wanted_per_second_ - per_second(*probe.check);
  if (probe.run == nullptr) due_.erase(Due{probe.due, probe.number, &probe});
  probes_.erase(Key{probe.endpoint, probe.check});
  arm();
}

void HealthChecker::schedule(Probe& probe, Duration after) {
  probe.due = context_.scheduler().now() + after;
  due_.insert(Due{probe.due, probe.number, &probe});
}

// Until the next check of a probe begins, from the beginning of the last one. After its first one a
// random part of the interval, so that probes which began together come apart at once.
Duration HealthChecker::next_delay(const Probe& probe) {
  Duration interval = probe.check->interval;
  Duration jitter = interval / 1000 * rng_.below(1000);
  if (!probe.has_finished) return interval / 5 + jitter * 4 / 5;
  return interval - interval / 10 + jitter / 5;
}

void HealthChecker::on_timer() {
  start_due();
  arm();
}

void HealthChecker::start_due() {
  TimePoint now = context_.scheduler().now();
  auto since = std::chrono::duration_cast<std::chrono::microseconds>(now - refilled_at_);
  refilled_at_ = now;
  std::uint64_t earned = static_cast<std::uint64_t>(since.count()) * kMaxPerSecond * kOneCheck;
  allowance_ = std::min(kMaxAllowance, allowance_ + earned / 1'000'000);
  while (!due_.empty() && due_.begin()->at <= now && allowance_ >= kOneCheck &&
         running_ < max_running_) {
    Probe& probe = *due_.begin()->probe;
    due_.erase(due_.begin());
    allowance_ -= kOneCheck;
    ++started_;
    probe.began = now;
    probe.run = std::make_unique<Run>(*this, probe);
    probe.run->start();
  }
}

// While as many run as may, the end of one arms it.
void HealthChecker::arm() {
  if (due_.empty() || running_ >= max_running_) {
    timer_.cancel();
    return;
  }
  net::Scheduler& scheduler = context_.scheduler();
  Duration wait = due_.begin()->at - scheduler.now();
  if (wait <= Duration::zero())
    wait = allowance_ >= kOneCheck ? Duration::zero() : kTick;
  else
    wait = *std::find_if(kWaits.begin(), kWaits.end(),
                         [&](Duration one) { return one <= std::max(wait, kTick); });
  if (timer_.is_armed() && timer_.deadline() <= scheduler.now() + wait) return;
  scheduler.arm(timer_, wait);
}

void HealthChecker::on_done(Probe& probe, const ProbeResult& result) {
  TimePoint now = context_.scheduler().now();
  schedule(probe, std::max(Duration::zero(), probe.began + next_delay(probe) - now));
  probe.has_finished = true;
  probe.remember(result);
  arm();
  is_telling_ = true;
  for (CheckListener* listener : probe.listeners) listener->on_check(result);
  is_telling_ = false;
}

void HealthChecker::on_impossible(Probe& probe, std::string_view reason) {
  schedule(probe, std::min(kImpossibleFor, probe.check->interval));
  arm();
  TimePoint now = context_.scheduler().now();
  if (now < may_complain_at_) return;
  may_complain_at_ = now + kComplainEvery;
  log_.warn("health checks cannot be made",
            {{"reason", std::string(reason)}, {"backend", probe.endpoint.text()}});
}

bool HealthChecker::is_timed() const {
  std::size_t under_way = 0;
  for (const auto& [key, probe] : probes_) under_way += probe->run != nullptr ? 1 : 0;
  if (due_.size() + under_way != probes_.size()) return false;
  return due_.empty() || running_ >= max_running_ || timer_.is_armed();
}

}  // namespace weir::backend
