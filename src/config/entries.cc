#include <algorithm>

#include "files.h"
#include "loader.h"
#include "schema.h"
#include "suggest.h"

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
  if (!root.ok()) {
    const SyntaxError& error = root.error();
    report_.add({file, error.line, error.column}, error.message);
    has_unread_file_ = true;
    return false;
  }
  out = std::move(root).value();
  return true;
}

void Loader::read_entries(const Node& root, const std::string& file) {
  const Node* pools = root.find("pool");
  if (pools != nullptr && is_section(report_, file, *pools, "pool")) {
    for (const Member& member : pools->members) read_pool(member, file);
  }
  const Node* routes = root.find("route");
  if (routes == nullptr) return;
  bool is_empty_list = routes->kind == Node::Kind::kList && routes->items.empty();
  if (!routes->is_list_of_tables() && !is_empty_list) {
    report_.add({file, routes->line, routes->column},
                "route is " + routes->description() + " (expected one or more [[route]])");
    return;
  }
  for (const Node& node : routes->items) read_route(node, file);
}

void Loader::read_pool(const Member& member, const std::string& file) {
  std::string title = "pool." + member.key;
  Place place{file, member.line, member.column};
  if (!is_named_table(report_, file, member, "pool")) return;
  auto [known, is_new] = pool_places_.emplace(member.key, place);
  if (!is_new) {
    report_.add(place, "[" + title + "] stands here twice, first at " + known->second.text());
    return;
  }
  PoolConfig pool = pool_base_;
  pool.name = member.key;
  pool.place = place;
  Origins origins = pool_base_origins_;
  Scope scope{report_, file, "[" + title + "]", &origins, {}, {}};
  read_table(scope, member.value, Part{kPoolKeys, pool});
  if (!origins.contains("backends")) {
    report_.add(place, "[" + title +
                           "] without backends (expected backends = "
                           "[\"127.0.0.1:9001\"]; [] for none)");
  }
  std::vector<Shown> shown;
  show_keys<PoolConfig>("", kPoolKeys, pool, shown);
  add_dump(title, shown, origins);
  config_.pools.push_back(std::move(pool));
}

void Loader::check_route(Scope& scope, const Node& node, const RouteDraft& draft) {
  const Node* hosts = node.find("hosts");
  bool has_host = node.find("host") != nullptr;
  if (!has_host && hosts == nullptr) {
    scope.error(node,
                "a route without host (expected host = \"www.example.com\", or \"*\" for "
                "every host)");
  }
  if (has_host && hosts != nullptr) scope.error(*hosts, "hosts beside host (expected one of them)");
  if (actions_of(node) == 0) {
    scope.error(node, "a route without pool (expected pool = \"NAME\")");
  } else if (actions_of(node) > 1) {
    scope.error(node,
                "a route with several actions (expected exactly one of pool, redirect, "
                "respond, hold, files)");
  }
  const Node* pool = node.find("pool");
  if (pool != nullptr && pool->kind == Node::Kind::kString && draft.pool.empty()) {
    scope.error(*pool, "pool is \"\" (expected a pool's name)");
  }
}

void Loader::read_route(const Node& node, const std::string& file) {
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
  std::vector<Shown> shown;
  show_keys<RouteDraft>("", kRouteKeys, draft, shown);
  add_dump("route[" + std::to_string(config_.route_entries.size()) + "]", shown, origins);
  const Node* pool = node.find("pool");
  route_pool_places_.push_back(pool == nullptr ? route.place : scope.place(*pool));
  config_.route_entries.push_back(std::move(route));
}

void Loader::read_route_files(const Node* patterns) {
  std::map<std::string, Place> paths;
  for (std::string& pattern : config_.routes.files) {
    Place place{main_file_, patterns->line, patterns->column};
    for (const Node& item : patterns->items) {
      if (item.text == pattern) place = {main_file_, item.line, item.column};
    }
    pattern = beside(main_file_, pattern);
    std::vector<std::string> found = is_glob(pattern) ? matches_of(pattern) : std::vector{pattern};
    for (const std::string& path : found) paths.emplace(path, place);
  }
  globs_ = config_.routes.files;
  for (const auto& [path, place] : paths) {
    // A glob over weir.toml's own folder means the other files in it.
    if (!is_same_file(path, main_file_)) read_route_file(path, place);
  }
}

void Loader::read_route_file(const std::string& path, const Place& pattern) {
  files_.push_back(path);
  report_.begin_file(path);
  Result<std::string> text = read_file(path);
  if (!text.ok()) {
    report_.add(pattern, "files: " + text.error().message);
    has_unread_file_ = true;
    return;
  }
  Node root;
  if (!parse_file(*text, path, root)) return;
  check_route_file(root, path);
  read_entries(root, path);
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
    std::string_view meant = is_of_main ? "" : suggest(member.key, kEntries);
    if (meant == "pool") message += "; did you mean [pool.NAME]?";
    if (meant == "route") message += "; did you mean [[route]]?";
    report_.add({path, member.line, member.column}, message + ")");
  }
}

}  // namespace weir::config
