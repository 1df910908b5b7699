// What of a pool is set otherwise than by default, in the notation of files.
#include "sections.h"
#include "weir/config/load.h"

namespace weir::config {
namespace {

std::vector<Shown> shown(const PoolConfig& pool) {
  std::vector<Shown> all;
  show_keys<PoolConfig>("", kPoolKeys, pool, all);
  std::erase_if(all, [](const Shown& one) { return one.use != Use::kSetting; });
  return all;
}

}  // namespace

std::vector<Setting> pool_settings(const PoolConfig& pool) {
  static const std::vector<Shown> usual = shown(PoolConfig());
  std::vector<Shown> now = shown(pool);
  std::vector<Setting> settings;
  for (std::size_t at = 0; at < now.size(); ++at)
    if (now[at].value != usual[at].value) settings.push_back({now[at].key, now[at].value});
  return settings;
}

std::string default_of_setting(std::string_view key) {
  for (const Shown& one : shown(PoolConfig()))
    if (one.key == key) return one.value;
  return {};
}

}  // namespace weir::config
