// What the commands of a running weir do with files instead.
#include "commands.h"
#include "explain.h"
#include "weir/config/load.h"

namespace weir::server {
namespace {

// A file as run would serve it.
struct Read {
  table::Builder builder{1, 0};
  table::Builder::Built built;
};

Result<std::unique_ptr<Read>> read_file(const std::string& file) {
  auto read = std::make_unique<Read>();
  config::Loaded loaded = config::load_file(file);
  std::string lines;
  for (const config::Diagnostic& error : table::all_errors(loaded, read->builder, read->built))
    lines.append(lines.empty() ? "" : "\n").append(error.text());
  if (!lines.empty()) return Err{Error{lines}};
  return read;
}

void add_routes(const table::Tables& tables, cli::Snapshot& snapshot) {
  auto items = std::make_shared<std::vector<route::RouteTable::Item>>();
  route::RouteTable::Cursor cursor = 0;
  *items = tables.routes->list(cursor, tables.routes->routes() + 1);
  snapshot.routes.reserve(items->size());
  for (const route::RouteTable::Item& item : *items) {
    bool is_good = item.route->action == route::Route::Action::kPool;
    const backend::PoolSpec* pool =
        is_good ? tables.pools->all()[item.route->pool].get() : nullptr;
    snapshot.routes.push_back({item.host, item.path,
                               item.scheme ? http::name_of(*item.scheme) : std::string_view(),
                               item.route->label, pool ? std::string_view(pool->name) : "",
                               !is_good, false});
  }
  snapshot.storage.push_back(std::move(items));
}

void add_pools(const table::Tables& tables, cli::Snapshot& snapshot) {
  for (const std::shared_ptr<const backend::PoolSpec>& pool : tables.pools->all()) {
    if (pool == nullptr) continue;
    cli::PoolRow& row = snapshot.pools.emplace_back();
    row.name = pool->name;
    row.usable = pool->backends.size();
    for (config::Setting& setting : table::pool_settings(*pool)) {
      std::string_view key = snapshot.texts.emplace_back(std::move(setting.key));
      row.settings.emplace_back(key, snapshot.texts.emplace_back(std::move(setting.value)));
    }
    for (std::size_t index = 0; index < pool->backends.size(); ++index) {
      backend::BackendTraits traits = pool->traits_of(index);
      std::string_view address = snapshot.texts.emplace_back(pool->backends[index]->address());
      row.backends.push_back({address, traits.weight, traits.is_backup});
    }
  }
}

cli::Snapshot snapshot_of(const std::string& file, std::shared_ptr<const table::Tables> tables) {
  cli::Snapshot snapshot;
  snapshot.source = file;
  snapshot.hash = admin::hash_text(tables->hash);
  snapshot.quarantined = tables->quarantine.size();
  snapshot.route_count = tables->routes->routes();
  snapshot.pool_count = tables->pools->size();
  add_routes(*tables, snapshot);
  add_pools(*tables, snapshot);
  snapshot.storage.push_back(std::move(tables));
  return snapshot;
}

class CommandFiles final : public cli::Files {
 public:
  Result<std::string> explain(const std::string& file, const std::string& url,
                              const std::string& method) override {
    Result<std::unique_ptr<Read>> config = read_file(file);
    if (!config.ok()) return Err{config.error()};
    const table::Tables& tables = *(*config)->built.tables;
    Result<admin::ExplainView, admin::Refusal> view =
        explain_route(tables, (*config)->builder, {url, method});
    if (!view.ok()) return Err{Error{"weir: explain: " + view.error().message}};
    explain_pool(tables, nullptr, *view);
    return admin::explain_json(*view);
  }

  Result<cli::Snapshot> read(const std::string& file) override {
    Result<std::unique_ptr<Read>> config = read_file(file);
    if (!config.ok()) return Err{config.error()};
    return snapshot_of(file, (*config)->built.tables);
  }
};

}  // namespace

cli::Files& command_files() {
  static CommandFiles files;
  return files;
}

}  // namespace weir::server
