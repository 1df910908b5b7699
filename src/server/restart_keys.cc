#include "restart_keys.h"

#include <algorithm>

namespace weir::server {

namespace {

std::string text_of(unsigned value) { return std::to_string(value); }
std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(const std::string& value) { return "\"" + value + "\""; }
std::string text_of(const std::vector<config::BindAddress>& addresses) {
  std::string out;
  for (const config::BindAddress& address : addresses)
    out.append(out.empty() ? "" : ", ").append(address.text);
  return out;
}

class Changes {
 public:
  template <typename T>
  void compare(const std::string& key, const T& now, const T& next) {
    if (now != next) add(key, "was " + text_of(now) + ", is " + text_of(next));
  }
  void add(std::string key, std::string change) {
    all_.push_back({std::move(key), std::move(change)});
  }
  std::vector<admin::RestartKey> take() { return std::move(all_); }

 private:
  std::vector<admin::RestartKey> all_;
};

const config::ListenerConfig* find(const config::Config& config, const std::string& name) {
  auto at = std::find_if(config.listeners.begin(), config.listeners.end(),
                         [&](const auto& listener) { return listener.name == name; });
  return at == config.listeners.end() ? nullptr : &*at;
}

}  // namespace

std::vector<admin::RestartKey> keys_for_restart(const config::Config& now,
                                                const config::Config& next) {
  Changes changes;
  changes.compare("[server] workers", now.server.workers, next.server.workers);
  changes.compare("[server] max_connections", now.server.max_connections,
                  next.server.max_connections);
  changes.compare("[server] user", now.server.user, next.server.user);
  for (const config::ListenerConfig& listener : now.listeners) {
    std::string title = "[listener." + listener.name + "]";
    const config::ListenerConfig* other = find(next, listener.name);
    if (other == nullptr) {
      changes.add(title, "is gone, and listens on");
      continue;
    }
    changes.compare(title + " bind", listener.bind, other->bind);
    changes.compare(title + " defer_accept", listener.defer_accept, other->defer_accept);
  }
  for (const config::ListenerConfig& listener : next.listeners)
    if (find(now, listener.name) == nullptr)
      changes.add("[listener." + listener.name + "]", "is new, bind = " + text_of(listener.bind));
  changes.compare("[admin] bind", now.admin.bind, next.admin.bind);
  changes.compare("[metrics] bind", now.metrics.bind, next.metrics.bind);
  return changes.take();
}

}  // namespace weir::server
