// The forms of a health check.
#include "src/config/health.h"

#include <doctest/doctest.h>

#include "load_fixture.h"

namespace weir::config::test {
namespace {

Loaded load_health(const std::string& health) {
  return load("[pool.a]\nbackends = []\nhealth = " + health);
}
std::shared_ptr<const HealthConfig> health_of(const Loaded& loaded) {
  CHECK(joined(errors_of(loaded)).empty());
  REQUIRE(loaded.config.has_value());
  return loaded.config->pools.at(0).health;
}

}  // namespace

TEST_CASE("no check, one by HTTP, one by TCP") {
  CHECK(health_of(load_health("false")) == nullptr);
  CHECK(health_of(load("[pool.a]\nbackends = []")) == nullptr);
  auto http = health_of(load_health("{ path = \"/up?x=1\" }"));
  HealthConfig expected;
  expected.path = "/up?x=1";
  CHECK(*http == expected);
  CHECK(Health::show(http) ==
        "{ path = \"/up?x=1\", interval = \"5s\", timeout = \"2s\", rise = 2, fall = 3, status = "
        "\"200-399\" }");
  auto tcp = health_of(load_health("{ tcp = true, interval = \"1s\", rise = 1, fall = 9 }"));
  CHECK(tcp->kind == HealthKind::kTcp);
  CHECK(tcp->rise == 1);
  CHECK(tcp->fall == 9);
  CHECK(Health::show(tcp) ==
        "{ tcp = true, interval = \"1s\", timeout = \"2s\", rise = 1, fall = 9 }");
  auto whole =
      health_of(load_health("{ path = \"/\", timeout = \"1m\", status = \"200, 300-399\", "
                            "host = \"up.example.com\", body = \"pong\" }"));
  CHECK(whole->status == "200,300-399");
  CHECK(whole->host == "up.example.com");
  CHECK(whole->body == "pong");
  CHECK(Health::show(whole).ends_with("host = \"up.example.com\", body = \"pong\" }"));
}

TEST_CASE("pool_defaults give a check, a pool's own takes its place as a whole") {
  Loaded loaded = load(
      "[pool_defaults]\nhealth = { path = \"/up\", interval = \"1s\" }\n"
      "[pool.a]\nbackends = []\n[pool.b]\nbackends = []\nhealth = { tcp = true }\n"
      "[pool.c]\nbackends = []\nhealth = false\n");
  CHECK(joined(errors_of(loaded)).empty());
  REQUIRE(loaded.config.has_value());
  CHECK(loaded.config->pools[0].health->path == "/up");
  CHECK(loaded.config->pools[1].health->kind == HealthKind::kTcp);
  CHECK(loaded.config->pools[1].health->interval == std::chrono::seconds(5));
  CHECK(loaded.config->pools[2].health == nullptr);
}

TEST_CASE("checks that are none") {
  struct Case {
    const char* health;
    const char* error;
  };
  for (const Case& c : {
           Case{"true",
                "3:10: health is true (expected false, { path = \"/up\" } or { tcp = true })"},
           Case{"\"/up\"",
                "3:10: health is \"/up\" (expected false, { path = \"/up\" } or { tcp = true })"},
           Case{"{ interval = \"1s\" }",
                "3:10: health is a table (expected false, { path = \"/up\" } or { tcp = true })"},
           Case{"{ path = \"up\" }",
                "3:19: health.path is \"up\" (expected a path such as \"/up\"; did you mean "
                "\"/up\"?)"},
           Case{"{ path = \"/a b\" }",
                "3:19: health.path is \"/a b\" (expected a path such as \"/up\")"},
           Case{"{ path = \"/\", status = 200 }",
                "3:33: health.status is the integer 200 (expected statuses such as \"200-399\" or "
                "\"200,204\"; did you mean \"200\"?)"},
           Case{"{ path = \"/\", status = \"2xx\" }",
                "3:33: health.status is \"2xx\" (expected statuses such as \"200-399\" or "
                "\"200,204\")"},
           Case{"{ path = \"/\", status = \"399-200\" }",
                "3:33: health.status is \"399-200\" (expected statuses such as \"200-399\" or "
                "\"200,204\")"},
           Case{"{ tcp = true, path = \"/\" }",
                "3:31: health: path beside tcp = true (a TCP check only connects)"},
           Case{"{ path = \"/\", rise = 0 }",
                "3:31: health.rise is the integer 0 (expected a whole number from 1 to 1000)"},
           Case{"{ path = \"/\", interval = \"0s\" }",
                "3:35: health.interval is \"0s\" (expected more than \"0s\")"},
           Case{"{ path = \"/\", rize = 2 }",
                "3:24: unknown key \"rize\" in health (did you mean \"rise\"?)"},
       }) {
    CAPTURE(c.health);
    CHECK(joined(errors_of(load_health(c.health))) == std::string(c.error) + "\n");
  }
}

}  // namespace weir::config::test
