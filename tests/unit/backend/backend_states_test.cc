// What administrators want of backends, over pools, machines and reloads.
#include "weir/backend/backend_states.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "fake_connector.h"
#include "tests/support/fake_clock.h"

namespace {

using namespace weir;
using namespace weir::backend;
using namespace std::chrono_literals;

constexpr WallTime kNow{1000s};

// Pools by name with their addresses, as the builder makes them: what stays is the same object.
class Table {
 public:
  std::shared_ptr<const PoolSet> set(
      const std::vector<std::pair<std::string, std::vector<std::string>>>& pools) {
    std::vector<std::shared_ptr<const PoolSpec>> specs;
    for (const auto& [name, addresses] : pools) {
      PoolId id = ids_.emplace(name, static_cast<PoolId>(ids_.size())).first->second;
      auto spec = std::make_shared<PoolSpec>();
      spec->id = id;
      spec->name = name;
      for (const std::string& address : addresses) spec->backends.push_back(backend(name, address));
      specs.resize(std::max<std::size_t>(specs.size(), id + 1));
      specs[id] = std::move(spec);
    }
    return std::make_shared<PoolSet>(std::move(specs));
  }
  std::shared_ptr<Backend> backend(const std::string& pool, const std::string& address) {
    std::shared_ptr<Backend>& known = backends_[pool + " " + address];
    if (!known) {
      known = std::make_shared<Backend>(pool, *Endpoint::parse(address), 1);
      known->begin_counting();
    }
    return known;
  }

 private:
  std::map<std::string, PoolId> ids_;
  std::map<std::string, std::shared_ptr<Backend>> backends_;
};

struct Fixture {
  Table table;
  std::vector<std::vector<PoolId>> told;
  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  wire::Context context{scheduler};
  test::FakeConnector connector{scheduler};
  Rng rng{1};
  Log log{LogLevel::kError, -1, clock};
  HealthChecker checker{context, connector, rng, log, 10};
  BackendStates states{checker, log,
                       [this](const std::vector<PoolId>& pools) { told.push_back(pools); }};

  Fixture() {
    states.set_pools(table.set({{"web", {"10.0.0.1:80", "10.0.0.2:80"}},
                                {"api", {"10.0.0.1:81", "[2001:db8::1]:80", "unix:/run/a"}}}),
                     kNow);
  }
  Standing standing(const std::string& pool, const std::string& address) {
    return table.backend(pool, address)->standing();
  }
};

TEST_CASE_FIXTURE(Fixture, "one backend of one pool is drained, put into maintenance, made ready") {
  CHECK(states.set_admin("web", "10.0.0.2:80", AdminState::kDrain, "anna", kNow) == 1);
  CHECK(standing("web", "10.0.0.2:80") == Standing::kDraining);
  CHECK(told == std::vector<std::vector<PoolId>>{{0}});
  CHECK(states.set_admin("web", "10.0.0.2:80", AdminState::kDrain, "bert", kNow + 1s) == 1);
  CHECK(told.size() == 1);
  auto view = states.view("web");
  REQUIRE(view.has_value());
  CHECK(view->usable == 1);
  REQUIRE(view->backends.size() == 2);
  CHECK(view->backends[0].is_usable);
  CHECK(view->backends[0].health == Health::kUnchecked);
  CHECK(view->backends[1].address == "10.0.0.2:80");
  CHECK(view->backends[1].admin == AdminState::kDrain);
  CHECK(view->backends[1].admin_by == "anna");  // who changed it, not who said it again
  CHECK(view->backends[1].admin_since == kNow);
  CHECK_FALSE(view->backends[1].is_usable);

  states.set_admin("web", "10.0.0.2:80", AdminState::kMaint, "bert", kNow + 2s);
  CHECK(standing("web", "10.0.0.2:80") == Standing::kOut);
  states.set_admin("web", "10.0.0.2:80", AdminState::kReady, "carl", kNow + 3s);
  CHECK(standing("web", "10.0.0.2:80") == Standing::kUsable);
  CHECK(states.view("web")->backends[1].admin_by == "carl");
  CHECK(told.size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "a name that nobody has changes nothing") {
  for (const char* address : {"10.0.0.9:80", "10.0.0.1:9", "10.0.0", "", "unix:/run/b", "web"})
    CHECK(states.set_admin("*", address, AdminState::kMaint, "anna", kNow) == 0);
  CHECK(states.set_admin("shop", "10.0.0.1:80", AdminState::kMaint, "anna", kNow) == 0);
  CHECK(states.set_admin("api", "10.0.0.1:80", AdminState::kMaint, "anna", kNow) == 0);
  CHECK(told.empty());
  CHECK_FALSE(states.view("shop").has_value());
  // Not even for later: nobody may have meant it.
  states.set_pools(table.set({{"web", {"10.0.0.9:80"}}}), kNow);
  CHECK(standing("web", "10.0.0.9:80") == Standing::kUsable);
}

TEST_CASE_FIXTURE(Fixture, "a machine's backends by its address alone, of one pool or all") {
  CHECK(states.set_admin("api", "10.0.0.1", AdminState::kDrain, "anna", kNow) == 1);
  CHECK(standing("web", "10.0.0.1:80") == Standing::kUsable);
  CHECK(states.set_admin("*", "10.0.0.1", AdminState::kMaint, "anna", kNow) == 2);
  CHECK(standing("web", "10.0.0.1:80") == Standing::kOut);
  CHECK(standing("api", "10.0.0.1:81") == Standing::kOut);
  CHECK(told.back() == std::vector<PoolId>{0, 1});
  for (const char* address : {"2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"})
    CHECK(states.set_admin("*", address, AdminState::kDrain, "anna", kNow) == 1);
  CHECK(states.set_admin("*", "unix:/run/a", AdminState::kDrain, "anna", kNow) == 1);
  CHECK(states.view_all().size() == 2);
  CHECK(states.view_all()[1].usable == 0);
}

TEST_CASE_FIXTURE(Fixture, "all backends by their states, and the pools that have none left") {
  auto totals = [this] {
    std::string text;
    for (const StateTotal& total : states.state_totals())
      text += std::string(total.state) + " " + std::to_string(total.backends) + ", ";
    return text;
  };
  CHECK(totals() == "up 0, down 0, unknown 0, unchecked 5, drain 0, maint 0, ");
  states.set_admin("*", "10.0.0.1", AdminState::kMaint, "anna", kNow);
  states.set_admin("api", "unix:/run/a", AdminState::kDrain, "anna", kNow);
  CHECK(totals() == "up 0, down 0, unknown 0, unchecked 2, drain 1, maint 2, ");
  CHECK(states.view("web")->state == "degraded");
  CHECK(states.unusable_pools("*", "10.0.0.1").empty());
  states.set_admin("web", "10.0.0.2:80", AdminState::kDrain, "anna", kNow);
  auto unusable = states.unusable_pools("*", "10.0.0.1");
  REQUIRE(unusable.size() == 1);
  CHECK(unusable[0].name == "web");
  CHECK(unusable[0].backends == 2);
  CHECK(states.unusable_pools("api", "10.0.0.1").empty());
  states.set_pools(table.set({{"web", {"10.0.0.1:80"}}}), kNow);
  CHECK(totals() == "up 0, down 0, unknown 0, unchecked 0, drain 0, maint 1, ");
}

TEST_CASE_FIXTURE(Fixture, "requests in flight of all that match") {
  table.backend("web", "10.0.0.1:80")->add_in_flight(0, 2);
  table.backend("api", "10.0.0.1:81")->add_in_flight(0, 3);
  CHECK(states.in_flight("*", "10.0.0.1") == 5);
  CHECK(states.in_flight("web", "10.0.0.1") == 2);
  CHECK(states.in_flight("web", "10.0.0.2:80") == 0);
  CHECK(states.view("api")->backends[0].in_flight == 3);
}

TEST_CASE_FIXTURE(Fixture, "states outlive reloads; what went and came back begins anew") {
  states.set_admin("web", "10.0.0.2:80", AdminState::kMaint, "anna", kNow);
  states.set_admin("web", "10.0.0.1:80", AdminState::kDrain, "anna", kNow);
  told.clear();
  states.set_pools(table.set({{"web", {"10.0.0.3:80", "10.0.0.2:80"}}}), kNow + 1s);
  CHECK(standing("web", "10.0.0.2:80") == Standing::kOut);
  CHECK(standing("web", "10.0.0.3:80") == Standing::kUsable);
  CHECK(states.view("web")->backends[1].admin_by == "anna");
  CHECK_FALSE(states.view("api").has_value());
  CHECK(told.empty());  // workers look when they get the version
  states.set_pools(table.set({{"web", {"10.0.0.1:80", "10.0.0.2:80"}}}), kNow + 2s);
  CHECK(standing("web", "10.0.0.1:80") == Standing::kUsable);
  CHECK(standing("web", "10.0.0.2:80") == Standing::kOut);
}

TEST_CASE_FIXTURE(Fixture, "what was set for a machine everywhere holds for its later backends") {
  states.set_admin("*", "10.0.0.1", AdminState::kMaint, "anna", kNow);
  states.set_admin("*", "10.0.0.2:80", AdminState::kDrain, "anna", kNow);
  auto reload = [&](const std::string& port) {
    states.set_pools(table.set({{"web", {"10.0.0.1:80", "10.0.0.2:80"}},
                                {"new" + port, {"10.0.0.1:" + port, "10.0.0.2:" + port}}}),
                     kNow + 1s);
  };
  reload("90");
  CHECK(standing("new90", "10.0.0.1:90") == Standing::kOut);
  CHECK(states.view("new90")->backends[0].admin_by == "anna");
  CHECK(states.view("new90")->backends[0].admin_since == kNow);
  CHECK(standing("new90", "10.0.0.2:90") == Standing::kUsable);
  reload("80");
  CHECK(standing("new80", "10.0.0.2:80") == Standing::kDraining);
  // One address of it was made ready since; then the whole machine.
  states.set_admin("*", "10.0.0.1:80", AdminState::kReady, "bert", kNow + 2s);
  reload("91");
  reload("80");
  CHECK(standing("new80", "10.0.0.1:80") == Standing::kUsable);
  CHECK(standing("new80", "10.0.0.2:80") == Standing::kDraining);
  reload("92");
  CHECK(standing("new92", "10.0.0.1:92") == Standing::kOut);
  states.set_admin("*", "10.0.0.1", AdminState::kReady, "bert", kNow + 3s);
  reload("93");
  CHECK(standing("new93", "10.0.0.1:93") == Standing::kUsable);
}

TEST_CASE("a pool in a word") {
  CHECK(weir::backend::pool_state_word(0, 0) == "empty");
  CHECK(weir::backend::pool_state_word(0, 2) == "down");
  CHECK(weir::backend::pool_state_word(1, 2) == "degraded");
  CHECK(weir::backend::pool_state_word(2, 2) == "up");
}

TEST_CASE("names of states") {
  CHECK(name_of(AdminState::kReady) == "ready");
  CHECK(name_of(AdminState::kDrain) == "drain");
  CHECK(name_of(AdminState::kMaint) == "maint");
  CHECK(name_of(Health::kUnchecked) == "unchecked");
  CHECK(name_of(Health::kUnknown) == "unknown");
  CHECK(name_of(Health::kUp) == "up");
  CHECK(name_of(Health::kDown) == "down");
}

}  // namespace
