#include "restart_keys.h"

namespace weir::server {

namespace {

std::string text_of(unsigned value) { return std::to_string(value); }
std::string text_of(const std::string& value) { return "\"" + value + "\""; }

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

}  // namespace

std::vector<admin::RestartKey> keys_for_restart(const config::Config& now,
                                                const config::Config& next) {
  Changes changes;
  changes.compare("[server] workers", now.server.workers, next.server.workers);
  changes.compare("[server] user", now.server.user, next.server.user);
  changes.compare("[server] state_dir", now.server.state_dir, next.server.state_dir);
  return changes.take();
}

}  // namespace weir::server
