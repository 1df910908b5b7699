#include <algorithm>

#include "files.h"
#include "loader.h"
#include "suggest.h"
#include "values.h"

namespace weir::config {
namespace {

// Would the second bind fail, or does it say the same again? Port 0 is a new port each time.
bool is_conflict(const BindAddress& a, const BindAddress& b) {
  if (a.endpoint.is_unix() || b.endpoint.is_unix()) return a.endpoint == b.endpoint;
  const IpAddress& left = a.endpoint.ip;
  const IpAddress& right = b.endpoint.ip;
  if (left.port() != right.port() || left.port() == 0) return false;
  bool covers_both =
      (a.is_any_family && right.is_unspecified()) || (b.is_any_family && left.is_unspecified());
  return covers_both || left == right;
}

struct Bound {
  std::string owner;  // "[listener.public]"
  const BindAddress* address;
  Place place;
};

}  // namespace

void Loader::check_all() {
  if (config_.listeners.empty() && !has_unread_listener_) {
    report_.add({main_file_, 0, 0},
                "no listener (expected [listener.public] with bind = [\":8080\"])");
  }
  check_listeners();
  check_admin_binds();
  check_pools_of_routes();
  if (config_.route_entries.empty() && config_.maps.empty() && report_.is_empty()) {
    warnings_.push_back({{main_file_, 0, 0},
                         "there is no route, so every request gets 503 (expected [[route]] with "
                         "host and pool, here or in a file of [routes] files)"});
  }
}

// In place of a pool that there is not.
std::string Loader::meant_pool(const std::string& pool) const {
  std::vector<std::string_view> legal;
  for (const auto& [name, place] : pool_places_) legal.push_back(name);
  std::string_view meant = suggest(pool, legal);
  if (meant.empty() && pool.starts_with("pool.")) meant = suggest(pool.substr(5), legal);
  if (!meant.empty()) return "did you mean " + in_quotes(meant) + "?";
  constexpr std::size_t kFew = 5;
  std::string known;
  if (legal.size() <= kFew) {
    for (std::string_view name : legal) known += (known.empty() ? "" : ", ") + in_quotes(name);
  }
  bool is_address = pool.find_first_of("/:") != std::string::npos;
  if (is_address) {
    return "expected a pool's name, and in [pool.NAME] backends = [\"IP:PORT\"]";
  }
  std::string made = is_name(pool) ? "a [pool." + pool + "]" : "a pool's name";
  return "expected " + made + (known.empty() ? "" : ", or one of " + known);
}

void Loader::check_limits(const Node* at) {
  if (config_.limits.head_bytes >= config_.limits.request_line_bytes) return;
  Place place{main_file_, 0, 0};
  if (at != nullptr) place = {main_file_, at->line, at->column};
  report_.add(std::move(place),
              "head_bytes is less than request_line_bytes (expected as much at least: the request "
              "line is part of the head)");
}

void Loader::check_machine() {
  const AccessTarget& access = config_.log.access;
  if (access.kind != AccessTarget::Kind::kFile) return;
  std::string problem = problem_of_output(access.path, config_.server.user);
  if (!problem.empty()) report_.add(access_log_place_, "access: " + problem);
}

void Loader::check_listeners() {
  std::vector<Bound> bound;
  auto add = [&](const std::string& owner, const std::vector<BindAddress>& addresses,
                 const std::vector<Place>& places, const Place& section) {
    // Fewer addresses than places: some were wrong, and that is reported already.
    bool has_places = addresses.size() == places.size();
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      Bound next{owner, &addresses[i], has_places ? places[i] : section};
      auto other = std::find_if(bound.begin(), bound.end(), [&](const Bound& earlier) {
        return is_conflict(*earlier.address, *next.address);
      });
      if (other != bound.end()) {
        std::string where = other->place.line == 0 ? "its default" : other->place.text();
        report_.add(next.place, "bind: " + in_quotes(next.address->text) + " is taken by " +
                                    other->owner + " (" + in_quotes(other->address->text) + ", " +
                                    where + ")");
      }
      bound.push_back(std::move(next));
    }
  };
  // First, since its default has no place to point at.
  add("[admin]", config_.admin.bind, admin_bind_places_, {main_file_, 0, 0});
  add("[metrics]", config_.metrics.bind, metrics_bind_places_, {main_file_, 0, 0});
  for (std::size_t i = 0; i < config_.listeners.size(); ++i) {
    const ListenerConfig& listener = config_.listeners[i];
    add("[listener." + listener.name + "]", listener.bind, listener_bind_places_[i],
        listener.place);
  }
}

// Looking for what was meant takes a look at every pool.
constexpr std::size_t kMaxMeant = 100;

void Loader::check_pools_of_routes() {
  // With a file or a section unread, a pool that is missing may well be in it.
  if (has_unread_file_ || has_unread_pool_) return;
  EntryScope entry(report_, EntryKind::kRoute);
  std::size_t unknown = 0;
  for (std::size_t i = 0; i < config_.route_entries.size(); ++i) {
    const std::string& pool = config_.route_entries[i].pool;
    if (pool.empty() || pool_places_.contains(pool)) continue;
    report_.add(route_pool_places_[i],
                "unknown pool " + in_quotes(pool) + " (" +
                    (++unknown <= kMaxMeant ? meant_pool(pool) : "expected a pool's name") + ")");
    config_.route_entries[i].is_bad = true;
  }
}

}  // namespace weir::config
