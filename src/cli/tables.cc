#include "tables.h"

#include "json_reader.h"

namespace weir::cli {
namespace {

// What a page may have at most (src/admin/pages.cc).
constexpr std::string_view kRoutesPerPage = "10000";
constexpr std::string_view kPoolsPerPage = "2000";
constexpr int kReadings = 5;

bool has_changed(const Problem& problem) { return problem.code == "table_changed"; }

Problem table_changed() {
  return {"table_changed", "weir: the table changes faster than it can be read: try again"};
}

void read_route(JsonReader& in, RouteRow& row) {
  std::string_view key;
  for (in.open('{'); in.next_key(key);) {
    if (key == "host")
      row.host = in.text();
    else if (key == "path")
      row.path = in.text();
    else if (key == "scheme")
      row.scheme = in.text();
    else if (key == "route")
      row.route = in.text();
    else if (key == "pool")
      row.pool = in.text();
    else if (key == "quarantined")
      row.is_quarantined = in.boolean();
    else if (key == "stale")
      row.is_stale = in.boolean();
    else
      in.skip();
  }
}

void read_backend(JsonReader& in, BackendRow& row) {
  std::string_view key;
  for (in.open('{'); in.next_key(key);) {
    if (key == "address")
      row.address = in.text();
    else if (key == "weight")
      row.weight = in.number();
    else if (key == "backup")
      row.is_backup = in.boolean();
    else
      in.skip();
  }
}

void read_pool(JsonReader& in, PoolRow& row) {
  std::string_view key;
  for (in.open('{'); in.next_key(key);) {
    if (key == "name") {
      row.name = in.text();
    } else if (key == "usable") {
      row.usable = static_cast<std::size_t>(in.number());
    } else if (key == "settings") {
      std::string_view setting;
      for (in.open('{'); in.next_key(setting);) row.settings.emplace_back(setting, in.text());
    } else if (key == "backends") {
      for (in.open('['); in.next_item();) read_backend(in, row.backends.emplace_back());
    } else {
      in.skip();
    }
  }
}

// One page: its rows go to `rows`. The cursor of the next one, "" at the end.
template <typename Row>
Result<std::string, Problem> read_page(Session& session, const std::string& path,
                                       std::string_view list, void (*read)(JsonReader&, Row&),
                                       Snapshot& table, std::vector<Row>& rows) {
  Result<std::string, Problem> text = session.get_text(path);
  if (!text.ok()) return Err{text.error()};
  auto page = std::make_shared<const std::string>(std::move(*text));
  table.storage.push_back(page);
  JsonReader in(*page, table.texts);
  std::string_view key, cursor;
  std::uint64_t generation = 0;
  for (in.open('{'); in.next_key(key);) {
    if (key == "generation")
      generation = in.number();
    else if (key == "next_cursor")
      cursor = in.text();
    else if (key == list)
      for (in.open('['); in.next_item();) read(in, rows.emplace_back());
    else
      in.skip();
  }
  if (in.has_failed() || generation == 0) return Err{session.not_weir("an answer without table")};
  if (table.generation == 0) table.generation = generation;
  if (table.generation != generation) return Err{table_changed()};
  return std::string(cursor);
}

template <typename Row>
Result<Ok, Problem> read_pages(Session& session, const std::string& path, std::string_view list,
                               void (*read)(JsonReader&, Row&), Snapshot& table,
                               std::vector<Row>& rows) {
  std::string cursor;
  do {
    Result<std::string, Problem> next =
        read_page(session, path + (cursor.empty() ? "" : "&cursor=" + cursor), list, read, table,
                  rows);
    if (!next.ok()) return Err{next.error()};
    cursor = std::move(*next);
  } while (!cursor.empty());
  return Ok{};
}

Result<Ok, Problem> read_all_routes(Session& session, const std::string& parameters,
                                    Snapshot& table) {
  return read_pages<RouteRow>(
      session, "/api/routes?limit=" + std::string(kRoutesPerPage) + parameters, "routes", read_route,
      table, table.routes);
}

// Reads with `read` until no page is of another generation than the others.
template <typename Read>
Result<Ok, Problem> read_until_whole(Snapshot& table, Read read) {
  for (int reading = 1;; ++reading) {
    Snapshot whole;
    whole.source = table.source;
    Result<Ok, Problem> done = read(whole);
    if (done.ok()) table = std::move(whole);
    if (done.ok() || !has_changed(done.error()) || reading == kReadings) return done;
  }
}

}  // namespace

Result<Ok, Problem> read_routes(Session& session, const std::string& parameters, Snapshot& table) {
  return read_until_whole(
      table, [&](Snapshot& whole) { return read_all_routes(session, parameters, whole); });
}

Result<Ok, Problem> read_head(Session& session, Snapshot& table) {
  Result<Answer, Problem> status = session.get("/api/status", "hash");
  if (!status.ok()) return Err{status.error()};
  table.generation = number_at(status->json, "generation");
  table.hash = text_at(status->json, "hash");
  table.route_count = static_cast<std::size_t>(number_at(status->json, "routes"));
  table.pool_count = static_cast<std::size_t>(number_at(status->json, "pools"));
  table.quarantined =
      static_cast<std::size_t>(number_at(at(status->json, "quarantine"), "total"));
  return Ok{};
}

Result<Ok, Problem> read_table(Session& session, Snapshot& table) {
  return read_until_whole(table, [&](Snapshot& whole) -> Result<Ok, Problem> {
    Result<Ok, Problem> head = read_head(session, whole);
    if (!head.ok()) return head;
    Result<Ok, Problem> routes = read_all_routes(session, "", whole);
    if (!routes.ok()) return routes;
    return read_pages<PoolRow>(
        session, "/api/pools?settings=1&limit=" + std::string(kPoolsPerPage), "pools", read_pool,
        whole, whole.pools);
  });
}

}  // namespace weir::cli
