// What checks make of backends: verdicts by rise and fall, over pools, reloads and maintenance.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "fake_connector.h"
#include "tests/support/fake_clock.h"
#include "tests/support/pool_settings.h"
#include "weir/backend/backend_states.h"

namespace {

using namespace weir;
using namespace weir::backend;
using namespace std::chrono_literals;
using config::HealthConfig;

struct Pool {
  std::string name;
  std::vector<std::string> addresses;
  std::shared_ptr<const HealthConfig> health;
};

std::shared_ptr<HealthConfig> tcp_check(unsigned rise = 2, unsigned fall = 3) {
  auto check = std::make_shared<HealthConfig>();
  check->kind = config::HealthKind::kTcp;
  check->rise = rise;
  check->fall = fall;
  return check;
}

// The network: whether a connect to an address succeeds.
struct Fixture {
  Fixture() : log(LogLevel::kInfo, make_pipe(), clock) {}
  ~Fixture() {
    for (int fd : pipe_) ::close(fd);
  }
  int make_pipe() {
    REQUIRE(pipe2(pipe_, O_NONBLOCK) == 0);
    return pipe_[1];
  }
  std::string take_log() {
    char text[8192];
    ssize_t count = read(pipe_[0], text, sizeof text);
    return count > 0 ? std::string(text, static_cast<std::size_t>(count)) : std::string();
  }

  void set(const std::vector<Pool>& pools) {
    std::vector<std::shared_ptr<const PoolSpec>> specs;
    for (const Pool& pool : pools) {
      PoolId id = ids.emplace(pool.name, static_cast<PoolId>(ids.size())).first->second;
      auto spec = std::make_shared<PoolSpec>();
      spec->id = id;
      spec->name = pool.name;
      test::own_settings(*spec).health = pool.health;
      for (const std::string& address : pool.addresses)
        spec->backends.push_back(backend(pool.name, address));
      specs.resize(std::max<std::size_t>(specs.size(), id + 1));
      specs[id] = std::move(spec);
    }
    states.set_pools(std::make_shared<PoolSet>(std::move(specs)), clock.wall());
  }
  std::shared_ptr<Backend> backend(const std::string& pool, const std::string& address) {
    std::shared_ptr<Backend>& known = backends[pool + " " + address];
    if (!known) known = std::make_shared<Backend>(pool, *Endpoint::parse(address), 1);
    return known;
  }
  // Lets checks happen; those to an address in `refused` fail.
  void pass(Duration time) {
    for (Duration passed{}; passed < time; passed += 5ms) {
      clock.advance(scheduler, 5ms);
      while (connector.pending_count() > 0) {
        const std::string& target = connector.targets[seen++];
        if (refused.contains(target) && refused[target])
          connector.fail(net::ConnectError::kRefused);
        else
          connector.succeed();
      }
    }
  }
  Standing standing(const std::string& pool, const std::string& address = "10.0.0.1:80") {
    return backend(pool, address)->standing();
  }
  BackendView view(const std::string& pool, std::size_t index = 0) {
    return states.view(pool)->backends.at(index);
  }

  int pipe_[2]{};
  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  wire::Context context{scheduler};
  test::FakeConnector connector{scheduler};
  Rng rng{1};
  Log log;
  HealthChecker checker{context, connector, rng, log, 1000};
  std::map<std::string, PoolId> ids;
  std::map<std::string, std::shared_ptr<Backend>> backends;
  std::map<std::string, bool> refused;
  std::size_t seen = 0;
  std::vector<std::vector<PoolId>> told;
  BackendStates states{checker, log,
                       [this](const std::vector<PoolId>& pools) { told.push_back(pools); }};
};

constexpr const char* kOne = "10.0.0.1:80";
constexpr const char* kTwo = "10.0.0.2:80";

TEST_CASE_FIXTURE(Fixture, "the first result decides at once, either way") {
  refused[kTwo] = true;
  set({{"web", {kOne, kTwo}, tcp_check()}});
  CHECK(standing("web") == Standing::kUnknown);
  CHECK(view("web").health == Health::kUnknown);
  CHECK(told.empty());
  pass(20ms);
  CHECK(standing("web") == Standing::kUsable);
  CHECK(standing("web", kTwo) == Standing::kOut);
  CHECK(view("web").health == Health::kUp);
  CHECK(view("web", 1).health == Health::kDown);
  CHECK(view("web", 1).health_reason == "connection refused");
  CHECK(view("web", 1).checks.size() == 1);
  CHECK(view("web", 1).checks[0].reason == "connection refused");
  CHECK_FALSE(view("web", 1).checks[0].is_success);
  CHECK(told.size() == 2);
  std::string lines = take_log();
  CHECK(lines.find("level=warn msg=\"backend is down\" pool=web backend=10.0.0.2:80 "
                   "reason=\"connection refused\" checks=1\n") != std::string::npos);
  CHECK(lines.find("backend is up") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "later only rise or fall in sequence change a verdict") {
  set({{"web", {kOne}, tcp_check(2, 3)}});
  pass(10ms);
  auto checks = [&](std::size_t count) {
    std::size_t until = connector.targets.size() + count;
    while (connector.targets.size() < until) pass(5ms);
  };
  refused[kOne] = true;
  checks(2);
  CHECK(standing("web") == Standing::kUsable);
  refused[kOne] = false;
  checks(1);
  refused[kOne] = true;
  checks(2);
  CHECK(standing("web") == Standing::kUsable);
  take_log();
  checks(1);
  CHECK(standing("web") == Standing::kOut);
  CHECK(take_log().find("reason=\"connection refused\" checks=3\n") != std::string::npos);
  refused[kOne] = false;
  checks(1);
  CHECK(standing("web") == Standing::kOut);
  WallTime before = clock.wall();
  checks(1);
  CHECK(standing("web") == Standing::kUsable);
  CHECK(view("web").health_since > before);
  std::string lines = take_log();
  CHECK(lines.find("level=info msg=\"backend is up\" pool=web backend=10.0.0.1:80 "
                   "reason=connected checks=2\n") != std::string::npos);
  CHECK(lines.find("msg=\"pool has a usable backend again\" pool=web") != std::string::npos);
  std::vector<PoolChecks> counted = states.checks();
  REQUIRE(counted.size() == 1);
  CHECK(counted[0].name == "web");
  CHECK(counted[0].succeeded == 4);
  CHECK(counted[0].failed == 5);
}

TEST_CASE_FIXTURE(Fixture, "a pool that has lost its last backend says so once") {
  refused[kOne] = refused[kTwo] = true;
  set({{"web", {kOne, kTwo}, tcp_check(1, 1)}});
  pass(100ms);
  std::string lines = take_log();
  std::size_t found = lines.find("level=error msg=\"pool has no usable backend\" pool=web");
  REQUIRE(found != std::string::npos);
  CHECK(lines.find("no usable", found + 40) == std::string::npos);
  CHECK(lines.find("usable backend") > lines.rfind("backend is down"));  // not while one is unknown
  refused[kOne] = false;
  pass(6s);
  CHECK(take_log().find("pool has a usable backend again") != std::string::npos);
  states.set_admin("web", kOne, AdminState::kDrain, "anna", clock.wall());
  CHECK(take_log().find("pool has no usable backend") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "pools share a probe and judge for themselves") {
  set({{"quick", {kOne}, tcp_check(1, 1)}, {"slow", {kOne}, tcp_check(1, 3)}});
  pass(10ms);
  CHECK(checker.probe_count() == 1);
  CHECK(connector.targets.size() == 1);
  refused[kOne] = true;
  while (connector.targets.size() < 2) pass(5ms);
  CHECK(standing("quick") == Standing::kOut);
  CHECK(standing("slow") == Standing::kUsable);
}

TEST_CASE_FIXTURE(Fixture, "verdicts and results outlive reloads, also under another pool's name") {
  refused[kOne] = true;
  set({{"web", {kOne, kTwo}, tcp_check()}});
  pass(10s);
  std::size_t kept = view("web").checks.size();
  CHECK(kept > 1);
  auto changed = tcp_check(5, 5);  // not another check
  set({{"web", {kTwo, kOne}, changed}});
  CHECK(standing("web") == Standing::kOut);
  CHECK(view("web", 1).checks.size() == kept);
  CHECK(view("web", 1).health_reason == "connection refused");
  set({{"renamed", {kOne, kTwo}, tcp_check()}});
  CHECK(standing("renamed") == Standing::kOut);
  CHECK(standing("renamed", kTwo) == Standing::kUsable);
  CHECK(view("renamed").checks.size() == kept);
  CHECK(checker.probe_count() == 2);
  set({});
  CHECK(checker.probe_count() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a changed check keeps the verdict until it overturns it") {
  set({{"web", {kOne, kTwo}, tcp_check(2, 3)}});
  pass(10ms);
  refused[kOne] = true;
  auto other = tcp_check(2, 3);
  other->timeout = 1s;
  set({{"web", {kOne, kTwo}, other}});
  CHECK(standing("web") == Standing::kUsable);
  CHECK(view("web").checks.empty());
  pass(20ms);
  CHECK(view("web").checks.size() == 1);
  CHECK(standing("web") == Standing::kUsable);
  pass(12s);
  CHECK(standing("web") == Standing::kOut);
}

TEST_CASE_FIXTURE(Fixture, "who was served without checks is used until they tell") {
  refused[kOne] = true;
  set({{"web", {kOne}, nullptr}});
  CHECK(standing("web") == Standing::kUsable);
  set({{"web", {kOne, kTwo}, tcp_check()}});
  CHECK(standing("web") == Standing::kUsable);
  CHECK(view("web").health == Health::kUnknown);
  CHECK(standing("web", kTwo) == Standing::kUnknown);
  pass(20ms);
  CHECK(standing("web") == Standing::kOut);
  set({{"web", {kOne, kTwo}, nullptr}});
  CHECK(standing("web") == Standing::kUsable);
  CHECK(view("web").health == Health::kUnchecked);
  CHECK(checker.probe_count() == 0);
  CHECK(states.checks().empty());
}

TEST_CASE_FIXTURE(Fixture, "drain goes on checking, maintenance does not and begins anew") {
  set({{"web", {kOne, kTwo}, tcp_check()}});
  pass(10ms);
  states.set_admin("web", kOne, AdminState::kDrain, "anna", clock.wall());
  CHECK(standing("web") == Standing::kDraining);
  CHECK(checker.probe_count() == 2);
  refused[kOne] = true;
  pass(20s);
  CHECK(standing("web") == Standing::kOut);
  states.set_admin("web", kOne, AdminState::kMaint, "anna", clock.wall());
  CHECK(standing("web") == Standing::kOut);
  CHECK(view("web").health == Health::kUnchecked);
  CHECK(checker.probe_count() == 1);
  // A reload does not begin to check it either.
  set({{"web", {kOne}, tcp_check()}});
  CHECK(checker.probe_count() == 0);
  refused[kOne] = false;
  told.clear();
  states.set_admin("web", kOne, AdminState::kReady, "anna", clock.wall());
  CHECK(standing("web") == Standing::kUnknown);
  CHECK(told.size() == 1);
  pass(10ms);
  CHECK(standing("web") == Standing::kUsable);
}

TEST_CASE_FIXTURE(Fixture, "a machine in maintenance is not checked in pools that come later") {
  set({{"web", {kOne}, tcp_check()}});
  states.set_admin("*", "10.0.0.1", AdminState::kMaint, "anna", clock.wall());
  set({{"web", {kOne}, tcp_check()}, {"api", {"10.0.0.1:81"}, tcp_check()}});
  CHECK(checker.probe_count() == 0);
  CHECK(standing("api", "10.0.0.1:81") == Standing::kOut);
  states.set_admin("*", "10.0.0.1", AdminState::kReady, "anna", clock.wall());
  CHECK(checker.probe_count() == 2);
}

TEST_CASE_FIXTURE(Fixture, "intervals that cannot be kept are said once, until they can") {
  auto often = tcp_check();
  often->interval = 1ms;
  std::vector<std::string> addresses = {kOne, kTwo, "10.0.0.3:80"};
  set({{"web", addresses, often}});
  CHECK(take_log().find("level=warn msg=\"health checks come less often than their intervals say\" "
                        "wanted_per_second=3000 most_per_second=2000\n") != std::string::npos);
  auto other = std::make_shared<HealthConfig>(*often);
  other->rise = 5;
  set({{"web", addresses, other}});
  CHECK(take_log().empty());
  set({{"web", {kOne}, often}});
  set({{"web", addresses, often}});
  CHECK(take_log().find("less often") != std::string::npos);
}

}  // namespace
