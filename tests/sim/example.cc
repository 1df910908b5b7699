// The model for a simulation test. Read it, copy it, change it.
//
// A World is virtual time, a network, weir's proxy core and actors. Tell the actors what to do, let
// it run, look at what became of each request. run() also checks every invariant; it returns the
// first complaint.
#include "sim/scenario.h"

namespace weir::sim {

TEST_CASE("a GET whose kept-open connection died is retried on another backend") {
  // Two backends in turns: requests 0 and 2 go to backend 0, request 1 to backend 1.
  std::unique_ptr<World> world = world_of(2, balanced(config::Balance::kRoundRobin));

  // Backend 0 closes a connection instead of answering the second request on it.
  world->backend(0).decides = [](const Request&, const Attempt& attempt) {
    Answer answer;
    if (attempt.is_reused) answer.leaves_at = 0;
    return answer;
  };

  // One client, three GETs over one connection, each after the answer to the last.
  ClientPlan plan;
  plan.requests = {RequestPlan{}, RequestPlan{}, RequestPlan{}};
  world->add_client(plan);

  CHECK(world->run() == "");

  const Request& request = world->request(2);
  REQUIRE(request.attempts.size() == 2);
  CHECK(world->ledger.attempt(request.attempts[0]).backend == 0);
  CHECK(world->ledger.attempt(request.attempts[1]).backend == 1);
  CHECK(request.status == 200);
  CHECK(request.is_whole);
  CHECK_FALSE(request.failure.has_value());
  CHECK(world->numbers().retries.get() == 1);
}

}  // namespace weir::sim
