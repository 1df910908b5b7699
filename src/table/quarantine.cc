#include "weir/table/build.h"

namespace weir::table {

void Quarantine::add(Quarantined entry) {
  ++counts[static_cast<std::size_t>(entry.kind)];
  if (listed.size() < kMaxListed) listed.push_back(std::move(entry));
}

}  // namespace weir::table
