#include "sim/story.h"

#include <algorithm>

#include "sim/draws.h"
#include "tests/support/pool_settings.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void draw_pool(World& world, const Weather& weather) {
  Chance& chance = world.chance;
  backend::PoolSettings& settings = test::own_settings(world.pool);
  settings.balance = chance.pick({config::Balance::kLeastLoaded, config::Balance::kRoundRobin,
                                  config::Balance::kLeastRequests});
  settings.keepalive = !chance.percent(5);
  settings.max_idle = chance.pick({1u, 2u, 32u, 32u, 32u});
  settings.retries = weather.is_clean ? 2 : chance.below(4);
  if (chance.percent(5)) world.max_idle_total = 1 + chance.below(2);
  if (!chance.percent(40)) return;
  config::PoolTimeouts& timeouts = settings.timeouts;
  timeouts.backend_idle = chance.between(milliseconds(200), seconds(20));
  if (weather.is_clean) return;
  timeouts.connect = chance.between(milliseconds(50), seconds(2));
  timeouts.backend_write = chance.between(milliseconds(100), seconds(5));
  timeouts.response_head = chance.between(milliseconds(100), seconds(5));
  timeouts.backend_body = chance.between(milliseconds(100), seconds(5));
  timeouts.retry_window = chance.between(milliseconds(50), seconds(10));
  timeouts.tunnel_idle = chance.between(milliseconds(100), seconds(60));
  if (chance.percent(20)) timeouts.request = chance.between(milliseconds(200), seconds(5));
}

unsigned draw_backends(World& world, const Weather& weather) {
  Chance& chance = world.chance;
  unsigned count = 1 + chance.below(3);
  // A backend that closes what is hardly idle may well hit an upload that cannot be sent again.
  Duration shortest = milliseconds(weather.is_clean ? 1200 : 300);
  for (unsigned i = 0; i < count; ++i) {
    SimBackend& backend = world.add_backend(chance.percent(10));
    if (chance.percent(40)) backend.idle_limit = chance.between(shortest, seconds(20));
    if (!weather.is_clean && chance.percent(10)) backend.idle_babble = draw_babble(chance);
    Nature nature = draw_nature(chance, weather);
    backend.dials = [&world, weather, nature] { return draw_dial(world.chance, weather, nature); };
    backend.decides = [&world, &backend, weather](const Request& request, const Attempt&) {
      return draw_answer(world.chance, weather, request, backend.idle_limit);
    };
  }
  return count;
}

// Weights, a backup, health checks. Where nothing goes wrong they only make requests wait at first.
void draw_health(World& world, const Weather& weather, unsigned backends) {
  Chance& chance = world.chance;
  if (chance.percent(20)) {
    for (unsigned i = 0; i < backends; ++i)
      world.pool.traits.push_back({1 + chance.below(4), chance.percent(30)});
  }
  if (!chance.percent(25)) return;
  auto check = std::make_shared<config::HealthConfig>();
  check->kind = chance.percent(80) ? config::HealthKind::kHttp : config::HealthKind::kTcp;
  check->path = kCheckPath;
  check->interval = chance.between(milliseconds(20), seconds(5));
  check->timeout = chance.between(milliseconds(100), seconds(2));
  check->rise = 1 + chance.below(3);
  check->fall = 1 + chance.below(3);
  if (weather.is_clean) {
    // Small pieces take a while, but nobody shall be down.
    check->timeout = seconds(5);
    check->fall = 3;
  }
  world.checks_until = chance.between(milliseconds(1), seconds(30));
  // A run is short: not more than a few hundred checks.
  world.checks_until = std::min<Duration>(world.checks_until, 100 * check->interval);
  if (!weather.is_clean)
    for (unsigned i = 0; i < backends; ++i)
      world.backend(i).checks = [&world] { return draw_check_answer(world.chance); };
  test::own_settings(world.pool).health = std::move(check);
}

// The administrator's side: reloads, a drain, the end of the process.
void draw_events(World& world, const Weather& weather, unsigned backends) {
  Chance& chance = world.chance;
  auto soon = [&chance] { return chance.between(Duration::zero(), milliseconds(20)); };
  if (chance.percent(10)) {
    unsigned mask = weather.is_clean ? ~0u : chance.below(8);
    world.at(soon(), [&world, mask] { world.reload(mask); });
    world.at(milliseconds(20) + soon(), [&world] { world.reload(~0u); });
  }
  // One backend at a time is drained or put into maintenance, and perhaps made ready again.
  if (!weather.is_clean && chance.percent(15)) {
    unsigned changes = 1 + chance.below(4);
    for (unsigned i = 0; i < changes; ++i) {
      auto state = chance.pick(
          {backend::AdminState::kReady, backend::AdminState::kDrain, backend::AdminState::kMaint});
      std::size_t index = chance.below(static_cast<std::uint32_t>(backends));
      world.at(soon(), [&world, index, state] { world.set_admin(index, state); });
    }
  }
  // A backend restarts: all its unused connections end at once.
  if (!weather.is_clean && chance.percent(10))
    world.at(soon(), [&world] { world.backend(0).close_idle(); });
  if (chance.percent(6)) {
    Duration begin = soon();
    world.at(begin, [&world] { world.begin_drain(); });
    world.at(begin + soon(), [&world] { world.close_idle_clients(); });
    if (chance.percent(50))
      world.at(begin + milliseconds(20) + soon(), [&world] { world.cut_all(); });
  }
  if (chance.percent(4)) world.at(soon(), [&world] { world.destroy_proxy(); });
}

}  // namespace

std::unique_ptr<World> make_story(Chance chance) {
  auto world = std::make_unique<World>(std::move(chance));
  Weather weather = draw_weather(world->chance);
  draw_pool(*world, weather);
  unsigned backends = draw_backends(*world, weather);
  draw_health(*world, weather, backends);
  world->serve();
  unsigned clients = 1 + world->chance.below(world->chance.percent(20) ? 6 : 3);
  for (unsigned i = 0; i < clients; ++i) {
    ClientPlan plan = draw_client(world->chance, weather);
    world->add_client(std::move(plan), world->chance.between(Duration::zero(), milliseconds(5)));
  }
  draw_events(*world, weather, backends);
  return world;
}

}  // namespace weir::sim
