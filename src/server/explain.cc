#include "explain.h"

#include <algorithm>

#include "explain_url.h"
#include "weir/backend/local_pool.h"
#include "weir/base/failure.h"
#include "weir/route/explanation.h"

namespace weir::server {
namespace {

using admin::ExplainView;
using route::Explanation;
using route::HostStep;
using route::RouteStep;

std::string_view word_of(HostStep step) {
  switch (step) {
    case HostStep::kAbsent:
      return "absent";
    case HostStep::kOtherScheme:
      return "other_scheme";
    case HostStep::kMatched:
      return "matched";
    case HostStep::kTooWide:
      return "too_wide";
  }
  return "?";
}

std::string_view word_of(RouteStep step) {
  switch (step) {
    case RouteStep::kWins:
      return "wins";
    case RouteStep::kOtherScheme:
      return "other_scheme";
    case RouteStep::kOtherPath:
      return "other_path";
    case RouteStep::kShorterPath:
      return "shorter_path";
    case RouteStep::kWithoutScheme:
      return "without_scheme";
    case RouteStep::kUnsafePath:
      return "unsafe_path";
  }
  return "?";
}

std::string why_of(const Explanation::Rival& rival, const Explanation& explanation) {
  const route::RouteTable::Item& item = rival.item;
  switch (rival.step) {
    case RouteStep::kWins:
      if (!item.path.empty()) return "the longest path that covers " + explanation.path;
      return item.scheme ? "every path, and it names the scheme" : "every path";
    case RouteStep::kOtherScheme:
      return item.scheme ? "only " + std::string(http::name_of(*item.scheme)) : "another scheme";
    case RouteStep::kOtherPath:
      return "its path does not cover " + explanation.path;
    case RouteStep::kShorterPath:
      return "a longer path fits, too";
    case RouteStep::kWithoutScheme:
      return "the same path with the scheme goes before it";
    case RouteStep::kUnsafePath:
      return "not compared: the path has a .. segment";
  }
  return "";
}

const Explanation::Host* matched_host(const Explanation& explanation) {
  for (const Explanation::Host& host : explanation.hosts)
    if (host.step == HostStep::kMatched) return &host;
  return nullptr;
}

void set_failure(ExplainView& view, Failure failure, std::string why) {
  const FailureRow& row = row_of(failure);
  view.outcome = row.name;
  view.status = row.status;
  view.why = std::move(why);
}

std::string why_no_route(const Explanation& explanation, const ExplainView& view) {
  if (const Explanation::Host* host = matched_host(explanation)) {
    std::string wider;
    for (const Explanation::Host& other : explanation.hosts)
      if (other.step == HostStep::kTooWide && wider.empty())
        wider = " (" + other.pattern + " is not asked: a host that matched decides alone)";
    return host->pattern + " matched, but none of its paths covers " + explanation.path + wider;
  }
  for (const Explanation::Host& host : explanation.hosts)
    if (host.step == HostStep::kOtherScheme)
      return "no route for this host and " + view.scheme + ": " + host.pattern + " has routes for " +
             (view.scheme == "http" ? "https" : "http") + " only";
  return "no route for this host, nor for a wider one";
}

// What is wrong with an entry that holds its key.
std::string why_quarantined(const table::Tables& tables, const ExplainView& view,
                            const route::RouteTable::Item& item) {
  std::string key = table::key_text({item.host, item.path, item.scheme});
  const config::Place& place = view.places.front();
  auto is_of_it = [&](const table::Quarantined& entry) {
    if (entry.kind != config::EntryKind::kRoute) return false;
    if (!entry.key.empty()) return entry.key == key;
    // What the loader found has no key. They are in order, so that the first one at the route or
    // behind it is within it.
    return place.line > 0 && place.file == entry.place.file && entry.place.line >= place.line;
  };
  const auto& listed = tables.quarantine.listed;
  auto found = std::find_if(listed.begin(), listed.end(), is_of_it);
  if (found == listed.end())
    return "the entry has an error (weir check lists it), and no earlier version is known";
  return found->place.text() + ": " + found->reason;
}

// "www.example.com is the most specific host with a route, …"
std::string why_wins(const Explanation& explanation, const Explanation::Rival& winner) {
  std::string why = winner.item.host == "*" ? "no other host covers it"
                                            : winner.item.host + " is the most specific host";
  for (const Explanation::Host& host : explanation.hosts)
    if (host.step == HostStep::kOtherScheme)
      why += " with a route for the scheme (" + host.pattern + " has none)";
  return why + ", " +
         (winner.item.path.empty() ? "its route is for every path"
                                   : winner.item.path + " its longest path that covers " +
                                         explanation.path);
}

std::string pool_of(const table::Tables& tables, const route::Route& route) {
  if (route.action != route::Route::Action::kPool) return {};
  std::shared_ptr<const backend::PoolSpec> pool = tables.pools->find(route.pool);
  return pool ? pool->name.str() : "";
}

void show_routes(const table::Tables& tables, const Explanation& explanation, ExplainView& view) {
  view.routes_total = explanation.routes.size();
  for (const Explanation::Rival& rival : explanation.routes) {
    bool is_winner = &rival == explanation.winner();
    if (!is_winner && view.routes.size() >= ExplainView::kMaxRoutes) continue;
    const route::RouteTable::Item& item = rival.item;
    ExplainView::Route route{item.host,
                             item.path,
                             item.scheme ? std::string(http::name_of(*item.scheme)) : "",
                             item.route->label.str(),
                             pool_of(tables, *item.route),
                             item.route->action != route::Route::Action::kPool,
                             word_of(rival.step),
                             why_of(rival, explanation)};
    if (is_winner) view.winner = route;
    view.routes.push_back(std::move(route));
  }
}

// Of one backend that gets no request now.
std::string why_not(const ExplainView::Backend& backend) {
  const backend::BackendView& view = backend.view;
  if (!backend.is_known) return view.is_backup ? "a backup: while no other is usable" : "";
  auto since = [](WallTime time) {
    std::string text;
    append_rfc3339(text, time);
    return " since " + text.substr(0, text.find('.')) + "Z";
  };
  if (view.admin != backend::AdminState::kReady)
    return std::string(name_of(view.admin)) + ", set by " + view.admin_by +
           since(view.admin_since);
  switch (view.health) {
    case backend::Health::kDown:
      return "down" + since(view.health_since) + ": " + view.health_reason;
    case backend::Health::kUnknown:
      return "no check has come to its end yet";
    case backend::Health::kUnchecked:
    case backend::Health::kUp:
      break;
  }
  return view.is_backup ? "a backup: while no other is usable" : "";
}

}  // namespace

Result<ExplainView, admin::Refusal> explain_route(const table::Tables& tables,
                                                  const table::Builder& builder,
                                                  const admin::ExplainQuery& query) {
  Result<AskedRequest, admin::Refusal> asked = read_url(query);
  if (!asked.ok()) return Err{asked.error()};
  ExplainView view;
  view.method = query.method;
  view.scheme = http::name_of(asked->scheme);
  view.host = asked->host;
  view.path = asked->path;
  if (asked->refused) {
    set_failure(view, asked->refused->failure, std::string(asked->refused->reason));
    return view;
  }
  Explanation explanation = tables.routes->explain(asked->host, asked->path, asked->scheme);
  view.path = explanation.path;
  for (const Explanation::Host& host : explanation.hosts)
    view.hosts.push_back({host.pattern, word_of(host.step)});
  show_routes(tables, explanation, view);
  switch (explanation.outcome) {
    case route::Outcome::kTableEmpty:
      set_failure(view, Failure::table_empty, "there is no route at all");
      return view;
    case route::Outcome::kNoRoute:
      set_failure(view, Failure::no_route, why_no_route(explanation, view));
      return view;
    case route::Outcome::kUnsafePath:
      set_failure(view, Failure::bad_request,
                  "a .. segment, and " + matched_host(explanation)->pattern + " has paths");
      return view;
    case route::Outcome::kMatched:
      break;
  }
  const Explanation::Rival& winner = *explanation.winner();
  const route::RouteTable::Item& item = winner.item;
  view.places = builder.places_of({item.host, item.path, item.scheme});
  if (item.route->action == route::Route::Action::kQuarantined) {
    set_failure(view, Failure::route_quarantined, why_quarantined(tables, view, item));
    return view;
  }
  view.outcome = "pool";
  view.pool_id = item.route->pool;
  view.why = why_wins(explanation, winner);
  return view;
}

void explain_pool(const table::Tables& tables, const backend::BackendStates* states,
                  ExplainView& view) {
  if (view.outcome != "pool") return;
  std::shared_ptr<const backend::PoolSpec> spec = tables.pools->find(view.pool_id);
  if (spec == nullptr || spec->backends.empty())
    set_failure(view, Failure::pool_empty, "pool " + view.winner->pool + " has no backends");
  if (spec == nullptr) return;
  // As every worker has one; this one never gets a request.
  backend::LocalPool local(spec, 0);
  std::optional<backend::PoolView> known = states == nullptr ? std::nullopt : states->view(spec->id);
  ExplainView::Pool& pool = view.pool.emplace();
  pool.name = spec->name.str();
  pool.balance = backend::name_of(spec->settings->balance);
  pool.candidates = local.candidates().size();
  for (std::size_t index = 0; index < spec->backends.size(); ++index) {
    ExplainView::Backend& backend = pool.backends.emplace_back();
    backend.view.address = spec->backends[index]->address();
    backend.view.weight = spec->traits_of(index).weight;
    backend.view.is_backup = spec->traits_of(index).is_backup;
    if (known)
      for (backend::BackendView& its : known->backends)
        if (its.address == backend.view.address) {
          backend.view = its;
          backend.is_known = true;
        }
    std::span<const std::uint32_t> candidates = local.candidates();
    backend.is_candidate = std::find(candidates.begin(), candidates.end(), index) !=
                           candidates.end();
    if (!backend.is_candidate) backend.why = why_not(backend);
  }
  switch (local.availability()) {
    case backend::Availability::kUsable:
    case backend::Availability::kEmpty:
      return;
    case backend::Availability::kUndecided:
      view.why += "; no check of its backends has come to its end yet: requests wait for it, up to "
                  "retry_window";
      return;
    case backend::Availability::kNone:
      set_failure(view, Failure::no_usable_backend,
                  "every backend of pool " + spec->name.str() + " is down or out of service");
      return;
  }
}

}  // namespace weir::server
