#pragma once
// WEIR_CHECK(condition): an invariant of weir itself. In every build; aborts with file, line and
// the condition. Never for what a peer, a file or an administrator can cause. Named with the prefix
// because doctest owns CHECK.
#include <cstdio>
#include <cstdlib>

namespace weir {
[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "weir: %s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}
}  // namespace weir

#define WEIR_CHECK(condition)                        \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::weir::check_failed(__FILE__, __LINE__, #condition))
