#include "targets.h"

#include <utility>

#include "fingerprint.h"

namespace weir::table {

using route::Route;

std::string Targets::key_of(std::string_view label, std::string_view pool) {
  std::string key(label);
  if (label != pool) key.append("\n").append(pool);
  return key;
}

std::uint32_t Targets::take_label_id(const std::string& label) {
  auto [known, is_new] = labels_.try_emplace(label);
  if (is_new) {
    known->second.id = static_cast<std::uint32_t>(labels_.size() - 1);
    if (!free_label_ids_.empty()) {
      known->second.id = free_label_ids_.back();
      free_label_ids_.pop_back();
    }
  }
  ++known->second.targets;
  return known->second.id;
}

void Targets::drop_label_id(const std::string& label) {
  auto known = labels_.find(label);
  if (--known->second.targets > 0) return;
  free_label_ids_.push_back(known->second.id);
  labels_.erase(known);
}

Targets::RouteNumber Targets::intern(std::string_view label, std::string_view pool) {
  auto [known, is_new] = numbers_.try_emplace(key_of(label, pool));
  if (!is_new) return known->second;
  Target target;
  target.label = label;
  target.pool = pool;
  target.hash = Fingerprint().add(label).add(pool).value();
  auto route = std::make_shared<Route>();
  route->label = label;
  route->action = Route::Action::kQuarantined;
  route->label_id = take_label_id(target.label);
  RouteNumber number = editor_.add_route(std::move(route));
  known->second = number;
  by_pool_.emplace(target.pool, number);
  if (number >= targets_.size()) targets_.resize(number + 1);
  targets_[number] = std::move(target);
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
  auto [first, last] = by_pool_.equal_range(std::string(pool));
  for (; first != last; ++first) numbers.push_back(first->second);
  return numbers;
}

void Targets::remove_unused(const std::function<void(const std::string& pool)>& removed) {
  for (RouteNumber number : std::exchange(maybe_unused_, {})) {
    Target& target = targets_[number];
    if (target.uses > 0 || target.hash == 0) continue;
    numbers_.erase(key_of(target.label, target.pool));
    auto [first, last] = by_pool_.equal_range(target.pool);
    while (first->second != number) ++first;
    by_pool_.erase(first);
    drop_label_id(target.label);
    editor_.remove_route(number);
    std::string pool = std::move(target.pool);
    target = {};
    if (by_pool_.find(pool) == by_pool_.end()) removed(pool);
  }
}

}  // namespace weir::table
