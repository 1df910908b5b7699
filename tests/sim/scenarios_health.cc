// Health checks and what they mean for requests: waiting for the first verdict, going around what
// is down, failing when nothing is left.
#include "sim/scenario.h"
#include "tests/support/pool_settings.h"

namespace weir::sim {
namespace {

using backend::AdminState;
using std::chrono::milliseconds;
using std::chrono::seconds;

backend::PoolSpec checked(config::Balance balance = config::Balance::kRoundRobin) {
  backend::PoolSpec pool = balanced(balance);
  auto check = std::make_shared<config::HealthConfig>();
  check->path = kCheckPath;
  check->interval = seconds(1);
  check->rise = 2;
  check->fall = 2;
  test::own_settings(pool).health = std::move(check);
  return pool;
}

std::string up() { return "HTTP/1.1 200 Up\r\nContent-Length: 0\r\n\r\n"; }
std::string down() { return "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"; }
std::string silence() { return ""; }

void ask_once(World& world, Duration when) { world.add_client(plan_of({RequestPlan{}}), when); }

}  // namespace

TEST_CASE("requests at the very start wait for the first verdict and miss nobody that is down") {
  auto world = world_of(2, checked());
  world->backend(0).checks = down;
  for (int i = 0; i < 20; ++i) ask_once(*world, {});
  CHECK(world->run() == "");
  CHECK(world->backend(0).requests_seen() == 0);
  CHECK(world->backend(1).requests_seen() == 20);
  for (unsigned i = 0; i < 20; ++i) CHECK(world->request(i).status == 200);
}

TEST_CASE("all down: 503 at once, also for those who wait; all back: served again") {
  auto world = world_of(2, checked());
  bool is_down = true;
  for (unsigned i : {0u, 1u})
    world->backend(i).checks = [&is_down] { return is_down ? down() : up(); };
  ask_once(*world, {});
  ask_once(*world, seconds(1));
  world->at(seconds(2), [&is_down] { is_down = false; });
  ask_once(*world, seconds(6));
  CHECK(world->run() == "");
  for (unsigned i : {0u, 1u}) {
    CHECK(world->request(i).status == 503);
    CHECK(world->request(i).failure == Failure::no_usable_backend);
    CHECK(world->request(i).took < milliseconds(20));
  }
  CHECK(world->request(2).status == 200);
}

TEST_CASE("checks that nobody answers: who waits fails with the verdict, or at retry_window") {
  for (Duration window : {Duration(seconds(10)), Duration(milliseconds(500))}) {
    auto pool = checked();
    test::own_settings(pool).timeouts.retry_window = window;
    auto world = world_of(1, pool);
    world->backend(0).checks = silence;
    ask_once(*world, {});
    CHECK(world->run() == "");
    CHECK(world->request(0).failure == Failure::no_usable_backend);
    Duration expected = std::min<Duration>(window, seconds(2));  // the check's timeout
    CHECK(is_about(world->request(0).took, expected));
  }
}

TEST_CASE("a backend that goes down is left alone until it has risen") {
  auto world = world_of(2, checked());
  Duration sick_from = seconds(5), sick_until = seconds(12);
  world->backend(0).checks = [&] {
    return world->now() >= sick_from && world->now() < sick_until ? down() : up();
  };
  std::vector<std::size_t> seen;
  for (int i = 0; i < 200; ++i) ask_once(*world, milliseconds(100 * i));
  for (Duration when : {seconds(5), seconds(8), seconds(12), seconds(15), seconds(20)})
    world->at(when, [&] { seen.push_back(world->backend(0).requests_seen()); });
  CHECK(world->run() == "");
  REQUIRE(seen.size() == 5);
  CHECK(seen[0] == 25);           // each other one
  CHECK(seen[2] == seen[1]);      // none between two failures and their end
  CHECK(seen[4] > seen[3] + 20);  // back again
  for (unsigned i = 0; i < 200; ++i) CHECK(world->request(i).status == 200);
}

TEST_CASE("drained: what is under way ends, nothing new comes; ready: it comes again") {
  auto world = world_of(2, balanced(config::Balance::kRoundRobin));
  Answer slow;
  slow.think = seconds(3);
  always(world->backend(0), slow);
  ask_once(*world, {});
  world->at(milliseconds(500), [&] { world->set_admin(0, AdminState::kDrain); });
  for (int i = 1; i <= 10; ++i) ask_once(*world, milliseconds(1000 + i));
  world->at(seconds(2), [&] {
    CHECK(world->backend(0).requests_seen() == 1);
    CHECK(world->shared_backend(0)->in_flight() == 1);
    world->set_admin(0, AdminState::kReady);
  });
  ask_once(*world, seconds(3));
  ask_once(*world, seconds(3));
  CHECK(world->run() == "");
  CHECK(world->request(0).status == 200);
  CHECK(world->backend(0).requests_seen() == 2);
}

TEST_CASE("maintenance closes idle connections, drain does not") {
  for (AdminState state : {AdminState::kDrain, AdminState::kMaint}) {
    auto world = world_of(1);
    ask_once(*world, {});
    world->at(milliseconds(100), [&] { world->set_admin(0, state); });
    world->run_until(milliseconds(200));
    CHECK(world->backend(0).open_connections() == (state == AdminState::kDrain ? 1 : 0));
    CHECK(world->run() == "");
  }
}

TEST_CASE("a backup serves while nobody else can") {
  auto pool = checked();
  pool.traits = {{}, {1, true}};
  auto world = world_of(2, pool);
  world->backend(0).checks = [&] { return world->now() < seconds(5) ? up() : down(); };
  for (int i = 0; i < 10; ++i) ask_once(*world, milliseconds(100 * (i + 1)));
  for (int i = 0; i < 10; ++i) ask_once(*world, seconds(10) + milliseconds(i));
  world->at(seconds(5), [&] { CHECK(world->backend(1).requests_seen() == 0); });
  CHECK(world->run() == "");
  CHECK(world->backend(0).requests_seen() == 10);
  CHECK(world->backend(1).requests_seen() == 10);
}

TEST_CASE("a backup answers what the others refused, without any checks") {
  auto pool = balanced(config::Balance::kRoundRobin);
  pool.traits = {{}, {1, true}};
  auto world = world_of(2, pool);
  world->backend(0).dials = [] {
    Dial dial;
    dial.fate = Dial::Fate::kFailsAtOnce;
    dial.error = net::ConnectError::kRefused;
    return dial;
  };
  for (int i = 0; i < 10; ++i) ask_once(*world, milliseconds(100 * i));
  CHECK(world->run() == "");
  CHECK(world->backend(1).requests_seen() == 10);
}

TEST_CASE("weights decide what everyone gets") {
  for (auto balance : {config::Balance::kRoundRobin, config::Balance::kLeastLoaded}) {
    auto pool = balanced(balance);
    pool.traits = {{3, false}, {1, false}};
    auto world = world_of(2, pool);
    for (int i = 0; i < 800; ++i) ask_once(*world, milliseconds(i));
    CHECK(world->run() == "");
    CHECK(world->backend(0).requests_seen() > 560);
    CHECK(world->backend(0).requests_seen() < 640);
  }
}

}  // namespace weir::sim
