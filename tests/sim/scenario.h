#pragma once
// What scenarios share: a served world of well-behaved parts that a test then spoils. Durations are
// exact but for the simulated wire, which takes well under kWire.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/world.h"
#include "tests/support/pool_settings.h"

namespace weir::sim {

inline constexpr Duration kWire = std::chrono::milliseconds(10);

// Makes the backends (in order 0, 1, … under round robin) and serves them.
inline std::unique_ptr<World> world_of(unsigned backends, const backend::PoolSpec& pool = {}) {
  auto world = std::make_unique<World>(Chance(std::uint64_t{1}));
  world->pool = pool;
  world->pool.name = "pool";
  for (unsigned i = 0; i < backends; ++i) world->add_backend();
  world->serve();
  return world;
}

inline backend::PoolSpec balanced(config::Balance balance) {
  backend::PoolSpec pool;
  test::own_settings(pool).balance = balance;
  return pool;
}

inline ClientPlan plan_of(std::vector<RequestPlan> requests) {
  ClientPlan plan;
  plan.requests = std::move(requests);
  plan.is_excused = true;  // scenarios judge for themselves
  return plan;
}

inline RequestPlan upload(const char* method, std::size_t bytes,
                          BodyEnd framing = BodyEnd::kLength) {
  RequestPlan plan;
  plan.method = method;
  plan.body = framing;
  plan.body_bytes = bytes;
  return plan;
}

// Every answer is this one.
inline void always(SimBackend& backend, const Answer& answer) {
  backend.decides = [answer](const Request&, const Attempt&) { return answer; };
}

// `took` is what was asked for, and the wire's delay on top.
inline bool is_about(Duration took, Duration expected) {
  return took >= expected && took < expected + kWire;
}

}  // namespace weir::sim
