#include <algorithm>

#include "files.h"
#include "loader.h"
#include "meant.h"
#include "schema.h"
#include "suggest.h"
#include "syntax.h"

namespace weir::config {
namespace {

constexpr std::string_view kActions[] = {"pool", "redirect", "respond", "hold", "files"};

std::size_t actions_of(const Node& route) {
  return static_cast<std::size_t>(
      std::count_if(std::begin(kActions), std::end(kActions),
                    [&](std::string_view action) { return route.find(action) != nullptr; }));
}

}  // namespace

bool Loader::parse_file(const std::string& text, const std::string& file, Node& out) {
  Result<Node, SyntaxError> root = parse_toml(text);
  if (root.ok()) {
    out = std::move(root).value();
    return true;
  }
  has_unread_file_ = true;
  SyntaxError foreign = foreign_format(text);
  if (!foreign.message.empty()) {
    report_.add({file, foreign.line, foreign.column}, foreign.message);
    return false;
  }
  Explained explained = explain_syntax(text, root.error());
  std::string message = explained.error.message;
  // A mended line may be one to mend in turn, without end.
  bool is_worth_trying = !explained.mended_line.empty() && text_ == Text::kFile;
  std::string problem =
      is_worth_trying ? problem_of_line(explained.title, explained.mended_line) : std::string();
  bool is_another =
      problem.find("stands without") != std::string::npos || problem.starts_with("not TOML");
  if (!problem.empty() && !is_another) {
    message.append(", and ").append(problem);
  } else {
    message = with_toml_hint(message, explained.meant);
  }
  report_.add({file, explained.error.line, explained.error.column}, message);
  return false;
}

void Loader::read_entries(const Node& root, const std::string& file) {
  const Node* pools = root.find("pool");
  if (pools != nullptr && !is_section(report_, file, *pools, "pool")) has_unread_pool_ = true;
  if (pools != nullptr && pools->is_table()) {
    for (const Member& member : pools->members) read_pool(member, file);
  }
  const Node* routes = root.find("route");
  if (routes == nullptr) return;
  bool is_empty_list = routes->kind == Node::Kind::kList && routes->items.empty();
  if (!routes->is_list_of_tables() && !is_empty_list) {
    report_.add({file, routes->line, routes->column},
                "route is " + routes->description() +
                    " (expected double brackets, one [[route]] for each)");
    return;
  }
  for (const Node& node : routes->items) read_route(node, file);
}

bool Loader::note_pool(const std::string& name, const Place& place) {
  auto [known, is_new] = pool_places_.emplace(name, place);
  if (!is_new)
    report_.add(place, "[pool." + name + "] stands here twice, first at " + known->second.text());
  return is_new;
}

void Loader::read_pool(const Member& member, const std::string& file) {
  std::string title = "pool." + member.key;
  Place place{file, member.line, member.column};
  EntryScope entry(report_, EntryKind::kPool);
  std::size_t errors = report_.count(EntryKind::kPool);
  if (!is_named_table(report_, file, member, "pool")) {
    has_unread_pool_ = true;
    return;
  }
  if (!note_pool(member.key, place)) return;
  PoolConfig pool = pool_base_;
  pool.name = member.key;
  pool.place = place;
  Origins origins = pool_base_origins_;
  Scope scope{report_, file, "[" + title + "]", &origins, {}, {}};
  read_table(scope, member.value, Part{kPoolKeys, pool});
  if (!origins.contains("backends") && !is_meant(member.value, "backends", kPoolKeys)) {
    report_.add(place, "[" + title +
                           "] without backends (expected backends = "
                           "[\"127.0.0.1:9001\"]; [] answers 503)");
  }
  if (report_.count(EntryKind::kPool) > errors) {
    config_.bad_pools.push_back(member.key);
    return;
  }
  if (dumps_entries()) {
    std::vector<Shown> shown;
    show_keys<PoolConfig>("", kPoolKeys, pool, shown);
    add_dump(title, shown, origins);
  }
  config_.pools.push_back(std::move(pool));
}

void Loader::check_route(Scope& scope, const Node& node, const RouteDraft& draft) {
  const Node* hosts = node.find("hosts");
  bool has_host = node.find("host") != nullptr;
  if (!has_host && hosts == nullptr && !is_meant(node, "host", kRouteKeys)) {
    scope.error(node,
                "a route without host (expected host = \"www.example.com\", or \"*\" for "
                "every host)");
  }
  if (has_host && hosts != nullptr) {
    scope.error(*hosts, "hosts beside host (expected one of them: put host into hosts)");
  }
  check_action(scope, node, draft);
  for (const Node* list : {node.find("host"), hosts}) {
    if (list == nullptr) continue;
    warn_of_host(scope, *list);
    for (const Node& item : list->items) warn_of_host(scope, item);
  }
}

void Loader::check_action(Scope& scope, const Node& node, const RouteDraft& draft) {
  const Node* pool = node.find("pool");
  bool is_named_otherwise =
      std::any_of(std::begin(kActions), std::end(kActions),
                  [&](std::string_view action) { return is_meant(node, action, kRouteKeys); });
  if (actions_of(node) == 0 && !is_named_otherwise) {
    scope.error(node, "a route without pool (expected pool = \"NAME\")");
  } else if (actions_of(node) > 1 && pool != nullptr) {
    scope.error(node,
                "a route with several actions (expected pool alone: a request goes to one place)");
  }
  if (pool != nullptr && pool->kind == Node::Kind::kString && draft.pool.empty()) {
    scope.error(*pool, "pool is \"\" (expected a pool's name)");
  }
}

// Legal names that mean every host elsewhere.
void Loader::warn_of_host(const Scope& scope, const Node& node) {
  constexpr std::string_view kDefaults[] = {"default", "_default_", "default_server", "any", "all"};
  if (std::find(std::begin(kDefaults), std::end(kDefaults), node.text) == std::end(kDefaults))
    return;
  warnings_.push_back({scope.place(node), "host " + in_quotes(node.text) +
                                              " is a name like any other (\"*\" is every host)"});
}

void Loader::read_route(const Node& node, const std::string& file) {
  EntryScope entry(report_, EntryKind::kRoute);
  std::size_t errors = report_.count(EntryKind::kRoute);
  Origins origins;
  Scope scope{report_, file, "[[route]]", &origins, {}, {}};
  RouteDraft draft;
  read_table(scope, node, Part{kRouteKeys, draft});
  check_route(scope, node, draft);
  RouteConfig route;
  if (draft.name.empty()) draft.name = draft.pool;
  route.name = draft.name;
  route.hosts = node.find("host") != nullptr ? draft.host : draft.hosts;
  route.path = draft.path;
  route.scheme = draft.scheme;
  route.pool = draft.pool;
  route.place = scope.place(node);
  route.is_bad = report_.count(EntryKind::kRoute) > errors;
  if (!route.is_bad && dumps_entries()) {
    std::vector<Shown> shown;
    show_keys<RouteDraft>("", kRouteKeys, draft, shown);
    add_dump("route[" + std::to_string(config_.route_entries.size()) + "]", shown, origins);
  }
  const Node* pool = node.find("pool");
  route_pool_places_.push_back(pool == nullptr ? route.place : scope.place(*pool));
  config_.route_entries.push_back(std::move(route));
}

void Loader::check_route_file(const Node& root, const std::string& path) {
  constexpr std::string_view kEntries[] = {"pool", "route"};
  for (const Member& member : root.members) {
    if (member.key == "pool" || member.key == "route") continue;
    bool is_of_main =
        std::any_of(schema().begin(), schema().end(),
                    [&](const SchemaSection& section) { return section.name == member.key; });
    std::string message = is_of_main ? "[" + member.key + "] belongs into " + main_file_
                                     : "unknown section [" + member.key + "]";
    message += " (expected only [[route]] and [pool.NAME] in a route file";
    if (!is_of_main && !suggest(member.key, kEntries).empty()) {
      message += "; did you mean " + meant_title(dotted_name(member)) + "?";
    }
    report_.add({path, member.line, member.column}, message + ")");
  }
}

}  // namespace weir::config
