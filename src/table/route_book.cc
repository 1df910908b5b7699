#include "route_book.h"

#include <algorithm>

#include "fingerprint.h"

namespace weir::table {

using route::kNoRoute;
using route::PlacedRoute;
using route::RouteKey;
using route::RouteTable;

std::string key_text(const RouteKey& key) {
  std::string text(key.host);
  text.append(key.path);
  if (key.scheme) text.append(" (").append(http::name_of(*key.scheme)).append(")");
  return text;
}

RouteBook::RouteBook(std::uint64_t hash_seed, Order is_before)
    : editor_(hash_seed), targets_(editor_), is_before_(std::move(is_before)) {
  base_ = editor_.publish();
}

std::uint64_t RouteBook::hash_of(const RouteKey& key, route::RouteNumber target) const {
  Fingerprint fingerprint;
  fingerprint.add(key.host);
  if (!key.path.empty() || key.scheme)
    fingerprint.add(key.path).add(key.scheme ? static_cast<int>(*key.scheme) : 2);
  return fingerprint.add(targets_.at(target).hash).value();
}

// A host that the base does not have is new, whatever becomes of it until the next version.
void RouteBook::touch(std::string_view host) {
  if (base_->known({host, {}, {}}).has_host) touched_.emplace(host);
}

void RouteBook::count(PlacedRoute placed, bool is_served) {
  if (is_stale_origin(placed.origin)) {
    is_served ? ++stale_ : --stale_;
    return targets_.count_stale(placed.route, is_served);
  }
  if (placed.origin >= served_.size()) served_.resize(placed.origin + 1);
  is_served ? ++served_[placed.origin] : --served_[placed.origin];
}

void RouteBook::serve(const RouteKey& key, PlacedRoute placed, PlacedRoute before) {
  if (before.route != kNoRoute) {
    hash_ -= hash_of(key, before.route);
    count(before, false);
  }
  if (placed.route != kNoRoute) {
    hash_ += hash_of(key, placed.route);
    count(placed, true);
  }
  if (base_->routes() > 0) touch(key.host);
}

bool RouteBook::wait(const RouteKey& key, Candidate candidate, IfOwn if_own) {
  std::vector<Candidate>& candidates = waiting_[OwnedKey(key)];
  auto own = std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& other) {
    return other.source == candidate.source;
  });
  if (own == candidates.end()) {
    candidates.push_back(candidate);
    ++waiting_count_;
    return true;
  }
  bool replaces = if_own == IfOwn::kReplace;
  targets_.drop_use(replaces ? own->target : candidate.target);
  if (replaces) own->target = candidate.target;
  return replaces;
}

std::optional<SourceNumber> RouteBook::put(const RouteKey& key, SourceNumber source,
                                           route::RouteNumber target, IfOwn if_own) {
  targets_.add_use(target);
  PlacedRoute placed{target, source};
  PlacedRoute there = editor_.insert(key, placed);
  if (there.route == kNoRoute) {
    serve(key, placed, there);
    return std::nullopt;
  }
  if (there.origin == source && (if_own == IfOwn::kKeep || there == placed)) {
    targets_.drop_use(target);
    if (if_own == IfOwn::kKeep) return source;
    return std::nullopt;
  }
  // What is held back gives way to anybody.
  if (there.origin != source && !is_stale_origin(there.origin)) {
    if (!is_before_(source, there.origin))
      return wait(key, {source, target}, if_own) ? there.origin : source;
    wait(key, {there.origin, there.route}, IfOwn::kReplace);
  } else {
    targets_.drop_use(there.route);
  }
  editor_.set(key, placed);
  serve(key, placed, there);
  return std::nullopt;
}

void RouteBook::drop_candidates(std::vector<Candidate>& candidates, SourceNumber source) {
  std::erase_if(candidates, [&](const Candidate& candidate) {
    if (candidate.source != source) return false;
    targets_.drop_use(candidate.target);
    --waiting_count_;
    return true;
  });
}

void RouteBook::drop(const RouteKey& key, SourceNumber source) {
  auto waiting = waiting_.empty() ? waiting_.end() : waiting_.find(OwnedKey(key));
  PlacedRoute there = editor_.find(key);
  if (there.route == kNoRoute || there.origin != source) {
    if (waiting == waiting_.end()) return;
    drop_candidates(waiting->second, source);
    if (waiting->second.empty()) waiting_.erase(waiting);
    return;
  }
  targets_.drop_use(there.route);
  if (waiting == waiting_.end()) {
    editor_.erase(key);
    return serve(key, {}, there);
  }
  auto next = std::min_element(
      waiting->second.begin(), waiting->second.end(),
      [this](const Candidate& a, const Candidate& b) { return is_before_(a.source, b.source); });
  PlacedRoute placed{next->target, next->source};
  waiting->second.erase(next);
  --waiting_count_;
  if (waiting->second.empty()) waiting_.erase(waiting);
  editor_.set(key, placed);
  serve(key, placed, there);
}

void RouteBook::drop_waiting(SourceNumber source) {
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    for (const Candidate& candidate : entry->second)
      if (candidate.source == source) forgotten_[{entry->first, source}] = candidate.target;
    drop_candidates(entry->second, source);
    entry = entry->second.empty() ? waiting_.erase(entry) : std::next(entry);
  }
}

void RouteBook::hold(const std::string& host) {
  for (const RouteTable::Item& item : base_->routes_of(host))
    put({item.host, item.path, item.scheme}, item.placed.origin | kStaleOrigin, item.placed.route,
        IfOwn::kReplace);
}

void RouteBook::release(const std::string& host) {
  std::vector<OwnedKey> stale;
  for (const auto& [key, placed] : editor_.routes_of(host))
    if (is_stale_origin(placed.origin)) stale.emplace_back(key);
  for (const OwnedKey& key : stale) drop(key, editor_.find(key).origin);
}

void RouteBook::release_all() {
  if (stale_ == 0) return;
  base_->for_each([this](const RouteKey& key, PlacedRoute placed) {
    if (is_stale_origin(placed.origin)) drop(key, placed.origin);
  });
}

route::RouteNumber RouteBook::forgotten(const RouteKey& key, SourceNumber source) const {
  if (forgotten_.empty()) return kNoRoute;
  auto found = forgotten_.find({OwnedKey(key), source});
  return found == forgotten_.end() ? kNoRoute : found->second;
}

std::vector<RouteBook::Waiting> RouteBook::list_waiting(std::size_t most) const {
  std::vector<Waiting> list;
  for (const auto& [key, candidates] : waiting_) {
    for (const Candidate& candidate : candidates) {
      if (list.size() == most) return list;
      list.push_back({key, candidate.source, editor_.find(key).origin});
    }
  }
  return list;
}

std::vector<SourceNumber> RouteBook::sources_of(const RouteKey& key) const {
  PlacedRoute there = editor_.find(key);
  if (there.route == kNoRoute) return {};
  std::vector<SourceNumber> sources = {there.origin};
  if (auto waiting = waiting_.find(OwnedKey(key)); waiting != waiting_.end())
    for (const Candidate& candidate : waiting->second) sources.push_back(candidate.source);
  std::sort(sources.begin() + 1, sources.end(), is_before_);
  return sources;
}

void RouteBook::compare(const std::string& host, const RouteTable& after, Difference& difference,
                        std::vector<MovedHost>& moved) const {
  std::vector<RouteTable::Item> now = after.routes_of(host);
  std::vector<RouteTable::Item> then = base_->routes_of(host);
  if (then.empty()) return;
  if (now.empty()) {
    ++difference.hosts_removed;
    return;
  }
  bool leads_elsewhere = now.size() != then.size();
  bool is_relabelled = false;
  for (std::size_t at = 0; !leads_elsewhere && at < now.size(); ++at) {
    const route::Route& left = *then[at].route;
    const route::Route& right = *now[at].route;
    leads_elsewhere = now[at].path != then[at].path || now[at].scheme != then[at].scheme ||
                      left.pool != right.pool || left.action != right.action;
    is_relabelled = is_relabelled || left.label != right.label;
  }
  if (leads_elsewhere)
    ++difference.hosts_moved;
  else if (is_relabelled)
    ++difference.hosts_relabelled;
  for (std::size_t at = 0; at < std::min(now.size(), then.size()); ++at) {
    SourceNumber from = then[at].placed.origin & ~kStaleOrigin;
    SourceNumber to = now[at].placed.origin & ~kStaleOrigin;
    if (from == to) continue;
    moved.push_back({host, from, to});
    break;
  }
}

std::shared_ptr<const RouteTable> RouteBook::publish(Difference& difference,
                                                     std::vector<MovedHost>& moved) {
  std::shared_ptr<const RouteTable> table = editor_.publish();
  for (const std::string& host : touched_) compare(host, *table, difference, moved);
  touched_.clear();
  forgotten_.clear();
  difference.hosts_added += table->hosts() + difference.hosts_removed - base_->hosts();
  base_ = table;
  served_by_base_ = served_;
  return table;
}

}  // namespace weir::table
