// Two tables compared, for people and as JSON.
#include <algorithm>

#include "diff.h"
#include "text_table.h"
#include "views.h"

namespace weir::cli {
namespace {

using HostRoutes = TableDiff::HostRoutes;

std::string pool_text(const RouteRow& row) {
  return row.is_quarantined ? "quarantined" : "pool " + std::string(row.pool);
}

std::string where_text(const RouteRow& row) {
  std::string text = std::string(row.host) + std::string(row.path);
  return row.scheme.empty() ? text : text + " (" + std::string(row.scheme) + ")";
}

std::string backend_text(const BackendRow& backend) {
  std::string text(backend.address);
  if (backend.weight != 1) text += " weight " + std::to_string(backend.weight);
  return backend.is_backup ? text + " backup" : text;
}

std::string backends_text(const std::vector<BackendRow>& backends) {
  constexpr std::size_t kMaxListed = 4;
  std::string text;
  for (std::size_t at = 0; at < std::min(backends.size(), kMaxListed); ++at)
    text += (at == 0 ? "" : ", ") + backend_text(backends[at]);
  if (backends.size() > kMaxListed)
    text += " and " + std::to_string(backends.size() - kMaxListed) + " more";
  return backends.empty() ? "no backends" : text;
}

struct Sign {
  std::string_view text;
  Colour colour;
};
constexpr Sign kAdded{"  + ", Colour::kGood};
constexpr Sign kRemoved{"  - ", Colour::kBad};
constexpr Sign kChanged{"  ~ ", Colour::kCareful};

void add_line(TextTable& table, Sign sign, const std::string& what, std::string more) {
  table.add_row({{std::string(sign.text) + what, sign.colour}, {std::move(more)}});
}

void add_host(TextTable& table, Sign sign, const HostRoutes& host) {
  for (std::size_t at = 0; at < host.count; ++at)
    add_line(table, sign, where_text(host.first[at]), pool_text(host.first[at]));
}

// The routes of a host that differ.
void add_change(TextTable& table, const TableDiff::HostChange& change) {
  auto find = [](const HostRoutes& host, const RouteRow& row) -> const RouteRow* {
    for (std::size_t at = 0; at < host.count; ++at)
      if (host.first[at].path == row.path && host.first[at].scheme == row.scheme)
        return &host.first[at];
    return nullptr;
  };
  for (std::size_t at = 0; at < change.before.count; ++at) {
    const RouteRow& left = change.before.first[at];
    const RouteRow* right = find(change.after, left);
    if (right == nullptr) {
      add_line(table, kRemoved, where_text(left), pool_text(left));
    } else if (pool_text(left) != pool_text(*right)) {
      add_line(table, kChanged, where_text(left), pool_text(left) + " → " + pool_text(*right));
    } else if (left.route != right->route) {
      add_line(table, kChanged, where_text(left),
               "route " + std::string(left.route) + " → " + std::string(right->route));
    }
  }
  for (std::size_t at = 0; at < change.after.count; ++at) {
    const RouteRow& right = change.after.first[at];
    if (find(change.before, right) == nullptr)
      add_line(table, kAdded, where_text(right), pool_text(right));
  }
}

void add_pool_change(TextTable& table, const TableDiff::PoolChange& change) {
  std::string name(change.name);
  auto add = [&](Sign sign, const std::string& more) {
    add_line(table, sign, name, more);
  };
  for (const TableDiff::SettingChange& setting : change.settings)
    add(kChanged, std::string(setting.key) + " " + setting.before + " → " + setting.after);
  for (const BackendRow* backend : change.added) add(kAdded, backend_text(*backend));
  for (const BackendRow* backend : change.removed) add(kRemoved, backend_text(*backend));
  for (const auto& [left, right] : change.changed)
    add(kChanged, backend_text(*left) + " → " + backend_text(*right));
}

// One kind of difference: its number, and the first `most` of them.
class Part {
 public:
  Part(std::string& out, std::size_t most, bool has_colours)
      : out_(out), most_(most), has_colours_(has_colours) {}
  template <typename List, typename Add>
  void show(std::string_view title, const List& list, Add add) {
    if (list.empty()) return;
    out_.append(title).append(": ").append(std::to_string(list.size())).append("\n");
    TextTable table(has_colours_);
    for (std::size_t at = 0; at < std::min(list.size(), most_); ++at) add(table, list[at]);
    out_ += table.take_text();
    if (list.size() > most_)
      out_ += "  … and " + std::to_string(list.size() - most_) + " more (--all shows them)\n";
  }

 private:
  std::string& out_;
  std::size_t most_;
  bool has_colours_;
};

std::string side_text(std::string_view name, const Snapshot& table, bool has_colours) {
  std::string text = std::string(name) + "  " + table.source + ": " +
                     counted(table.route_count, "route") + ", " +
                     counted(table.pool_count, "pool") + ", hash " + table.hash;
  if (table.generation > 0) text += ", generation " + std::to_string(table.generation);
  if (table.quarantined > 0) text += ", " + std::to_string(table.quarantined) + " quarantined";
  return painted(text, Colour::kNone, has_colours) + "\n";
}

std::pair<std::vector<TableDiff::HostChange>, std::vector<TableDiff::HostChange>> moved_and_renamed(
    const TableDiff& diff) {
  std::pair<std::vector<TableDiff::HostChange>, std::vector<TableDiff::HostChange>> parts;
  for (const TableDiff::HostChange& change : diff.changed)
    (change.is_relabelled ? parts.second : parts.first).push_back(change);
  return parts;
}

void append_count(std::string& out, std::string_view sign, std::size_t count, std::string_view noun,
                  std::string_view what = {}) {
  if (count == 0) return;
  if (!out.empty()) out += ", ";
  out.append(sign).append(counted(count, noun)).append(what);
}

}  // namespace

std::string summary_of(const TableDiff& diff) {
  std::string out;
  auto [moved, renamed] = moved_and_renamed(diff);
  append_count(out, "+", diff.added.size(), "host");
  append_count(out, "-", diff.removed.size(), "host");
  append_count(out, "", moved.size(), "host", " moved");
  append_count(out, "", renamed.size(), "host", " relabelled");
  append_count(out, "+", diff.pools_added.size(), "pool");
  append_count(out, "-", diff.pools_removed.size(), "pool");
  append_count(out, "", diff.pools_changed.size(), "pool", " changed");
  return out.empty() ? "no difference" : out;
}

std::string diff_text(const Snapshot& before, const Snapshot& after, const TableDiff& diff,
                      std::size_t most, bool has_colours) {
  std::string out = side_text("A", before, has_colours) + side_text("B", after, has_colours) +
                    "from A to B: " + summary_of(diff) + "\n";
  auto [moved, renamed] = moved_and_renamed(diff);
  Part part(out, most, has_colours);
  part.show("hosts added", diff.added,
            [](TextTable& table, const HostRoutes& host) { add_host(table, kAdded, host); });
  part.show("hosts removed", diff.removed,
            [](TextTable& table, const HostRoutes& host) { add_host(table, kRemoved, host); });
  part.show("hosts moved", moved, add_change);
  part.show("hosts relabelled", renamed, add_change);
  part.show("pools added", diff.pools_added, [](TextTable& table, const PoolRow* pool) {
    add_line(table, kAdded, std::string(pool->name), backends_text(pool->backends));
  });
  part.show("pools removed", diff.pools_removed, [](TextTable& table, const PoolRow* pool) {
    add_line(table, kRemoved, std::string(pool->name), backends_text(pool->backends));
  });
  part.show("pools changed", diff.pools_changed, add_pool_change);
  std::vector<TableDiff::Unusable> left;
  for (const TableDiff::Unusable& host : diff.unusable)
    if (host.is_new) left.push_back(host);
  part.show("hosts left without a usable backend", left,
            [](TextTable& table, const TableDiff::Unusable& host) {
              add_line(table, {"  ! ", Colour::kBad}, std::string(host.host),
                       host.is_quarantined
                           ? "quarantined"
                           : "no backend of pool " + std::string(host.pool) + " is usable");
            });
  if (diff.unusable.size() > left.size())
    out += "without a usable backend in A as well: " +
           counted(diff.unusable.size() - left.size(), "host") + "\n";
  return out;
}

namespace {

Json side_json(const Snapshot& table) {
  return {{"source", table.source},
          {"generation", table.generation == 0 ? Json(nullptr) : Json(table.generation)},
          {"hash", table.hash},
          {"routes", table.route_count},
          {"pools", table.pool_count},
          {"quarantined", table.quarantined}};
}

Json routes_json(const HostRoutes& host) {
  Json list = Json::array();
  for (std::size_t at = 0; at < host.count; ++at) {
    Json route = route_json(host.first[at]);
    route.erase("host");
    list.push_back(std::move(route));
  }
  return list;
}

Json hosts_json(const std::vector<HostRoutes>& hosts) {
  Json list = Json::array();
  for (const HostRoutes& host : hosts)
    list.push_back({{"host", host.host}, {"routes", routes_json(host)}});
  return list;
}

Json changes_json(const std::vector<TableDiff::HostChange>& changes) {
  Json list = Json::array();
  for (const TableDiff::HostChange& change : changes)
    list.push_back({{"host", change.after.host},
                    {"before", routes_json(change.before)},
                    {"after", routes_json(change.after)}});
  return list;
}

Json backend_json(const BackendRow& backend) {
  return {{"address", backend.address}, {"weight", backend.weight}, {"backup", backend.is_backup}};
}

Json pools_json(const std::vector<const PoolRow*>& pools) {
  Json list = Json::array();
  for (const PoolRow* pool : pools) {
    Json settings = Json::object(), backends = Json::array();
    for (const auto& [key, value] : pool->settings) settings[std::string(key)] = value;
    for (const BackendRow& backend : pool->backends) backends.push_back(backend_json(backend));
    list.push_back({{"name", pool->name}, {"settings", settings}, {"backends", backends}});
  }
  return list;
}

Json pool_change_json(const TableDiff::PoolChange& change) {
  Json settings = Json::array(), changed = Json::array();
  for (const TableDiff::SettingChange& setting : change.settings)
    settings.push_back(
        {{"key", setting.key}, {"before", setting.before}, {"after", setting.after}});
  for (const auto& [left, right] : change.changed)
    changed.push_back({{"before", backend_json(*left)}, {"after", backend_json(*right)}});
  auto list_of = [](const std::vector<const BackendRow*>& backends) {
    Json list = Json::array();
    for (const BackendRow* backend : backends) list.push_back(backend_json(*backend));
    return list;
  };
  return {{"name", change.name},
          {"settings", settings},
          {"backends_added", list_of(change.added)},
          {"backends_removed", list_of(change.removed)},
          {"backends_changed", changed}};
}

}  // namespace

std::string diff_json(const Snapshot& before, const Snapshot& after, const TableDiff& diff) {
  auto [moved, renamed] = moved_and_renamed(diff);
  Json pools_changed = Json::array(), unusable = Json::array();
  for (const TableDiff::PoolChange& change : diff.pools_changed)
    pools_changed.push_back(pool_change_json(change));
  for (const TableDiff::Unusable& host : diff.unusable)
    unusable.push_back({{"host", host.host},
                        {"pool", host.pool.empty() ? Json(nullptr) : Json(host.pool)},
                        {"quarantined", host.is_quarantined},
                        {"new", host.is_new}});
  Json json = {{"same", diff.is_same()},
               {"summary", summary_of(diff)},
               {"a", side_json(before)},
               {"b", side_json(after)},
               {"hosts_added", hosts_json(diff.added)},
               {"hosts_removed", hosts_json(diff.removed)},
               {"hosts_moved", changes_json(moved)},
               {"hosts_relabelled", changes_json(renamed)},
               {"pools_added", pools_json(diff.pools_added)},
               {"pools_removed", pools_json(diff.pools_removed)},
               {"pools_changed", pools_changed},
               {"without_backend", unusable}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weir::cli
