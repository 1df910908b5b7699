#include "weir/backend/pool.h"

namespace weir::backend {

const std::shared_ptr<const PoolSettings>& usual_settings() {
  static const auto kUsual = std::make_shared<const PoolSettings>();
  return kUsual;
}

Backend::Backend(SharedText pool, const Endpoint& endpoint, unsigned workers)
    : pool_(std::move(pool)),
      unix_path_(endpoint.unix_path),
      ip_(endpoint.ip),
      workers_(static_cast<std::uint16_t>(workers)) {}

Backend::~Backend() { delete[] slots_.load(std::memory_order_relaxed); }

std::string Backend::address() const { return is_unix() ? endpoint().text() : ip_.text(); }

void Backend::begin_counting() {
  if (slots_.load(std::memory_order_acquire) != nullptr) return;
  auto made = std::make_unique<Slot[]>(workers_);
  Slot* none = nullptr;
  if (slots_.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) made.release();
}

std::uint32_t Backend::in_flight_of_others(unsigned worker) const {
  const Slot* slots = slots_.load(std::memory_order_acquire);
  std::uint32_t sum = 0;
  for (unsigned i = 0; slots != nullptr && i < workers_; ++i) {
    if (i != worker) sum += slots[i].in_flight.load(std::memory_order_relaxed);
  }
  return sum;
}

std::uint64_t Backend::requests(int status_class) const {
  const Slot* slots = slots_.load(std::memory_order_acquire);
  std::uint64_t sum = 0;
  for (unsigned i = 0; slots != nullptr && i < workers_; ++i)
    sum += slots[i].requests[static_cast<std::size_t>(status_class)].get();
  return sum;
}

std::uint64_t Backend::idle_connections() const {
  const Slot* slots = slots_.load(std::memory_order_acquire);
  std::uint64_t sum = 0;
  for (unsigned i = 0; slots != nullptr && i < workers_; ++i) sum += slots[i].idle.get();
  return sum;
}

}  // namespace weir::backend
