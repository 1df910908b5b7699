#pragma once
// How a health check is written: false, or { path = "/up", … }, or { tcp = true, … }.
#include <memory>
#include <string>

#include "keys.h"
#include "weir/config/config.h"

namespace weir::config {

// Null: false. Given as a whole: nothing of pool_defaults' check is mixed in.
struct Health {
  using Value = std::shared_ptr<const HealthConfig>;
  static bool read(Scope& scope, const Node& node, Value& out);
  static std::string show(const Value& value);
};

}  // namespace weir::config
