#include "weir/backend/local_pool.h"

#include <algorithm>

#include "weir/base/check.h"
#include "weir/base/guard.h"

namespace weir::backend {

namespace {

constexpr Duration kRefreshOthers = std::chrono::milliseconds(100);
constexpr std::uint32_t kOneRetry = 100;  // retry_credit_ counts in hundredths
// A backend that restarts fails all its connections in one moment: what calm times earned must
// cover that. Small pools never save so much.
constexpr std::uint32_t kMaxCredit = 1000 * kOneRetry;
constexpr std::uint32_t kFloorPerSecond = 3 * kOneRetry;

}  // namespace

LocalBackend::LocalBackend(std::shared_ptr<Backend> shared, unsigned worker)
    : shared_(std::move(shared)), address_(shared_->address()), worker_(worker) {
  shared_->begin_counting();
}

LocalBackend::~LocalBackend() { WEIR_CHECK(own_in_flight_ == 0); }

bool LocalBackend::is_failure_news(TimePoint now) {
  constexpr Duration kSayEvery = std::chrono::minutes(1);
  failed_at_ = now;
  if (is_failing_ && now - failure_said_at_ < kSayEvery) return false;
  is_failing_ = true;
  failure_said_at_ = now;
  return true;
}

void LocalBackend::add(int change) {
  own_in_flight_ += static_cast<std::uint32_t>(change);
  shared_->add_in_flight(worker_, change);
}

// The backends of a choice as an algorithm sees them.
class LocalPool::PoolCandidates final : public Candidates {
 public:
  PoolCandidates(const LocalPool& pool, const Choice& choice) : pool_(pool), choice_(choice) {}
  std::size_t size() const override { return choice_.indices.size(); }
  std::uint32_t in_flight(std::size_t index) const override {
    return pool_.backends_[id(index)]->in_flight();
  }
  std::size_t id(std::size_t index) const override { return choice_.indices[index]; }
  std::span<const std::uint32_t> weight_sums() const override { return choice_.weight_sums; }

 private:
  const LocalPool& pool_;
  const Choice& choice_;
};

Claim::Claim(std::shared_ptr<LocalBackend> backend) : backend_(std::move(backend)) {
  backend_->add(1);
}

Claim& Claim::operator=(Claim&& other) noexcept {
  if (this != &other) {
    reset();
    backend_ = std::move(other.backend_);
  }
  return *this;
}

void Claim::reset() {
  if (backend_ == nullptr) return;
  backend_->add(-1);
  backend_.reset();
}

LocalPool::LocalPool(std::shared_ptr<const PoolSpec> spec, unsigned worker,
                     std::shared_ptr<observe::PoolSeries> series)
    : worker_(worker),
      series_(series ? std::move(series) : std::make_shared<observe::PoolSeries>(worker + 1)) {
  update(std::move(spec));
}

void LocalPool::update(std::shared_ptr<const PoolSpec> spec) {
  config::Balance balance = spec->settings->balance;
  if (spec_ == nullptr || balance != settings().balance) balancer_ = make_balancer(balance);
  spec_ = std::move(spec);
  std::vector<std::shared_ptr<LocalBackend>> before = std::move(backends_);
  backends_.clear();
  for (const std::shared_ptr<Backend>& shared : spec_->backends) {
    auto same = std::find_if(before.begin(), before.end(), [&](const auto& local) {
      return local != nullptr && local->identity() == shared;
    });
    if (same != before.end()) {
      backends_.push_back(std::move(*same));
    } else {
      backends_.push_back(std::make_shared<LocalBackend>(shared, worker_));
    }
  }
  for (const std::shared_ptr<LocalBackend>& gone : before)
    if (gone != nullptr) gone->is_removed_ = true;
  others_refreshed_at_ = {};
  has_weights_ = false;
  for (std::size_t index = 1; index < backends_.size(); ++index)
    has_weights_ |= spec_->traits_of(index).weight != spec_->traits_of(0).weight;
  look_again();
}

void LocalPool::mark_removed() {
  is_removed_ = true;
  for (const std::shared_ptr<LocalBackend>& backend : backends_) backend->is_removed_ = true;
  // Nobody will tell how its checks end.
  if (availability_ == Availability::kUndecided) availability_ = Availability::kNone;
}

void LocalPool::Choice::clear() {
  indices.clear();
  weight_sums.clear();
}

// `weight` 0: all weigh the same.
void LocalPool::Choice::add(std::size_t index, unsigned weight) {
  indices.push_back(static_cast<std::uint32_t>(index));
  if (weight > 0) weight_sums.push_back((weight_sums.empty() ? 0 : weight_sums.back()) + weight);
}

void LocalPool::look_again() {
  bool is_undecided = false;
  for (const std::shared_ptr<LocalBackend>& backend : backends_) {
    Standing standing = backend->shared_->standing();
    backend->is_out_ = standing == Standing::kOut;
    is_undecided |= standing == Standing::kUnknown;
  }
  collect(false, usable_);
  collect(true, reserve_);
  if (usable_.indices.empty()) std::swap(usable_, reserve_);
  if (!usable_.indices.empty())
    availability_ = Availability::kUsable;
  else if (backends_.empty())
    availability_ = Availability::kEmpty;
  else
    availability_ = is_undecided && !is_removed_ ? Availability::kUndecided : Availability::kNone;
}

void LocalPool::collect(bool backups, Choice& into) {
  into.clear();
  for (std::size_t index = 0; index < backends_.size(); ++index) {
    BackendTraits traits = spec_->traits_of(index);
    if (guard(Guard::kBackupsLast, traits.is_backup != backups)) continue;
    Standing standing = backends_[index]->shared_->standing();
    if (guard(Guard::kUsableOnly, standing != Standing::kUsable)) continue;
    into.add(index, has_weights_ ? traits.weight : 0);
  }
}

bool LocalPool::is_unused_since(TimePoint then) const {
  // Whoever has a request there holds it.
  auto is_quiet = [](const std::shared_ptr<LocalBackend>& backend) {
    return backend.use_count() == 1 && backend->idle_count_ == 0;
  };
  return used_at_ < then && waiters_.is_empty() &&
         std::all_of(backends_.begin(), backends_.end(), is_quiet);
}

void LocalPool::wake_waiters() {
  bool is_decided = availability_ != Availability::kUndecided;
  if (!guard(Guard::kHoldEndsWithVerdict, is_decided)) return;
  IntrusiveList<PoolWaiter> woken;
  while (PoolWaiter* waiter = waiters_.front()) {
    waiter->unlink();
    woken.push_back(*waiter);
  }
  while (PoolWaiter* waiter = woken.front()) {
    waiter->unlink();
    waiter->on_pool_decided();
  }
}

bool LocalPool::is_untried(std::size_t index, std::span<const LocalBackend* const> tried) const {
  return std::find(tried.begin(), tried.end(), backends_[index].get()) == tried.end();
}

bool LocalPool::is_any_untried(const Choice& choice,
                               std::span<const LocalBackend* const> tried) const {
  return std::any_of(choice.indices.begin(), choice.indices.end(),
                     [&](std::uint32_t index) { return is_untried(index, tried); });
}

bool LocalPool::has_untried(std::span<const LocalBackend* const> tried) const {
  return is_any_untried(usable_, tried) || is_any_untried(reserve_, tried);
}

void LocalPool::collect_untried(const Choice& from, std::span<const LocalBackend* const> tried) {
  for (std::uint32_t index : from.indices)
    if (is_untried(index, tried))
      untried_.add(index, has_weights_ ? spec_->traits_of(index).weight : 0);
}

Claim LocalPool::claim(std::span<const LocalBackend* const> tried, TimePoint now, Rng& rng) {
  used_at_ = now;
  if (usable_.indices.empty()) return {};
  refresh_others(now);
  const Choice* choice = &usable_;
  if (!tried.empty()) {
    untried_.clear();
    collect_untried(usable_, tried);
    if (untried_.indices.empty()) collect_untried(reserve_, tried);
    if (!untried_.indices.empty()) choice = &untried_;
  }
  PoolCandidates candidates(*this, *choice);
  return Claim(backends_[candidates.id(balancer_->choose(candidates, rng))]);
}

void LocalPool::refresh_others(TimePoint now) {
  if (now - others_refreshed_at_ < kRefreshOthers) return;
  others_refreshed_at_ = now;
  for (const std::shared_ptr<LocalBackend>& backend : backends_)
    backend->others_in_flight_ = backend->shared_->in_flight_of_others(worker_);
}

void LocalPool::earn_retry(TimePoint now) {
  unsigned percent = settings().retry_budget_percent;
  if (percent == 0) return;
  retry_credit_ = std::min(kMaxCredit, retry_credit_ + percent);
  if (now - floor_earned_at_ < std::chrono::seconds(1)) return;
  floor_earned_at_ = now;
  retry_credit_ = std::max(retry_credit_, kFloorPerSecond);
}

bool LocalPool::spend_retry() {
  if (retry_credit_ < kOneRetry) return false;
  retry_credit_ -= kOneRetry;
  return true;
}

}  // namespace weir::backend
