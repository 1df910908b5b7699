#pragma once
// What the kernel says about this process, read anew by each call. Empty where it does not say.
#include <optional>

namespace weir::observe {

struct ProcessStats {
  std::optional<double> cpu_seconds;
  std::optional<double> resident_bytes;
  std::optional<double> open_descriptors;
  std::optional<double> max_descriptors;
  std::optional<double> start_seconds;  // since 1970 UTC
};

ProcessStats read_process_stats();

}  // namespace weir::observe
