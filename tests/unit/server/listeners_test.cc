// What a reload makes of the sockets that are open.
#include "src/server/listeners.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace {

using namespace weir;
using namespace weir::server;

constexpr unsigned kWorkers = 2;

config::BindAddress at(const std::string& address) {
  return {*Endpoint::parse(address), false, address};
}

config::Config configured(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& listeners) {
  config::Config config;
  for (const auto& [name, addresses] : listeners) {
    config::ListenerConfig& listener = config.listeners.emplace_back();
    listener.name = name;
    for (const std::string& address : addresses) listener.bind.push_back(at(address));
  }
  return config;
}

// Every address is a port of its own of loopback: what is opened is counted, not where.
struct World {
  Listeners::Change apply(const config::Config& config) {
    SocketPlan plan = plan_sockets(config, listeners.open_sockets(), opener);
    problems = plan.problems;
    if (!problems.empty()) return {};
    return listeners.adopt(std::move(plan), series.listeners, kWorkers);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Listeners::Socket& socket : listeners.sockets())
      names.push_back(socket.claim.listener + " " + socket.claim.bind.text);
    return names;
  }
  bool has_series(std::string_view name) const {
    bool is_there = false;
    series.listeners.visit([&](std::string_view known, const observe::ListenerNumbers&) {
      is_there = is_there || known == name;
    });
    return is_there;
  }
  void all_left(std::uint32_t address) {
    for (unsigned worker = 0; worker < kWorkers; ++worker)
      listeners.on_left(address, series.listeners);
  }
  observe::SharedSeries series{kWorkers, 1};
  Listeners listeners;
  std::vector<SocketProblem> problems;
  std::string refused;
  int opened = 0;
  SocketOpener opener = [this](const config::BindAddress& bind,
                               const net::ListenOptions& options) -> Result<net::ListeningSocket> {
    if (bind.text == refused) return Err{Error{bind.text + ": no such address"}};
    ++opened;
    return net::ListeningSocket::open(*Endpoint::parse("127.0.0.1:0"), options);
  };
};

TEST_CASE("what stays is the same socket, what is new is opened, what is gone closes") {
  World world;
  CHECK(world.apply(configured({{"a", {"127.0.0.1:1", "127.0.0.1:2"}}})).opened.size() == 2);
  std::uint64_t kept = world.listeners.sockets()[1].id;
  Listeners::Change change =
      world.apply(configured({{"a", {"127.0.0.1:2"}}, {"b", {"127.0.0.1:3"}}}));
  CHECK(world.names() == std::vector<std::string>{"a 127.0.0.1:2", "b 127.0.0.1:3"});
  CHECK(world.listeners.sockets()[0].id == kept);
  CHECK(world.opened == 3);
  REQUIRE(change.closed.size() == 1);
  CHECK(change.closed[0].address == 0);
  CHECK(change.closed[0].takes_queued);
  REQUIRE(change.opened.size() == 1);
  CHECK(change.opened[0].address == 2);
  CHECK(world.apply(configured({{"a", {"127.0.0.1:2"}}, {"b", {"127.0.0.1:3"}}})).is_empty());
}

TEST_CASE("an address is free when no worker has a client of it, and its listener's series ends") {
  World world;
  world.apply(configured({{"a", {"127.0.0.1:1"}}, {"b", {"127.0.0.1:2"}}}));
  config::Config less = configured({{"a", {"127.0.0.1:1"}}});
  world.apply(less);
  std::vector<proxy::ListenerSettings> settings = world.listeners.settings(less);
  REQUIRE(settings.size() == 2);
  CHECK_FALSE(settings[0].is_leaving);
  CHECK(settings[1].is_leaving);
  CHECK(settings[1].name == "b");
  CHECK(world.has_series("b"));
  world.listeners.on_left(1, world.series.listeners);
  CHECK(world.has_series("b"));
  world.listeners.on_left(1, world.series.listeners);
  CHECK_FALSE(world.has_series("b"));
  CHECK(world.has_series("a"));
  CHECK(
      world.apply(configured({{"a", {"127.0.0.1:1"}}, {"c", {"127.0.0.1:3"}}})).opened[0].address ==
      1);
}

TEST_CASE("a listener that lost one of its addresses, or comes back early, keeps its series") {
  World world;
  world.apply(configured({{"a", {"127.0.0.1:1", "127.0.0.1:2"}}}));
  auto before = world.series.listeners.claim("a");
  world.apply(configured({{"a", {"127.0.0.1:1"}}}));
  world.all_left(1);
  CHECK(world.series.listeners.claim("a") == before);
  world.apply(configured({}));
  world.apply(configured({{"a", {"127.0.0.1:1"}}}));
  world.all_left(0);
  CHECK(world.series.listeners.claim("a") == before);
}

TEST_CASE("listeners that exchange addresses exchange sockets, and nothing is taken from a queue") {
  World world;
  world.apply(configured({{"a", {"127.0.0.1:1"}}, {"b", {"127.0.0.1:2"}}}));
  std::shared_ptr<net::ListeningSocket> first = world.listeners.sockets()[0].socket;
  Listeners::Change change =
      world.apply(configured({{"a", {"127.0.0.1:2"}}, {"b", {"127.0.0.1:1"}}}));
  CHECK(world.opened == 2);
  CHECK(world.listeners.sockets()[1].socket == first);
  CHECK(change.opened.size() == 2);
  REQUIRE(change.closed.size() == 2);
  CHECK_FALSE(std::any_of(change.closed.begin(), change.closed.end(),
                          [](const ClosedListener& closed) { return closed.takes_queued; }));
}

TEST_CASE("a plan with a problem names all of them and changes nothing") {
  World world;
  world.apply(configured({{"a", {"127.0.0.1:1"}}}));
  world.refused = "127.0.0.1:3";
  world.apply(configured({{"b", {"127.0.0.1:2", "127.0.0.1:3"}}, {"c", {"127.0.0.1:3"}}}));
  REQUIRE(world.problems.size() == 2);
  CHECK(world.problems[0].message.starts_with("listener \"b\": cannot listen on 127.0.0.1:3"));
  CHECK(world.names() == std::vector<std::string>{"a 127.0.0.1:1"});
}

TEST_CASE("[admin] does without an IPv6 address if it has another; a reload tries again") {
  World world;
  config::Config config = configured({{"a", {"127.0.0.1:1"}}});
  config.admin.bind = {at("127.0.0.1:8042"), at("[::1]:8042")};
  world.refused = "[::1]:8042";
  world.apply(config);
  CHECK(world.problems.empty());
  CHECK(world.names() == std::vector<std::string>{"a 127.0.0.1:1", "admin 127.0.0.1:8042"});
  world.refused.clear();
  CHECK(world.apply(config).gained.size() == 1);
  CHECK(world.listeners.sockets().back().claim.use == Use::kAdmin);
}

}  // namespace
