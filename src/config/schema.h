#pragma once
// All sections with their keys and defaults: for suggestions across sections, and for the test that
// compares them with conf/weir.toml.
#include <string>
#include <string_view>
#include <vector>

#include "keys.h"

namespace weir::config {

struct SchemaSection {
  std::string_view name;    // "pool"
  std::string_view title;   // "[pool.NAME]"
  std::vector<Shown> keys;  // with their defaults
};

// In the order of CONTRACT §2.
const std::vector<SchemaSection>& schema();

}  // namespace weir::config
