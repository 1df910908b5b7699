#include "weir/backend/backend_states.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "backend_match.h"

namespace weir::backend {
namespace {

// What is known of one backend. Made when there is something to know: most tables are large and
// calm.
struct State {
  AdminState admin = AdminState::kReady;
  std::string admin_by;
  WallTime admin_since{};
  Health health = Health::kUnchecked;
  WallTime health_since{};
  std::string health_reason;
};

Standing standing_of(const State& state) {
  if (state.admin == AdminState::kMaint || state.health == Health::kDown) return Standing::kOut;
  if (state.admin == AdminState::kDrain) return Standing::kDraining;
  return state.health == Health::kUnknown ? Standing::kUnknown : Standing::kUsable;
}

// What was set for a machine in every pool, for backends that come later.
struct MachineState {
  BackendMatch match;
  AdminState state;
  std::string by;
  WallTime since;
};

}  // namespace

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

struct BackendStates::Impl {
  explicit Impl(Changed call) : changed(std::move(call)) {}

  void change_pool(const PoolSpec* before, const PoolSpec* after);
  void add_backend(Backend& backend);
  void remember_machine(const BackendMatch& match, AdminState state, const std::string& by,
                        WallTime now);
  // Of the pools that are called so: `visit(pool, index)` for each matching backend.
  template <typename Visit>
  void for_each(std::string_view pool, std::string_view address, Visit visit) const;
  bool apply(Backend& backend, const State& state);
  PoolView view_of(const PoolSpec& pool) const;

  Changed changed;
  std::shared_ptr<const PoolSet> pools = std::make_shared<PoolSet>(PoolSet({}));
  std::unordered_map<const Backend*, State> states;
  std::vector<MachineState> machines;  // the newest last
};

template <typename Visit>
void BackendStates::Impl::for_each(std::string_view pool, std::string_view address,
                                   Visit visit) const {
  std::optional<BackendMatch> match = BackendMatch::parse(address);
  if (!match) return;
  for (const auto& spec : pools->all()) {
    if (!spec || (pool != "*" && spec->name != pool)) continue;
    for (const auto& backend : spec->backends)
      if (match->matches(backend->endpoint())) visit(*spec, *backend);
  }
}

// Whether the workers have to be told.
bool BackendStates::Impl::apply(Backend& backend, const State& state) {
  Standing standing = standing_of(state);
  if (backend.standing() == standing) return false;
  backend.set_standing(standing);
  return true;
}

void BackendStates::Impl::add_backend(Backend& backend) {
  auto machine = std::find_if(machines.rbegin(), machines.rend(), [&](const MachineState& known) {
    return known.match.matches(backend.endpoint());
  });
  State state;
  bool is_told = machine != machines.rend();
  if (is_told) {
    state.admin = machine->state;
    state.admin_by = machine->by;
    state.admin_since = machine->since;
  }
  // One that a reload brought back may still have the standing of its former days.
  apply(backend, state);
  if (is_told) states[&backend] = std::move(state);
}

void BackendStates::Impl::change_pool(const PoolSpec* before, const PoolSpec* after) {
  std::unordered_set<const Backend*> gone;
  if (before != nullptr)
    for (const auto& backend : before->backends) gone.insert(backend.get());
  if (after != nullptr)
    for (const auto& backend : after->backends)
      if (gone.erase(backend.get()) == 0) add_backend(*backend);
  for (const Backend* backend : gone) states.erase(backend);
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
  view.name = pool.name;
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
    if (auto known = states.find(&backend); known != states.end()) {
      const State& state = known->second;
      one.admin = state.admin;
      one.admin_by = state.admin_by;
      one.admin_since = state.admin_since;
      one.health = state.health;
      one.health_since = state.health_since;
      one.health_reason = state.health_reason;
    }
    view.usable += one.is_usable ? 1 : 0;
    view.backends.push_back(std::move(one));
  }
  return view;
}

BackendStates::BackendStates(Changed changed) : impl_(std::make_unique<Impl>(std::move(changed))) {}
BackendStates::~BackendStates() = default;

void BackendStates::set_pools(std::shared_ptr<const PoolSet> pools, WallTime) {
  std::size_t ids = std::max(impl_->pools->all().size(), pools->all().size());
  for (PoolId id = 0; id < ids; ++id) {
    std::shared_ptr<const PoolSpec> before = impl_->pools->find(id);
    std::shared_ptr<const PoolSpec> after = pools->find(id);
    if (before != after) impl_->change_pool(before.get(), after.get());
  }
  impl_->pools = std::move(pools);
}

std::size_t BackendStates::set_admin(std::string_view pool, std::string_view address,
                                     AdminState state, std::string by, WallTime now) {
  std::size_t matched = 0;
  std::vector<PoolId> changed;
  impl_->for_each(pool, address, [&](const PoolSpec& spec, Backend& backend) {
    ++matched;
    State& known = impl_->states[&backend];
    if (known.admin != state || known.admin_by.empty()) {
      known.admin = state;
      known.admin_by = by;
      known.admin_since = now;
    }
    bool is_changed = impl_->apply(backend, known);
    if (is_changed && (changed.empty() || changed.back() != spec.id)) changed.push_back(spec.id);
  });
  if (matched > 0 && pool == "*")
    impl_->remember_machine(*BackendMatch::parse(address), state, by, now);
  if (!changed.empty()) impl_->changed(changed);
  return matched;
}

std::uint64_t BackendStates::in_flight(std::string_view pool, std::string_view address) const {
  std::uint64_t sum = 0;
  impl_->for_each(pool, address,
                  [&](const PoolSpec&, const Backend& backend) { sum += backend.in_flight(); });
  return sum;
}

std::optional<PoolView> BackendStates::view(std::string_view pool) const {
  for (const auto& spec : impl_->pools->all())
    if (spec && spec->name == pool) return impl_->view_of(*spec);
  return std::nullopt;
}

std::vector<PoolView> BackendStates::view_all() const {
  std::vector<PoolView> views;
  for (const auto& spec : impl_->pools->all())
    if (spec) views.push_back(impl_->view_of(*spec));
  return views;
}

}  // namespace weir::backend
