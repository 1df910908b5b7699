#pragma once
// One configuration with the table that was built of it.
#include "control.h"

namespace weir::server {

struct Control::Version {
  WallTime read_began{};
  config::Loaded loaded;
  std::vector<config::Diagnostic> errors;  // why it cannot be served
  SocketPlan sockets;
  table::Builder::Built built;
  std::size_t pool_count = 0;  // that files define
  std::vector<std::string> watched;  // files that no watched glob matches
  std::shared_ptr<const proxy::Settings> settings;
  std::shared_ptr<observe::AccessLog>
      access_log;                 // versions that write alike share one; may be null
  bool has_new_settings = false;  // beside the table, compared with the version before
  std::uint64_t removed_in_flight = 0;  // requests at backends that it removed, when it did

  WorkerVersion for_workers() const { return {settings, built.tables, access_log.get()}; }

  // At start, or on the builder thread: first one, then the other.
  void read(const std::function<config::Loaded()>& loader) {
    read_began = SystemClock().wall();
    loaded = loader();
    watched = net::FileWatcher::without_matches(loaded.files, loaded.globs);
  }
  void build(table::Builder& builder, Force force) {
    errors = table::all_errors(loaded, builder, built, force);
    if (!loaded.config.has_value()) return;
    // They are the table's now, and many.
    pool_count = loaded.config->pools.size();
    loaded.config->pools = {};
    loaded.config->route_entries = {};
  }
};

}  // namespace weir::server
