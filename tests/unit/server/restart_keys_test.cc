#include "src/server/restart_keys.h"

#include <doctest/doctest.h>

using weir::config::Config;
using weir::server::keys_for_restart;

TEST_CASE("what a reload cannot apply is named with both values") {
  Config now;
  CHECK(keys_for_restart(now, now).empty());
  Config next;
  next.server.workers = 4;
  next.server.user = "weir";
  next.server.state_dir = "/var/lib/weir";
  next.server.name = "other";  // a reload applies it, and all of these
  next.server.max_connections = 10;
  next.listeners.emplace_back().name = "extra";
  next.admin.bind = {{*weir::Endpoint::parse("127.0.0.1:8043"), false, ":8043"}};
  CHECK(keys_for_restart(now, next) ==
        std::vector<weir::admin::RestartKey>{{"[server] workers", "was 0, is 4"},
                                             {"[server] user", "was \"\", is \"weir\""},
                                             {"[server] state_dir",
                                              "was \"\", is \"/var/lib/weir\""}});
}
