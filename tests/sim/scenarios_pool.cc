// Pools: how requests are spread, how long connections are kept, what a reload does to both.
#include "sim/scenario.h"
#include "tests/support/pool_settings.h"
#include "weir/route/route_table.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One client that asks once and lets its connection go.
void ask_once(World& world, Duration when) {
  ClientPlan plan;
  plan.requests = {RequestPlan{}};
  world.add_client(plan, when);
}

// Of the only connection to backend 0: when it ended, while nobody asked for anything.
Duration kept_for(World& world) {
  ask_once(world, {});
  world.run_until(milliseconds(100));
  REQUIRE(world.backend(0).open_connections() == 1);
  while (world.backend(0).open_connections() == 1 && world.step()) {
  }
  return world.now();
}

}  // namespace

TEST_CASE("round_robin: exactly in turns") {
  auto world = world_of(3, balanced(config::Balance::kRoundRobin));
  for (int i = 0; i < 30; ++i) ask_once(*world, milliseconds(i));
  CHECK(world->run() == "");
  for (unsigned i = 0; i < 3; ++i) CHECK(world->backend(i).requests_seen() == 10);
}

TEST_CASE("least_requests: a backend that hangs gets no more than its share in flight") {
  auto world = world_of(3, balanced(config::Balance::kLeastRequests));
  Answer slow;
  slow.think = seconds(50);
  always(world->backend(1), slow);
  for (int i = 0; i < 300; ++i) ask_once(*world, milliseconds(10 * i));
  CHECK(world->run() == "");
  CHECK(world->backend(1).requests_seen() <= 2);
}

TEST_CASE("least_loaded: the slower of two random ones loses") {
  auto world = world_of(4, balanced(config::Balance::kLeastLoaded));
  Answer slow;
  slow.think = seconds(2);
  always(world->backend(2), slow);
  for (int i = 0; i < 1000; ++i) ask_once(*world, milliseconds(i));
  CHECK(world->run() == "");
  CHECK(world->backend(2).requests_seen() < 60);
  for (unsigned i : {0u, 1u, 3u}) {
    CHECK(world->backend(i).requests_seen() > 230);
    CHECK(world->backend(i).requests_seen() < 400);
  }
}

TEST_CASE("backend_idle: an unused kept-open connection goes after 15 seconds") {
  auto world = world_of(1);
  CHECK(is_about(kept_for(*world), seconds(15)));
  CHECK(world->run() == "");
}

TEST_CASE("backend_idle: a limit that the backend announces is undercut") {
  auto world = world_of(1);
  Answer answer;
  answer.keep_alive_seconds = 5;
  always(world->backend(0), answer);
  CHECK(is_about(kept_for(*world), seconds(4)));
  CHECK(world->run() == "");
}

TEST_CASE("backend_idle: a limit that was seen at work is undercut the next time") {
  auto world = world_of(1);
  world->backend(0).idle_limit = seconds(6);
  CHECK(is_about(kept_for(*world), seconds(6)));
  Duration again = seconds(30);
  ask_once(*world, again - world->now());
  world->run_until(again + milliseconds(100));
  CHECK(world->backend(0).open_connections() == 1);
  while (world->backend(0).open_connections() == 1 && world->step()) {
  }
  CHECK(is_about(world->now() - again, seconds(5)));
  CHECK(world->run() == "");
}

TEST_CASE("a request with side effects does not take a connection that has been idle for long") {
  struct Row {
    const char* method;
    Duration idle;
    bool is_reused;
  };
  const Row rows[] = {{"GET", seconds(14), true},
                      {"POST", milliseconds(900), true},
                      {"POST", milliseconds(1100), false}};
  for (const Row& row : rows) {
    auto world = world_of(1);
    ClientPlan plan;
    plan.requests = {RequestPlan{}, {.method = row.method}};
    plan.between = row.idle;
    world->add_client(plan);
    CHECK(world->run() == "");
    CHECK(world->request(1).was_reused == row.is_reused);
  }
}

TEST_CASE("max_idle: no more unused connections are kept than that") {
  backend::PoolSpec pool;
  test::own_settings(pool).max_idle = 3;
  auto world = world_of(1, pool);
  Answer answer;
  answer.think = milliseconds(500);
  always(world->backend(0), answer);
  for (int i = 0; i < 10; ++i) ask_once(*world, milliseconds(i));
  world->run_until(seconds(2));
  CHECK(world->backend(0).requests_seen() == 10);
  CHECK(world->proxy().backend_connections().idle_count() == 3);
  CHECK(world->run() == "");
}

TEST_CASE("bytes on an idle backend connection close it before anybody gets them (R22)") {
  auto world = world_of(1);
  world->backend(0).idle_babble = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong";
  ClientPlan plan;
  plan.requests = {RequestPlan{}, RequestPlan{}};
  plan.between = milliseconds(50);
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->backend(0).connections() == 2);
}

TEST_CASE("a reload that removes a backend ends its idle connections, not its requests") {
  auto world = world_of(2, balanced(config::Balance::kRoundRobin));
  Answer slow;
  slow.think = seconds(5);
  always(world->backend(0), slow);
  ask_once(*world, {});
  world->at(seconds(1), [&] { world->reload(2); });
  ask_once(*world, seconds(2));
  world->run_until(seconds(3));
  CHECK(world->shared_backend(0)->in_flight() == 1);
  world->run_until(seconds(6));
  CHECK(world->backend(0).open_connections() == 0);
  CHECK(world->backend(1).requests_seen() == 1);
  CHECK(world->run() == "");
  CHECK(world->request(0).status == 200);
}

TEST_CASE("no_route, table_empty, pool_empty: nowhere to go") {
  struct Row {
    const char* pattern;  // the only host; empty: no table at all
    Failure failure;
    int status;
  };
  const Row rows[] = {{"other.test", Failure::no_route, 404},
                      {"", Failure::table_empty, 503},
                      {"a.test", Failure::pool_empty, 503}};
  for (const Row& row : rows) {
    auto world = world_of(0);
    route::RouteTableEditor editor(1);
    if (*row.pattern != 0)
      editor.set({row.pattern, "", {}},
                 {editor.add_route(std::make_shared<const route::Route>()), 0});
    std::vector<std::shared_ptr<const backend::PoolSpec>> pools{
        std::make_shared<backend::PoolSpec>()};
    world->proxy().set_tables(editor.publish(),
                              std::make_shared<backend::PoolSet>(std::move(pools)));
    ClientPlan plan;
    plan.requests = {RequestPlan{}};
    plan.is_excused = true;
    world->add_client(plan);
    CHECK(world->run() == "");
    CHECK(world->request(0).status == row.status);
    CHECK(world->request(0).failure == row.failure);
  }
}

TEST_CASE("a stalled exchange holds at most 192 KiB, whichever side stalls") {
  for (bool client_stalls : {true, false}) {
    auto world = world_of(1);
    Answer answer;
    answer.body_bytes = 2'000'000;
    if (!client_stalls) answer.stalls_at = 0;
    always(world->backend(0), answer);
    ClientPlan plan;
    plan.requests = {RequestPlan{}};
    plan.is_excused = true;
    if (client_stalls) plan.read_quota = 1;
    if (!client_stalls) {
      plan.requests[0].method = "PUT";
      plan.requests[0].body = BodyEnd::kChunked;
      plan.requests[0].body_bytes = 2'000'000;
    }
    world->add_client(plan);
    CHECK(world->run() == "");  // the bound is an invariant of every step
    CHECK(world->request(0).failure ==
          (client_stalls ? Failure::client_write_timeout : Failure::backend_write_timeout));
  }
}

}  // namespace weir::sim
