#pragma once
// A pool's settings, to be changed: settings are shared, so it gets its own.
#include <memory>

#include "weir/backend/pool.h"

namespace weir::test {

inline backend::PoolSettings& own_settings(backend::PoolSpec& pool) {
  auto own = std::make_shared<backend::PoolSettings>(*pool.settings);
  pool.settings = own;
  return *own;
}

}  // namespace weir::test
