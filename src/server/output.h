#pragma once
// What commands print to stdout counts only when it arrives.
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace weir::server {

// Flushes stdout. `code`, or 1 with a message when it could not be written (a full disk).
inline int finish_output(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  std::fprintf(stderr, "weir: cannot write to stdout: %s\n", strerrordesc_np(errno));
  return 1;
}

}  // namespace weir::server
