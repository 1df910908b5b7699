#include "weir/backend/pool.h"

namespace weir::backend {

Backend::Backend(std::string pool, Endpoint endpoint, unsigned workers)
    : pool_(std::move(pool)),
      endpoint_(std::move(endpoint)),
      address_(endpoint_.text()),
      workers_(workers),
      slots_(std::make_unique<Slot[]>(workers)) {}

std::uint32_t Backend::in_flight_of_others(unsigned worker) const {
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < workers_; ++i) {
    if (i != worker) sum += slots_[i].in_flight.load(std::memory_order_relaxed);
  }
  return sum;
}

std::uint64_t Backend::requests(int status_class) const {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < workers_; ++i)
    sum += slots_[i].requests[static_cast<std::size_t>(status_class)].get();
  return sum;
}

std::uint64_t Backend::idle_connections() const {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < workers_; ++i) sum += slots_[i].idle.get();
  return sum;
}

}  // namespace weir::backend
