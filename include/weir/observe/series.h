#pragma once
// Numbers of named things that come and go with reloads (listeners, routes, pools): one series each
// as long as there is room, the rest together in one series "_other" (CONTRACT §5: bounded). What was
// counted in "_other" stays there and what had its own series leaves with it, so that no counter
// ever jumps or falls.
#include <atomic>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "weir/observe/metrics.h"

namespace weir::observe {

// One T per worker, made when that worker first asks. Each worker writes its own (relaxed stores),
// any thread sums up.
template <typename T>
class Shards {
 public:
  explicit Shards(unsigned workers)
      : shards_(std::make_unique<std::atomic<T*>[]>(workers)), workers_(workers) {}
  ~Shards() {
    for (unsigned worker = 0; worker < workers_; ++worker)
      delete shards_[worker].load(std::memory_order_relaxed);
  }
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  // That worker's thread only.
  T& of(unsigned worker) {
    T* own = shards_[worker].load(std::memory_order_relaxed);
    if (own != nullptr) return *own;
    own = new T;
    shards_[worker].store(own, std::memory_order_release);
    return *own;
  }
  // Any thread.
  void add_to(T& sum) const {
    for (unsigned worker = 0; worker < workers_; ++worker)
      if (const T* own = shards_[worker].load(std::memory_order_acquire)) sum.add(*own);
  }

 private:
  std::unique_ptr<std::atomic<T*>[]> shards_;
  unsigned workers_;
};

inline constexpr std::string_view kOtherSeries = "_other";
inline constexpr std::string_view kNoneSeries = "_none";

// Which names have a series of their own: the first that were asked for. Any thread.
template <typename T>
class SeriesRegistry {
 public:
  using Series = Shards<T>;
  SeriesRegistry(unsigned workers, std::size_t most)
      : workers_(workers), most_(most), other_(std::make_shared<Series>(workers)) {}

  // The series of `name`, which has one from now on if there is room; else that of "_other". Not
  // for every request: keep what it returns until the table changes.
  std::shared_ptr<Series> claim(std::string_view name) {
    std::lock_guard lock(mutex_);
    auto found = named_.find(name);
    if (found != named_.end()) return found->second;
    if (named_.size() >= most_) {
      is_other_used_ = true;
      return other_;
    }
    return named_.emplace(name, std::make_shared<Series>(workers_)).first->second;
  }
  template <typename Visit>
  void visit_names(Visit visit) const {
    std::lock_guard lock(mutex_);
    for (const auto& [name, series] : named_) visit(name);
  }
  // Series whose name `is_live` denies end; their place is free.
  template <typename IsLive>
  void retain(IsLive is_live) {
    std::lock_guard lock(mutex_);
    std::erase_if(named_, [&](const auto& entry) { return !is_live(entry.first); });
  }
  // How many names may have a series. Those above it that have one keep it.
  void set_most(std::size_t most) {
    std::lock_guard lock(mutex_);
    most_ = most;
  }
  // Calls `visit(name, sum)` for each, in order of names, "_other" last if it was ever used.
  template <typename Visit>
  void visit(Visit visit) const {
    std::lock_guard lock(mutex_);
    for (const auto& [name, series] : named_) visit_one(std::string_view(name), *series, visit);
    if (is_other_used_) visit_one(kOtherSeries, *other_, visit);
  }

 private:
  template <typename Visit>
  static void visit_one(std::string_view name, const Series& series, Visit& visit) {
    T sum;
    series.add_to(sum);
    visit(name, sum);
  }
  mutable std::mutex mutex_;
  unsigned workers_;
  std::size_t most_;
  std::map<std::string, std::shared_ptr<Series>, std::less<>> named_;
  std::shared_ptr<Series> other_;
  bool is_other_used_ = false;
};

// The registries that all workers share.
struct SharedSeries {
  // `most`: routes and pools with series of their own, each. All listeners have them.
  SharedSeries(unsigned workers, std::size_t most)
      : listeners(workers, std::numeric_limits<std::size_t>::max()),
        routes(workers, most),
        pools(workers, most) {}
  SeriesRegistry<ListenerNumbers> listeners;
  SeriesRegistry<RouteNumbers> routes;
  SeriesRegistry<PoolNumbers> pools;
};
using ListenerSeries = SeriesRegistry<ListenerNumbers>::Series;
using RouteSeries = SeriesRegistry<RouteNumbers>::Series;
using PoolSeries = SeriesRegistry<PoolNumbers>::Series;

}  // namespace weir::observe
