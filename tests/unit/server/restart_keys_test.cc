#include "src/server/restart_keys.h"

#include <doctest/doctest.h>

using weir::config::Config;
using weir::server::keys_for_restart;

namespace {

weir::config::BindAddress bind(const std::string& text) {
  return {*weir::Endpoint::parse("127.0.0.1" + text), false, text};
}

weir::config::ListenerConfig listener(const std::string& name, const std::string& port) {
  weir::config::ListenerConfig listener;
  listener.name = name;
  listener.bind = {bind(port)};
  return listener;
}

Config sample() {
  Config config;
  config.listeners.push_back(listener("public", ":80"));
  config.admin.bind = {bind(":8042")};
  return config;
}

}  // namespace

TEST_CASE("what a reload cannot apply is named with both values") {
  Config now = sample();
  CHECK(keys_for_restart(now, now).empty());
  Config next = sample();
  next.server.workers = 4;
  next.server.name = "other";  // a reload applies it
  next.listeners[0].bind.push_back(bind(":81"));
  next.listeners.push_back(listener("extra", ":82"));
  next.admin.bind = {bind(":8043")};
  CHECK(keys_for_restart(now, next) ==
        std::vector<weir::admin::RestartKey>{{"[server] workers", "was 0, is 4"},
                                             {"[listener.public] bind", "was :80, is :80, :81"},
                                             {"[listener.extra]", "is new, bind = :82"},
                                             {"[admin] bind", "was :8042, is :8043"}});
  CHECK(keys_for_restart(next, now)[2] ==
        weir::admin::RestartKey{"[listener.extra]", "is gone, and listens on"});
}
