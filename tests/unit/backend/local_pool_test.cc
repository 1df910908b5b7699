// A worker's view of a pool: identities over reloads, counts, the retry budget.
#include "tests/support/pool_settings.h"
#include "weir/backend/local_pool.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace weir;
using namespace weir::backend;
using namespace std::chrono_literals;

std::shared_ptr<Backend> make_backend(std::uint16_t port, unsigned workers = 2) {
  Endpoint endpoint;
  endpoint.ip = IpAddress::v4(0x7f000001, port);
  auto backend = std::make_shared<Backend>("web", endpoint, workers);
  backend->begin_counting();
  return backend;
}

std::shared_ptr<PoolSpec> spec_of(std::vector<std::shared_ptr<Backend>> backends) {
  auto spec = std::make_shared<PoolSpec>();
  spec->name = "web";
  spec->backends = std::move(backends);
  test::own_settings(*spec).balance = config::Balance::kLeastRequests;
  return spec;
}

constexpr TimePoint kStart{1h};

TEST_CASE("an update keeps the backends that stay, wherever they stand") {
  auto a = make_backend(1), b = make_backend(2), c = make_backend(3);
  LocalPool pool(spec_of({a, b}), 0);
  auto local_a = pool.backends()[0], local_b = pool.backends()[1];
  CHECK(local_a->shared().address() == "127.0.0.1:1");
  pool.update(spec_of({c, b}));
  REQUIRE(pool.backends().size() == 2);
  CHECK(pool.backends()[0]->identity() == c);
  CHECK(pool.backends()[1] == local_b);
  CHECK(local_a->is_removed());
  CHECK_FALSE(local_b->is_removed());
  // The same address as another Backend is another backend.
  pool.update(spec_of({make_backend(2)}));
  CHECK(pool.backends()[0] != local_b);
  CHECK(local_b->is_removed());
}

TEST_CASE("a claim counts as long as it lives, also beyond its pool") {
  Rng rng(1);
  auto a = make_backend(1);
  Claim claim;
  CHECK_FALSE(claim.is_held());
  {
    LocalPool pool(spec_of({a}), 0);
    claim = pool.claim({}, kStart, rng);
    Claim second = pool.claim({}, kStart, rng);
    CHECK(pool.backends()[0]->own_in_flight() == 2);
    CHECK(a->in_flight() == 2);
    Claim moved = std::move(second);
    CHECK_FALSE(second.is_held());
    CHECK(a->in_flight() == 2);
    moved.reset();
    moved.reset();
    CHECK(a->in_flight() == 1);
    pool.update(spec_of({}));
    CHECK_FALSE(pool.claim({}, kStart, rng).is_held());
  }
  CHECK(claim.backend().is_removed());
  CHECK(a->in_flight() == 1);
  claim = Claim();
  CHECK(a->in_flight() == 0);
}

TEST_CASE("assigning over a claim gives the old one back") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2);
  LocalPool pool(spec_of({a, b}), 0);
  Claim claim = pool.claim({}, kStart, rng);
  claim = pool.claim({}, kStart, rng);
  CHECK(a->in_flight() + b->in_flight() == 1);
}

TEST_CASE("what other workers have in flight counts, refreshed every 100 ms") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2);
  LocalPool mine(spec_of({a, b}), 0);
  LocalPool theirs(spec_of({a, b}), 1);
  a->add_in_flight(1, 5);
  CHECK(a->in_flight_of_others(0) == 5);
  CHECK(a->in_flight_of_others(1) == 0);
  auto first_choice = [&](TimePoint now) {
    Claim claim = mine.claim({}, now, rng);
    return claim.backend().identity();
  };
  for (int i = 0; i < 4; ++i) CHECK(first_choice(kStart) == b);
  CHECK(mine.backends()[0]->in_flight() == 5);
  CHECK(mine.backends()[0]->own_in_flight() == 0);
  a->add_in_flight(1, -5);
  b->add_in_flight(1, 9);
  CHECK(first_choice(kStart + 99ms) == b);  // not known yet
  for (int i = 0; i < 4; ++i) CHECK(first_choice(kStart + 100ms) == a);
  // An update asks at once.
  a->add_in_flight(1, 20);
  mine.update(spec_of({b, a}));
  CHECK(first_choice(kStart + 101ms) == b);
}

TEST_CASE("backends that were tried are avoided until all were") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2), c = make_backend(3);
  for (auto balance : {config::Balance::kLeastLoaded, config::Balance::kRoundRobin,
                       config::Balance::kLeastRequests}) {
    auto spec = spec_of({a, b, c});
    test::own_settings(*spec).balance = balance;
    LocalPool pool(spec, 0);
    const LocalBackend* all[] = {pool.backends()[0].get(), pool.backends()[1].get(),
                                 pool.backends()[2].get()};
    std::set<const LocalBackend*> seen;
    for (int i = 0; i < 60; ++i) {
      const LocalBackend* only_first[] = {all[0]};
      CHECK(&pool.claim(only_first, kStart, rng).backend() != all[0]);
      const LocalBackend* two[] = {all[0], all[2]};
      CHECK(&pool.claim(two, kStart, rng).backend() == all[1]);
    }
    for (int i = 0; i < 60; ++i) {
      seen.insert(&pool.claim(all, kStart, rng).backend());
    }
    CHECK(seen.size() == 3);
  }
}

TEST_CASE("a new algorithm takes over, an old one keeps its place") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2);
  auto spec = spec_of({a, b});
  test::own_settings(*spec).balance = config::Balance::kRoundRobin;
  LocalPool pool(spec, 0);
  CHECK(pool.claim({}, kStart, rng).backend().identity() == a);
  pool.update(std::make_shared<PoolSpec>(*spec));
  CHECK(pool.claim({}, kStart, rng).backend().identity() == b);
  auto changed = std::make_shared<PoolSpec>(*spec);
  test::own_settings(*changed).balance = config::Balance::kLeastRequests;
  b->add_in_flight(1, 3);
  pool.update(changed);
  for (int i = 0; i < 4; ++i) CHECK(pool.claim({}, kStart, rng).backend().identity() == a);
}

TEST_CASE("the retry budget: earned by requests, spent by retries, with a floor") {
  auto spec = spec_of({make_backend(1)});
  LocalPool pool(spec, 0);
  CHECK_FALSE(pool.spend_retry());
  pool.earn_retry(kStart);  // the floor: three a second
  for (int i = 0; i < 3; ++i) CHECK(pool.spend_retry());
  CHECK_FALSE(pool.spend_retry());
  for (int i = 0; i < 4; ++i) pool.earn_retry(kStart + 999ms);
  CHECK_FALSE(pool.spend_retry());
  pool.earn_retry(kStart + 999ms);  // five requests of 20 % make one
  CHECK(pool.spend_retry());
  CHECK_FALSE(pool.spend_retry());
  pool.earn_retry(kStart + 1s);
  for (int i = 0; i < 3; ++i) CHECK(pool.spend_retry());
  CHECK_FALSE(pool.spend_retry());
}

TEST_CASE("the retry budget saves a thousand at most") {
  LocalPool pool(spec_of({make_backend(1)}), 0);
  for (int i = 0; i < 6000; ++i) pool.earn_retry(kStart);
  int spent = 0;
  while (pool.spend_retry()) ++spent;
  CHECK(spent == 1000);
}

TEST_CASE("a retry budget of nothing has no floor either") {
  auto spec = spec_of({make_backend(1)});
  test::own_settings(*spec).retry_budget_percent = 0;
  LocalPool pool(spec, 0);
  for (int i = 0; i < 1000; ++i) pool.earn_retry(kStart + i * 1s);
  CHECK_FALSE(pool.spend_retry());
}

TEST_CASE("backends that are not usable get nothing, once the pool has looked") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2), c = make_backend(3);
  LocalPool pool(spec_of({a, b, c}), 0);
  const LocalBackend* local_c = pool.backends()[2].get();
  for (Standing standing : {Standing::kDraining, Standing::kOut, Standing::kUnknown}) {
    a->set_standing(standing);
    pool.look_again();
    CHECK(pool.availability() == Availability::kUsable);
    for (int i = 0; i < 20; ++i) CHECK(pool.claim({}, kStart, rng).backend().identity() != a);
    // Whoever tried the others tries them again rather than that one.
    const LocalBackend* tried[] = {pool.backends()[1].get(), local_c};
    CHECK_FALSE(pool.has_untried(tried));
    for (int i = 0; i < 20; ++i) CHECK(pool.claim(tried, kStart, rng).backend().identity() != a);
    CHECK(pool.has_untried({tried, 1}));
  }
  CHECK_FALSE(pool.backends()[0]->is_out());
  a->set_standing(Standing::kOut);
  pool.look_again();
  CHECK(pool.backends()[0]->is_out());
  a->set_standing(Standing::kUsable);
  auto chosen_of_six = [&] {
    int chosen = 0;
    for (int i = 0; i < 6; ++i)
      chosen += pool.claim({}, kStart, rng).backend().identity() == a ? 1 : 0;
    return chosen;
  };
  CHECK(chosen_of_six() == 0);  // nobody told the pool yet
  pool.look_again();
  CHECK(chosen_of_six() == 2);
}

TEST_CASE("what a pool can do for a request") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2);
  LocalPool pool(spec_of({a, b}), 0);
  auto availability = [&](Standing first, Standing second) {
    a->set_standing(first);
    b->set_standing(second);
    pool.look_again();
    CHECK(pool.claim({}, kStart, rng).is_held() == (pool.availability() == Availability::kUsable));
    return pool.availability();
  };
  CHECK(availability(Standing::kUsable, Standing::kUnknown) == Availability::kUsable);
  CHECK(availability(Standing::kOut, Standing::kUnknown) == Availability::kUndecided);
  CHECK(availability(Standing::kDraining, Standing::kOut) == Availability::kNone);
  CHECK(availability(Standing::kDraining, Standing::kDraining) == Availability::kNone);
  pool.update(spec_of({}));
  CHECK(pool.availability() == Availability::kEmpty);
  CHECK_FALSE(pool.claim({}, kStart, rng).is_held());
}

TEST_CASE("a failing backend is news at first, then once a minute, and when it works again") {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  LocalBackend backend(make_backend(1), 0);
  CHECK_FALSE(backend.is_recovery_news(kStart));
  CHECK(backend.is_failure_news(kStart));
  CHECK_FALSE(backend.is_failure_news(kStart + milliseconds(1)));
  CHECK_FALSE(backend.is_recovery_news(kStart + milliseconds(2)));  // the others are on their way
  CHECK_FALSE(backend.is_failure_news(kStart + seconds(59)));
  CHECK(backend.is_failure_news(kStart + seconds(60)));
  CHECK(backend.is_failing());
  CHECK(backend.is_recovery_news(kStart + seconds(61)));
  CHECK_FALSE(backend.is_failing());
  CHECK_FALSE(backend.is_recovery_news(kStart + seconds(70)));
  CHECK(backend.is_failure_news(kStart + seconds(71)));
}

TEST_CASE("backups get requests only while nobody else is usable") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2), c = make_backend(3);
  auto spec = spec_of({a, b, c});
  spec->traits = {{}, {1, true}};  // the third has the defaults
  LocalPool pool(spec, 0);
  std::set<const Backend*> seen;
  auto choose_all = [&] {
    seen.clear();
    for (int i = 0; i < 20; ++i)
      seen.insert(pool.claim({}, kStart, rng).backend().identity().get());
    return seen.size();
  };
  CHECK(choose_all() == 2);
  CHECK_FALSE(seen.contains(b.get()));
  // A request that tried everybody else gets the backup; one that tried it as well, anybody.
  const LocalBackend* first[] = {pool.backends()[0].get()};
  CHECK(pool.claim(first, kStart, rng).backend().identity() == c);
  const LocalBackend* tried[] = {pool.backends()[0].get(), pool.backends()[2].get()};
  CHECK(pool.has_untried(tried));
  CHECK(pool.claim(tried, kStart, rng).backend().identity() == b);
  const LocalBackend* all[] = {tried[0], tried[1], pool.backends()[1].get()};
  CHECK_FALSE(pool.has_untried(all));
  CHECK(pool.claim(all, kStart, rng).backend().identity() != b);
  a->set_standing(Standing::kOut);
  c->set_standing(Standing::kUnknown);
  pool.look_again();
  CHECK(choose_all() == 1);
  CHECK(seen.contains(b.get()));
  c->set_standing(Standing::kUsable);
  pool.look_again();
  CHECK(choose_all() == 1);
  CHECK(seen.contains(c.get()));
}

TEST_CASE("weights share out requests, also among those that a retry has not tried") {
  Rng rng(1);
  auto a = make_backend(1), b = make_backend(2), c = make_backend(3);
  auto spec = spec_of({a, b, c});
  test::own_settings(*spec).balance = config::Balance::kRoundRobin;
  spec->traits = {{6, false}, {3, false}, {1, false}};
  LocalPool pool(spec, 0);
  auto count = [&](std::span<const LocalBackend* const> tried) {
    std::map<const Backend*, int> counts;
    for (int i = 0; i < 200; ++i)
      ++counts[pool.claim(tried, kStart, rng).backend().identity().get()];
    return counts;
  };
  auto all = count({});
  CHECK(all[a.get()] == 120);
  CHECK(all[c.get()] == 20);
  const LocalBackend* tried[] = {pool.backends()[0].get()};
  auto rest = count(tried);
  CHECK(rest[a.get()] == 0);
  CHECK(rest[b.get()] == 150);
  // Equal weights are none, and a reload changes them in place.
  auto equal = std::make_shared<PoolSpec>(*spec);
  equal->traits = {{6, false}, {6, false}, {6, false}};
  pool.update(equal);
  CHECK(count({})[c.get()] > 60);
}

struct Waiter final : PoolWaiter {
  void on_pool_decided() override { ++calls; }
  int calls = 0;
};

TEST_CASE("who waits for a pool is called once it is decided, for better or worse") {
  auto a = make_backend(1), b = make_backend(2);
  a->set_standing(Standing::kUnknown);
  b->set_standing(Standing::kUnknown);
  LocalPool pool(spec_of({a, b}), 0);
  Waiter first, second;
  {
    Waiter gone;
    pool.wait(first);
    pool.wait(gone);
    pool.wait(second);
  }
  a->set_standing(Standing::kOut);
  pool.look_again();
  pool.wake_waiters();
  CHECK(first.calls == 0);
  b->set_standing(Standing::kUsable);
  pool.look_again();
  pool.wake_waiters();
  pool.wake_waiters();
  CHECK(first.calls == 1);
  CHECK(second.calls == 1);
  CHECK_FALSE(first.is_linked());

  b->set_standing(Standing::kUnknown);
  pool.look_again();
  pool.wait(first);
  pool.mark_removed();  // nobody tells such a pool anything any more
  CHECK(pool.availability() == Availability::kNone);
  pool.wake_waiters();
  CHECK(first.calls == 2);
}

}  // namespace
