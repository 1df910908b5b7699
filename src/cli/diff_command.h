#pragma once
// weir diff A B.
#include "arguments.h"

namespace weir::cli {

// Prints the differences. Returns the exit code: 0 the same, 1 different, 2 one of them cannot be
// read.
int diff_command(const Arguments& arguments, const Environment& environment);

}  // namespace weir::cli
