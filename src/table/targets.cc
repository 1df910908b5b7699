#include "targets.h"

#include <utility>

#include "fingerprint.h"

namespace weir::table {

using route::kNoRoute;
using route::Route;

namespace {

std::uint64_t hash_of_text(std::string_view text) { return Fingerprint().add(text).value(); }

}  // namespace

std::uint64_t Targets::hash_of(std::string_view label, std::string_view pool) {
  // Most are called as their pools.
  return label == pool ? hash_of_text(label) : Fingerprint().add(label).add(pool).value();
}

Targets::RouteNumber Targets::find(std::string_view label, std::string_view pool,
                                   std::uint64_t hash) const {
  return numbers_.find(hash, [&](RouteNumber number) {
    const Target& target = targets_[number];
    return target.hash == hash && target.label == label &&
           (label == pool ? target.label == target.pool : target.pool == pool);
  });
}

Targets::RouteNumber Targets::first_of_pool(std::string_view pool) const {
  return by_pool_.find(hash_of_text(pool),
                       [&](RouteNumber number) { return targets_[number].pool == pool; });
}

void Targets::add_to_pool(RouteNumber number) {
  RouteNumber first = first_of_pool(targets_[number].pool);
  if (first == kNoRoute)
    return by_pool_.insert(number,
                           [this](RouteNumber of) { return hash_of_text(targets_[of].pool); });
  targets_[number].next_of_pool = std::exchange(targets_[first].next_of_pool, number);
}

void Targets::remove_from_pool(RouteNumber number) {
  auto hash_of_pool = [this](RouteNumber of) { return hash_of_text(targets_[of].pool); };
  RouteNumber next = targets_[number].next_of_pool;
  RouteNumber before = first_of_pool(targets_[number].pool);
  if (before == number) {
    if (next == kNoRoute)
      by_pool_.erase(number, hash_of_pool);
    else
      by_pool_.replace(number, next, hash_of_pool);
    return;
  }
  while (targets_[before].next_of_pool != number) before = targets_[before].next_of_pool;
  targets_[before].next_of_pool = next;
}

std::uint32_t Targets::label_id_of(std::string_view label) const {
  return label_ids_.find(hash_of_text(label),
                         [&](std::uint32_t id) { return labels_[id].text == label; });
}

std::uint32_t Targets::take_label_id(const SharedText& label) {
  std::uint32_t id = label_id_of(label);
  if (id == NumberIndex::kNone) {
    if (free_label_ids_.empty()) {
      id = static_cast<std::uint32_t>(labels_.size());
      labels_.emplace_back();
    } else {
      id = free_label_ids_.back();
      free_label_ids_.pop_back();
    }
    labels_[id].text = label;
    label_ids_.insert(id, [this](std::uint32_t of) { return hash_of_text(labels_[of].text); });
  }
  ++labels_[id].targets;
  return id;
}

void Targets::drop_label_id(std::string_view label) {
  std::uint32_t id = label_id_of(label);
  if (--labels_[id].targets > 0) return;
  label_ids_.erase(id, [this](std::uint32_t of) { return hash_of_text(labels_[of].text); });
  free_label_ids_.push_back(id);
  labels_[id] = {};
}

Targets::RouteNumber Targets::intern(const SharedText& label, const SharedText& pool) {
  std::uint64_t hash = hash_of(label, pool);
  if (RouteNumber known = find(label, pool, hash); known != kNoRoute) return known;
  auto route = std::make_shared<Route>();
  route->label = label;
  route->action = Route::Action::kQuarantined;
  route->label_id = take_label_id(label);
  RouteNumber number = editor_.add_route(std::move(route));
  if (number >= targets_.size()) targets_.resize(number + 1);
  Target& target = targets_[number];
  target.label = label;
  target.pool = pool;
  target.hash = hash;
  numbers_.insert(number, [this](RouteNumber of) { return targets_[of].hash; });
  add_to_pool(number);
  maybe_unused_.push_back(number);
  return number;
}

void Targets::resolve(RouteNumber number, std::optional<route::PoolId> pool) {
  Target& target = targets_[number];
  const Route& before = *editor_.route(number);
  if (target.is_resolved == pool.has_value() && (!pool || *pool == before.pool)) return;
  auto route = std::make_shared<Route>(before);
  route->pool = pool.value_or(0);
  route->action = pool ? Route::Action::kPool : Route::Action::kQuarantined;
  target.is_resolved = pool.has_value();
  editor_.replace_route(number, std::move(route));
}

std::vector<Targets::RouteNumber> Targets::of_pool(std::string_view pool) const {
  std::vector<RouteNumber> numbers;
  for (RouteNumber number = first_of_pool(pool); number != kNoRoute;
       number = targets_[number].next_of_pool)
    numbers.push_back(number);
  return numbers;
}

void Targets::remove_unused(const std::function<void(std::string_view pool)>& removed) {
  for (RouteNumber number : std::exchange(maybe_unused_, {})) {
    Target& target = targets_[number];
    if (target.uses > 0 || target.hash == 0) continue;
    numbers_.erase(number, [this](RouteNumber of) { return targets_[of].hash; });
    remove_from_pool(number);
    drop_label_id(target.label);
    editor_.remove_route(number);
    SharedText pool = std::move(target.pool);
    target = {};
    if (first_of_pool(pool) == kNoRoute) removed(pool);
  }
}

}  // namespace weir::table
