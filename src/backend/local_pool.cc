#include "weir/backend/local_pool.h"

#include <algorithm>

#include "weir/base/check.h"

namespace weir::backend {

namespace {

constexpr Duration kRefreshOthers = std::chrono::milliseconds(100);
constexpr std::uint32_t kOneRetry = 100;  // retry_credit_ counts in hundredths
// A backend that restarts fails all its connections in one moment: what calm times earned must
// cover that. Small pools never save so much.
constexpr std::uint32_t kMaxCredit = 1000 * kOneRetry;
constexpr std::uint32_t kFloorPerSecond = 3 * kOneRetry;

// All backends of a pool, or those of them whose indices `eligible` lists.
class PoolCandidates final : public Candidates {
 public:
  PoolCandidates(const std::vector<std::shared_ptr<LocalBackend>>& backends,
                 const std::vector<std::size_t>* eligible)
      : backends_(backends), eligible_(eligible) {}
  std::size_t size() const override {
    return eligible_ != nullptr ? eligible_->size() : backends_.size();
  }
  std::uint32_t in_flight(std::size_t index) const override {
    return backends_[at(index)]->in_flight();
  }
  std::size_t at(std::size_t index) const {
    return eligible_ != nullptr ? (*eligible_)[index] : index;
  }

 private:
  const std::vector<std::shared_ptr<LocalBackend>>& backends_;
  const std::vector<std::size_t>* eligible_;
};

}  // namespace

LocalBackend::~LocalBackend() { WEIR_CHECK(own_in_flight_ == 0); }

void LocalBackend::add(int change) {
  own_in_flight_ += static_cast<std::uint32_t>(change);
  shared_->add_in_flight(worker_, change);
}

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

LocalPool::LocalPool(std::shared_ptr<const PoolSpec> spec, unsigned worker) : worker_(worker) {
  update(std::move(spec));
}

void LocalPool::update(std::shared_ptr<const PoolSpec> spec) {
  if (spec_ == nullptr || spec->balance != spec_->balance) balancer_ = make_balancer(spec->balance);
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
}

void LocalPool::mark_removed() {
  for (const std::shared_ptr<LocalBackend>& backend : backends_) backend->is_removed_ = true;
}

bool LocalPool::is_eligible(std::size_t index, std::span<const LocalBackend* const> tried) const {
  return std::find(tried.begin(), tried.end(), backends_[index].get()) == tried.end();
}

Claim LocalPool::claim(std::span<const LocalBackend* const> tried, TimePoint now, Rng& rng) {
  if (backends_.empty()) return {};
  refresh_others(now);
  const std::vector<std::size_t>* filter = nullptr;
  if (!tried.empty()) {
    eligible_.clear();
    for (std::size_t index = 0; index < backends_.size(); ++index)
      if (is_eligible(index, tried)) eligible_.push_back(index);
    if (!eligible_.empty()) filter = &eligible_;
  }
  PoolCandidates candidates(backends_, filter);
  return Claim(backends_[candidates.at(balancer_->choose(candidates, rng))]);
}

void LocalPool::refresh_others(TimePoint now) {
  if (now - others_refreshed_at_ < kRefreshOthers) return;
  others_refreshed_at_ = now;
  for (const std::shared_ptr<LocalBackend>& backend : backends_)
    backend->others_in_flight_ = backend->shared_->in_flight_of_others(worker_);
}

void LocalPool::earn_retry(TimePoint now) {
  if (spec_->retry_budget_percent == 0) return;
  retry_credit_ = std::min(kMaxCredit, retry_credit_ + spec_->retry_budget_percent);
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
