#pragma once
// Runs seeds. One at a time; a failure or an abort explains itself on stderr.
#include <cstdint>
#include <string>

namespace weir::sim {

struct RunOptions {
  bool prints_trace = false;
  bool explains = true;  // failures, on stderr
};

// An empty string: every invariant held. Otherwise what broke first.
std::string run_seed(std::uint64_t seed, const RunOptions& options);

// Removes each guard in turn and runs up to `seeds` seeds from `first` on, until one notices.
// Returns the exit code.
int check_mutations(std::uint64_t first, std::uint64_t seeds);

}  // namespace weir::sim
