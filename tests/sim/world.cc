#include "sim/world.h"
#include "tests/support/pool_settings.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace weir::sim {
namespace {

// A stream queues up to its mark, and one read's worth with its framing on top.
constexpr std::size_t kMaxQueueBytes = net::kHighMarkBytes + net::kHighMarkBytes + 2048;
constexpr std::size_t kMaxExchangeBytes = 192 * 1024;
constexpr std::uint64_t kMaxStepsPerMillisecond = 20'000;
// Until the proxy learns of a changed standing.
constexpr Duration kMaxTellDelay = std::chrono::milliseconds(6);
constexpr std::uint64_t kMaxSteps = 3'000'000;
// Longer than any timer of weir.
constexpr Duration kMaxRun = std::chrono::hours(12);

std::shared_ptr<const route::RouteTable> everything_to_pool_0() {
  static const std::shared_ptr<const route::RouteTable> kTable = [] {
    route::RouteTableEditor editor(1);
    editor.set({"*", "", {}},
               {editor.add_route(std::make_shared<const route::Route>(route::Route{"sim"})), 0});
    return editor.publish();
  }();
  return kTable;
}

Endpoint endpoint_of(unsigned index, bool is_unix) {
  if (is_unix) return {{}, "/run/backend" + std::to_string(index)};
  return {IpAddress::v4(0x0a000001 + index, 80), {}};
}

}  // namespace

World::World(Chance chances) : chance(std::move(chances)), log_(LogLevel::kError, -1, clock_) {
  std::uint64_t seed = chance.below(1u << 31);
  rng_ = Rng(seed);
  control_rng_ = Rng(seed + 1);
  states_ = std::make_unique<backend::BackendStates>(
      checker_, log_, [this](const std::vector<backend::PoolId>&) {
        at(chance.between(Duration::zero(), kMaxTellDelay), [this] { tell_standings(); });
      });
  settings.listeners.emplace_back().name = "sim";
  settings.listeners[0].port = 80;
  settings.logs_requests = true;
  pool.name = "pool";
}

World::~World() {
  proxy_.reset();
  states_.reset();
  scheduler_.drain_retired();
}

SimBackend& World::add_backend(bool is_unix) {
  auto number = static_cast<unsigned>(backends_.size());
  Endpoint endpoint = endpoint_of(number, is_unix);
  backends_.push_back(std::make_unique<SimBackend>(events_, ledger, trace, number));
  backends_.back()->is_unix = is_unix;
  shared_.push_back(std::make_shared<backend::Backend>("pool", endpoint, 1));
  network_.listen(endpoint, *backends_.back());
  return *backends_.back();
}

void World::serve() {
  proxy::Proxy::Parts parts{.context = context_,
                            .connector = network_,
                            .rng = rng_,
                            .log = log_,
                            .numbers = numbers_,
                            .series = series_,
                            .worker = 0,
                            .max_idle_backend_connections = max_idle_total,
                            .log_request = [this](const auto& record) { ledger.on_logged(record); },
                            .on_connection_closed = [this] { ++connections_closed_; }};
  proxy_ = std::make_unique<proxy::Proxy>(std::move(parts));
  proxy_->set_settings(std::make_shared<proxy::Settings>(settings));
  ledger.is_patient = pool.settings->timeouts.response_head >= std::chrono::seconds(30);
  publish(~0u);
  if (pool.settings->health == nullptr) return;
  at(checks_until, [this] {
    trace.note("world", 0, "ends checks");
    test::own_settings(pool).health = nullptr;
    publish(mask_);
  });
}

void World::publish(unsigned mask) {
  mask_ = mask;
  auto spec = std::make_shared<backend::PoolSpec>(pool);
  spec->traits.clear();
  for (std::size_t i = 0; i < shared_.size(); ++i) {
    if ((mask >> i & 1) == 0) continue;
    spec->backends.push_back(shared_[i]);
    spec->traits.push_back(pool.traits_of(i));
  }
  std::vector<std::shared_ptr<const backend::PoolSpec>> pools{std::move(spec)};
  auto set = std::make_shared<backend::PoolSet>(std::move(pools));
  states_->set_pools(set, clock_.wall());
  if (proxy_ != nullptr) proxy_->set_tables(everything_to_pool_0(), std::move(set));
}

void World::tell_standings() {
  trace.note("world", 0, "tells standings");
  backend::PoolId pools[] = {0};
  if (proxy_ != nullptr) proxy_->look_again(pools);
}

void World::set_admin(std::size_t index, backend::AdminState state) {
  trace.note("world", index, "is set by an administrator", static_cast<std::uint64_t>(state));
  states_->set_admin("pool", shared_[index]->address(), state, "sim", clock_.wall());
}

void World::reload(unsigned mask) {
  if (proxy_ == nullptr) return;
  trace.note("world", 0, "reloads", mask);
  publish(mask);
  // A reload may change the timeouts, too; the new ones are no shorter, so nobody needs an excuse.
  settings.inbound.client_idle += std::chrono::seconds(5);
  proxy_->set_settings(std::make_shared<proxy::Settings>(settings));
}

SimClient& World::add_client(ClientPlan plan, Duration when) {
  auto number = static_cast<unsigned>(clients_.size());
  clients_.push_back(
      std::make_unique<SimClient>(events_, network_, ledger, trace, number, std::move(plan)));
  SimClient& client = *clients_.back();
  at(when, [this, &client, number] {
    if (proxy_ == nullptr) return;
    proxy_->accept(client.start(), IpAddress::v4(0xc0000201 + number, 40000), 0);
  });
  return client;
}

void World::begin_drain() {
  trace.note("world", 0, "drains");
  was_drained_ = true;
  if (proxy_ != nullptr) proxy_->begin_drain();
}

void World::close_idle_clients() {
  was_drained_ = true;
  if (proxy_ != nullptr) proxy_->close_idle_clients();
}

void World::cut_all() {
  trace.note("world", 0, "cuts all");
  was_drained_ = true;
  if (proxy_ != nullptr) proxy_->cut_all();
}

void World::destroy_proxy() {
  trace.note("world", 0, "ends");
  was_drained_ = was_destroyed_ = true;
  proxy_.reset();
  scheduler_.drain_retired();
}

bool World::step() {
  std::optional<TimePoint> event = events_.next();
  std::optional<TimePoint> timer = scheduler_.next_deadline();
  if ((!event && !timer) || ledger.has_failed()) return false;
  TimePoint next = std::min(event.value_or(TimePoint::max()), timer.value_or(TimePoint::max()));
  clock_.set(std::max(next, clock_.now()));
  scheduler_.set_now(clock_.now());
  note_turns();
  if (timer && *timer <= next) {
    scheduler_.run_timers();
  } else {
    events_.run_next();
    scheduler_.drain_retired();
  }
  ++steps_;
  check_step();
  return !ledger.has_failed();
}

void World::run_until(Duration when) {
  at(when - now(), [] {});
  while (now() < when && step()) {
  }
}

const std::string& World::run() {
  while (step()) {
  }
  if (!ledger.has_failed()) check_end();
  return ledger.complaint();
}

void World::check_step() {
  if (clock_.now() - counted_from_ >= std::chrono::milliseconds(1)) {
    counted_from_ = clock_.now();
    steps_at_once_ = 0;
  }
  if (++steps_at_once_ > kMaxStepsPerMillisecond) ledger.fail("it spins");
  if (steps_ > kMaxSteps || now() > kMaxRun) ledger.fail("it does not come to rest");
  if (!checker_.is_timed()) ledger.fail("health checks run without their timer");
  if (network_.worst_queue_bytes() > kMaxQueueBytes)
    ledger.fail("a stream queued " + std::to_string(network_.worst_queue_bytes()) + " bytes");
  if (proxy_ == nullptr) return;
  if (!proxy_->is_timed()) ledger.fail("a connection or an exchange runs without its timer");
  std::size_t users = proxy_->exchange_count() + network_.lingering_streams();
  if (network_.queued_bytes() > kMaxExchangeBytes * std::max<std::size_t>(users, 1))
    ledger.fail("more than 192 KiB queued per exchange");
  std::size_t idle = proxy_->backend_connections().idle_count();
  if (idle > max_idle_total || idle > pool.settings->max_idle * backends_.size())
    ledger.fail(std::to_string(idle) + " idle backend connections");
  check_counts();
  check_choices();
}

bool World::has_turn(std::size_t index) const {
  if (shared_[index]->standing() != backend::Standing::kUsable) return false;
  if (!pool.traits_of(index).is_backup) return true;
  for (std::size_t i = 0; i < shared_.size(); ++i)
    if ((mask_ >> i & 1) != 0 && !pool.traits_of(i).is_backup &&
        shared_[i]->standing() == backend::Standing::kUsable)
      return false;
  return true;
}

void World::note_turns() {
  for (std::size_t i = 0; i < had_turn_at_.size(); ++i) {
    if (has_turn(i)) had_turn_at_[i] = clock_.now();
    if (shared_[i]->standing() == backend::Standing::kUsable) was_usable_at_[i] = clock_.now();
  }
}

// A request goes to a backend that is usable, to a backup only while nobody else is or when it is
// repeated; the proxy learns a little later when that changes.
void World::check_choices() {
  in_flight_before_.resize(shared_.size());
  had_turn_at_.resize(shared_.size());
  was_usable_at_.resize(shared_.size());
  note_turns();
  std::uint64_t retries = numbers_.retries.get();
  bool is_repeated = std::exchange(retries_before_, retries) != retries;
  for (std::size_t i = 0; i < shared_.size(); ++i) {
    bool is_reserve = is_repeated && pool.traits_of(i).is_backup;
    TimePoint was_right_at = is_reserve ? was_usable_at_[i] : had_turn_at_[i];
    std::uint32_t before = std::exchange(in_flight_before_[i], shared_[i]->in_flight());
    if (in_flight_before_[i] > before && clock_.now() - was_right_at > 2 * kMaxTellDelay)
      ledger.fail("backend " + std::to_string(i) + " got a request while it was not its turn");
  }
}

// Nothing leaks, not even for a while.
void World::check_counts() {
  std::size_t exchanges = proxy_->exchange_count();
  const backend::BackendConnections& backends = proxy_->backend_connections();
  if (exchanges > proxy_->connection_count()) ledger.fail("more exchanges than connections");
  if (network_.open_streams(Link::Maker::kClient) != proxy_->connection_count())
    ledger.fail("client streams and connections differ in number");
  if (network_.open_streams(Link::Maker::kWeir) >
      exchanges + backends.idle_count() + checker_.running_count())
    ledger.fail("more backend streams than exchanges and idle connections");
  if (network_.pending_connects() != backends.connecting_count() + checker_.connecting_count())
    ledger.fail("connects and those who wait for them differ in number");
  std::size_t in_flight = 0;
  for (const auto& shared : shared_) in_flight += shared->in_flight();
  if (in_flight > exchanges) ledger.fail("more requests in flight at backends than exchanges");
}

void World::check_end() {
  if (proxy_ != nullptr) {
    auto expect_none = [&](std::size_t count, const char* what) {
      if (count > 0) ledger.fail(std::to_string(count) + " " + what + " left at the end");
    };
    expect_none(proxy_->exchange_count(), "exchanges");
    expect_none(proxy_->connection_count(), "client connections");
    expect_none(proxy_->backend_connections().idle_count(), "idle backend connections");
    expect_none(proxy_->backend_connections().connecting_count(), "connects");
    expect_none(checker_.running_count(), "health checks");
    expect_none(network_.open_streams(), "streams");
    for (const auto& shared : shared_) expect_none(shared->in_flight(), "requests in flight");
  }
  std::uint64_t begun = numbers_.requests_begun.get();
  std::uint64_t finished = numbers_.requests_finished.get();
  if (!was_destroyed_ && begun != finished)
    ledger.fail(std::to_string(begun) + " requests begun, " + std::to_string(finished) + " ended");
  if (!was_destroyed_ && ledger.finished() != finished)
    ledger.fail("not every request that ended was logged");
  ledger.check_end(was_drained_);
  for (const auto& client : clients_) {
    if (was_drained_ || !client->unanswered()) continue;
    const Request& request = *ledger.find(*client->unanswered());
    // A failure that leaves no answer, or one before it that took the connection along.
    bool has_reason =
        (request.failure && row_of(*request.failure).status == 0) ||
        (client->before_unanswered() != nullptr && client->before_unanswered()->failure);
    if (!has_reason)
      ledger.fail("request " + std::to_string(request.id) + " was swallowed without an answer");
  }
  proxy_.reset();
  states_.reset();
  scheduler_.drain_retired();
  if (network_.open_streams() + network_.pending_connects() > 0)
    ledger.fail("streams are left after the proxy is gone");
}

}  // namespace weir::sim
