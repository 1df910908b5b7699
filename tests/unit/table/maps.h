#pragma once
// A folder of maps and a configuration that names them, for tests of the builder.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "weir/table/build.h"

namespace weir::test {

using table::Builder;

class Maps {
 public:
  Maps() : folder_("/tmp/weir-maps-" + std::to_string(getpid()) + "-" + std::to_string(count_++)) {
    std::filesystem::create_directory(folder_);
    for (const char* name : {"web", "api"}) add_pool(name);
    config.main_file = "weir.toml";
  }
  ~Maps() { std::filesystem::remove_all(folder_); }

  void add_pool(const std::string& name) {
    config::PoolConfig pool;
    pool.name = name;
    pool.backends.push_back({*Endpoint::parse("127.0.0.1:" + std::to_string(++port_)), {}});
    config.pools.push_back(pool);
  }
  void add_route(const std::string& host, const std::string& pool) {
    config::RouteConfig route;
    route.hosts = {host};
    route.pool = pool;
    route.place = {"weir.toml", static_cast<unsigned>(config.route_entries.size() + 1), 1};
    config.route_entries.push_back(route);
  }
  std::string store() const { return folder_ + "/store"; }
  std::string path(const std::string& name) const { return folder_ + "/" + name + ".map"; }
  // Written anew, as an editor does that renames.
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/new", std::ios::binary) << text;
    std::filesystem::rename(folder_ + "/new", path(name));
    names_.insert(name);
  }
  void remove(const std::string& name) {
    std::filesystem::remove(path(name));
    names_.erase(name);
  }
  Builder::Built build(Builder& by, Builder::Force force = Builder::Force::kNo) {
    config.maps.clear();
    for (const std::string& name : names_) config.maps.push_back(path(name));
    return by.build(config, {}, force);
  }
  Builder::Built build() { return build(builder); }
  Builder::Built build_forced() { return build(builder, Builder::Force::kYes); }
  // The quarantine, without the folder.
  std::string told(const table::Tables& tables) const {
    std::string told;
    for (const auto& entry : tables.quarantine.listed) {
      std::string text = entry.place.text() + ": " + entry.reason;
      for (std::size_t at; (at = text.find(folder_ + "/")) != std::string::npos;)
        text.erase(at, folder_.size() + 1);
      told += text + (entry.is_served == true ? " (served)" : "") + "\n";
    }
    return told;
  }

  config::Config config;
  Builder builder{1, 42};

 private:
  static inline int count_ = 0;
  std::string folder_;
  std::set<std::string> names_;
  int port_ = 9000;
};

// Where a host leads.
inline std::string routed(const table::Tables& tables, std::string_view host,
                   std::string_view path = "/") {
  std::string scratch;
  auto match = tables.routes->find(host, path, http::Scheme::kHttp, scratch);
  if (match.outcome != route::Outcome::kMatched) return "none";
  const route::Route& route = **match.route;
  if (route.action == route::Route::Action::kQuarantined) return "503";
  return tables.pools->find(route.pool)->name.str();
}

// Everything that a table says, in a form that can be compared.
inline std::string contents(const table::Tables& tables) {
  std::map<std::string, std::string> all;
  route::RouteTable::Cursor cursor = 0;
  for (const auto& item : tables.routes->list(cursor, 1'000'000)) {
    bool is_good = item.route->action == route::Route::Action::kPool;
    all[item.host + item.path] = is_good ? tables.pools->find(item.route->pool)->name.str() : "503";
  }
  std::string text;
  for (const auto& [key, target] : all) text.append(key).append(" ").append(target).append("\n");
  return text;
}

}  // namespace weir::test
