#include "weir/backend/backend_states.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "backend_match.h"
#include "backend_state.h"

namespace weir::backend {

std::string_view name_of(AdminState state) {
  switch (state) {
    case AdminState::kReady:
      return "ready";
    case AdminState::kDrain:
      return "drain";
    case AdminState::kMaint:
      return "maint";
  }
  return "?";
}

std::string_view name_of(Health health) {
  switch (health) {
    case Health::kUnchecked:
      return "unchecked";
    case Health::kUnknown:
      return "unknown";
    case Health::kUp:
      return "up";
    case Health::kDown:
      return "down";
  }
  return "?";
}

std::string_view state_word(AdminState admin, Health health) {
  return admin != AdminState::kReady ? name_of(admin) : name_of(health);
}

std::string_view pool_state_word(std::size_t usable, std::size_t backends) {
  if (backends == 0) return "empty";
  return usable == backends ? "up" : usable > 0 ? "degraded" : "down";
}

struct BackendStates::Impl final : VerdictListener {
  Impl(HealthChecker& its_checker, Log& its_log, Changed call)
      : checker(its_checker), log(its_log), changed(std::move(call)) {}

  void change_pool(const PoolSpec* before, const PoolSpec* after, WallTime now);
  void add_backend(const PoolSpec& pool, const std::shared_ptr<Backend>& backend, WallTime now);
  void remove_backend(const Backend* backend);
  void remember_machine(const BackendMatch& match, AdminState state, const std::string& by,
                        WallTime now);
  // Of the pools that are called so: `visit(pool, backend)` for each matching backend.
  template <typename Visit>
  void for_each(std::string_view pool, std::string_view address, Visit visit) const;
  BackendState& state_of(PoolId pool, const std::shared_ptr<Backend>& backend);
  bool apply(const BackendState& state);
  void on_check(BackendState& state, bool is_success) override;
  void on_verdict(BackendState& state, Health before, unsigned checks) override;
  void count_standings(const PoolSpec& pool);
  void watch_for_none(PoolId pool);
  void say_if_stretched();
  PoolView view_of(const PoolSpec& pool) const;

  // What is kept of a pool while somebody of it is checked or out of service.
  struct PoolNumbers {
    std::size_t usable = 0;
    std::size_t unknown = 0;
    bool has_said_none = false;
    std::uint64_t checks_succeeded = 0;
    std::uint64_t checks_failed = 0;
  };

  HealthChecker& checker;
  Log& log;
  Changed changed;
  std::shared_ptr<const PoolSet> pools = std::make_shared<PoolSet>(PoolSet::Pools(), 0);
  // Where there is something to know: most tables are large and calm.
  std::unordered_map<const Backend*, std::unique_ptr<BackendState>> states;
  std::unordered_map<PoolId, PoolNumbers> numbers;
  // Removed by the change of pools under way: their probes go on if another pool asks for them.
  std::vector<std::unique_ptr<BackendState>> gone;
  // What was set for a machine in every pool, for backends that come later. The newest last.
  struct MachineState {
    BackendMatch match;
    AdminState state;
    std::string by;
    WallTime since;
  };
  std::vector<MachineState> machines;
  bool has_said_stretched = false;
};

template <typename Visit>
void BackendStates::Impl::for_each(std::string_view pool, std::string_view address,
                                   Visit visit) const {
  std::optional<BackendMatch> match = BackendMatch::parse(address);
  if (!match) return;
  for (const auto& spec : pools->all()) {
    if (!spec || (pool != "*" && spec->name != pool)) continue;
    for (const auto& backend : spec->backends)
      if (match->matches(backend->endpoint())) visit(*spec, backend);
  }
}

BackendState& BackendStates::Impl::state_of(PoolId pool, const std::shared_ptr<Backend>& backend) {
  std::unique_ptr<BackendState>& state = states[backend.get()];
  if (state == nullptr) state = std::make_unique<BackendState>(*this, pool, backend);
  return *state;
}

// Whether the workers have to be told.
bool BackendStates::Impl::apply(const BackendState& state) {
  Standing before = state.backend().standing();
  Standing after = state.standing();
  if (before == after) return false;
  state.backend().set_standing(after);
  PoolNumbers& pool = numbers[state.pool()];
  pool.usable += after == Standing::kUsable ? 1 : 0;
  pool.usable -= before == Standing::kUsable ? 1 : 0;
  pool.unknown += after == Standing::kUnknown ? 1 : 0;
  pool.unknown -= before == Standing::kUnknown ? 1 : 0;
  return true;
}

void BackendStates::Impl::count_standings(const PoolSpec& pool) {
  PoolNumbers& counted = numbers[pool.id];
  counted.usable = counted.unknown = 0;
  for (const auto& backend : pool.backends) {
    counted.usable += backend->standing() == Standing::kUsable ? 1 : 0;
    counted.unknown += backend->standing() == Standing::kUnknown ? 1 : 0;
  }
}

void BackendStates::Impl::on_check(BackendState& state, bool is_success) {
  PoolNumbers& pool = numbers[state.pool()];
  ++(is_success ? pool.checks_succeeded : pool.checks_failed);
}

void BackendStates::Impl::on_verdict(BackendState& state, Health before, unsigned checks) {
  std::string pool = state.backend().pool().str();
  std::string address = state.backend().address();
  std::string count = std::to_string(checks);
  if (state.health() == Health::kDown)
    log.warn("backend is down", {{"pool", pool},
                                 {"backend", address},
                                 {"reason", state.health_reason()},
                                 {"checks", count}});
  else if (before == Health::kDown)
    log.info("backend is up", {{"pool", pool},
                               {"backend", address},
                               {"reason", state.health_reason()},
                               {"checks", count}});
  else
    log.debug("backend is up", {{"pool", pool}, {"backend", address}, {"checks", count}});
  if (!apply(state)) return;
  watch_for_none(state.pool());
  changed({state.pool()});
}

// The one line that explains many 503s.
void BackendStates::Impl::watch_for_none(PoolId id) {
  PoolNumbers& pool = numbers[id];
  std::shared_ptr<const PoolSpec> spec = pools->find(id);
  bool has_none = pool.usable == 0 && pool.unknown == 0;
  if (spec == nullptr || spec->backends.empty() || has_none == pool.has_said_none) return;
  if (!has_none && pool.usable == 0) return;  // not known yet
  pool.has_said_none = has_none;
  if (has_none)
    log.error("pool has no usable backend",
              {{"pool", spec->name.str()}, {"backends", std::to_string(spec->backends.size())}});
  else
    log.info("pool has a usable backend again", {{"pool", spec->name.str()}});
}

// With some room: rounding is no news.
void BackendStates::Impl::say_if_stretched() {
  bool is_stretched = checker.wanted_per_second() > HealthChecker::kMaxPerSecond * 1.01;
  if (is_stretched && !has_said_stretched)
    log.warn("health checks come less often than their intervals say",
             {{"wanted_per_second", std::to_string(std::llround(checker.wanted_per_second()))},
              {"most_per_second", std::to_string(HealthChecker::kMaxPerSecond)}});
  has_said_stretched = is_stretched;
}

void BackendStates::Impl::add_backend(const PoolSpec& pool, const std::shared_ptr<Backend>& backend,
                                      WallTime now) {
  // One that a reload brought back may still have the standing of its former days.
  backend->set_standing(Standing::kUsable);
  auto machine = std::find_if(machines.rbegin(), machines.rend(), [&](const MachineState& known) {
    return known.match.matches(backend->endpoint());
  });
  if (machine != machines.rend())
    state_of(pool.id, backend).set_admin(machine->state, machine->by, machine->since);
  if (pool.settings->health != nullptr)
    state_of(pool.id, backend).set_check(checker, pool.settings->health, BackendState::Trust::kNew, now);
}

void BackendStates::Impl::remove_backend(const Backend* backend) {
  auto known = states.find(backend);
  if (known == states.end()) return;
  gone.push_back(std::move(known->second));
  states.erase(known);
}

void BackendStates::Impl::change_pool(const PoolSpec* before, const PoolSpec* after, WallTime now) {
  // Nothing is known of anybody, and nothing will be: most pools of a large table.
  bool is_calm = states.empty() && machines.empty() && numbers.empty();
  if (is_calm && before == nullptr && after->settings->health == nullptr) {
    for (const auto& backend : after->backends) backend->set_standing(Standing::kUsable);
    return;
  }
  std::unordered_set<const Backend*> left;
  if (before != nullptr)
    for (const auto& backend : before->backends) left.insert(backend.get());
  if (after == nullptr) {
    for (const Backend* backend : left) remove_backend(backend);
    numbers.erase(before->id);
    return;
  }
  for (const auto& backend : after->backends) {
    bool is_new = left.erase(backend.get()) == 0;
    if (is_new)
      add_backend(*after, backend, now);
    else if (after->settings->health != nullptr || states.contains(backend.get()))
      state_of(after->id, backend)
          .set_check(checker, after->settings->health, BackendState::Trust::kServed, now);
    if (auto known = states.find(backend.get()); known != states.end())
      backend->set_standing(known->second->standing());
  }
  for (const Backend* backend : left) remove_backend(backend);
  if (after->settings->health != nullptr || numbers.contains(after->id)) count_standings(*after);
}

void BackendStates::Impl::remember_machine(const BackendMatch& match, AdminState state,
                                           const std::string& by, WallTime now) {
  std::erase_if(machines, [&](const MachineState& known) { return match.covers(known.match); });
  bool is_news = state != AdminState::kReady ||
                 std::any_of(machines.begin(), machines.end(),
                             [&](const MachineState& known) { return known.match.covers(match); });
  if (is_news) machines.push_back({match, state, by, now});
}

PoolView BackendStates::Impl::view_of(const PoolSpec& pool) const {
  PoolView view;
  view.name = pool.name.str();
  view.backends.reserve(pool.backends.size());
  for (std::size_t index = 0; index < pool.backends.size(); ++index) {
    const Backend& backend = *pool.backends[index];
    BackendTraits traits = pool.traits_of(index);
    BackendView one;
    one.address = backend.address();
    one.is_usable = backend.standing() == Standing::kUsable;
    one.is_backup = traits.is_backup;
    one.weight = traits.weight;
    one.in_flight = backend.in_flight();
    if (auto known = states.find(&backend); known != states.end()) known->second->show(one);
    view.usable += one.is_usable ? 1 : 0;
    view.backends.push_back(std::move(one));
  }
  view.state = pool_state_word(view.usable, view.backends.size());
  return view;
}

BackendStates::BackendStates(HealthChecker& checker, Log& log, Changed changed)
    : impl_(std::make_unique<Impl>(checker, log, std::move(changed))) {}
BackendStates::~BackendStates() = default;

void BackendStates::set_pools(std::shared_ptr<const PoolSet> pools, WallTime now) {
  std::shared_ptr<const PoolSet> old = std::exchange(impl_->pools, std::move(pools));
  impl_->pools->all().for_each_difference(old->all(), [&](std::size_t at) {
    auto id = static_cast<PoolId>(at);
    std::shared_ptr<const PoolSpec> before = old->find(id);
    std::shared_ptr<const PoolSpec> after = impl_->pools->find(id);
    if (before == after) return;
    impl_->change_pool(before.get(), after.get(), now);
    if (after != nullptr && impl_->numbers.contains(id)) impl_->watch_for_none(id);
  });
  impl_->gone.clear();
  impl_->say_if_stretched();
}

std::size_t BackendStates::set_admin(std::string_view pool, std::string_view address,
                                     AdminState state, std::string by, WallTime now) {
  std::size_t matched = 0;
  std::vector<PoolId> changed;
  impl_->for_each(pool, address,
                  [&](const PoolSpec& spec, const std::shared_ptr<Backend>& backend) {
                    ++matched;
                    if (!impl_->numbers.contains(spec.id)) impl_->count_standings(spec);
                    BackendState& known = impl_->state_of(spec.id, backend);
                    if (known.admin() != state || !known.was_set()) known.set_admin(state, by, now);
                    known.set_check(impl_->checker, spec.settings->health, BackendState::Trust::kNew, now);
                    bool is_changed = impl_->apply(known);
                    if (is_changed && (changed.empty() || changed.back() != spec.id))
                      changed.push_back(spec.id);
                  });
  if (matched > 0 && pool == "*")
    impl_->remember_machine(*BackendMatch::parse(address), state, by, now);
  for (PoolId id : changed) impl_->watch_for_none(id);
  if (!changed.empty()) impl_->changed(changed);
  return matched;
}

std::uint64_t BackendStates::in_flight(std::string_view pool, std::string_view address) const {
  std::uint64_t sum = 0;
  impl_->for_each(pool, address, [&](const PoolSpec&, const std::shared_ptr<Backend>& backend) {
    sum += backend->in_flight();
  });
  return sum;
}

std::vector<UnusablePool> BackendStates::unusable_pools(std::string_view pool,
                                                        std::string_view address) const {
  std::vector<UnusablePool> found;
  PoolId last = 0;
  impl_->for_each(pool, address, [&](const PoolSpec& spec, const std::shared_ptr<Backend>&) {
    if (!found.empty() && last == spec.id) return;
    auto numbers = impl_->numbers.find(spec.id);
    if (numbers == impl_->numbers.end()) return;
    if (numbers->second.usable + numbers->second.unknown > 0) return;
    found.push_back({spec.name.str(), spec.backends.size()});
    last = spec.id;
  });
  return found;
}

// Where nothing is known of a backend there is nothing to look at.
std::vector<StateTotal> BackendStates::state_totals() const {
  std::vector<StateTotal> totals;
  for (Health health : {Health::kUp, Health::kDown, Health::kUnknown, Health::kUnchecked})
    totals.push_back({name_of(health)});
  for (AdminState admin : {AdminState::kDrain, AdminState::kMaint})
    totals.push_back({name_of(admin)});
  auto total_of = [&totals](std::string_view word) -> std::size_t& {
    return std::find_if(totals.begin(), totals.end(),
                        [word](const StateTotal& total) { return total.state == word; })
        ->backends;
  };
  std::size_t backends = 0;
  for (const auto& spec : impl_->pools->all()) backends += spec ? spec->backends.size() : 0;
  total_of(name_of(Health::kUnchecked)) = backends - impl_->states.size();
  for (const auto& [backend, state] : impl_->states)
    ++total_of(state_word(state->admin(), state->health()));
  return totals;
}

std::optional<PoolView> BackendStates::view(std::string_view pool) const {
  for (const auto& spec : impl_->pools->all())
    if (spec && spec->name == pool) return impl_->view_of(*spec);
  return std::nullopt;
}

std::optional<PoolView> BackendStates::view(PoolId pool) const {
  std::shared_ptr<const PoolSpec> spec = impl_->pools->find(pool);
  if (spec == nullptr) return std::nullopt;
  return impl_->view_of(*spec);
}

std::vector<PoolView> BackendStates::view_all() const {
  std::vector<PoolView> views;
  for (const auto& spec : impl_->pools->all())
    if (spec) views.push_back(impl_->view_of(*spec));
  return views;
}

std::vector<PoolChecks> BackendStates::checks() const {
  std::vector<PoolChecks> all;
  for (const auto& spec : impl_->pools->all()) {
    if (!spec || spec->settings->health == nullptr) continue;
    const Impl::PoolNumbers& numbers = impl_->numbers.at(spec->id);
    all.push_back({spec->name.str(), numbers.checks_succeeded, numbers.checks_failed});
  }
  return all;
}

}  // namespace weir::backend
