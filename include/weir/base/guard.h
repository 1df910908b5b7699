#pragma once
// Guards of the proxy core that the mutation check of tests/sim removes one by one, to prove that
// the simulation would notice. In weir itself `guard(...)` is its condition and costs nothing; only
// the simulation's build (WEIR_MUTATIONS) can switch one off.
#include <string_view>

namespace weir {

enum class Guard : unsigned char {
  kNone,
#define GUARD(name, meaning) name,
#include "weir/base/guard.def"
#undef GUARD
};

#ifdef WEIR_MUTATIONS
inline Guard removed_guard = Guard::kNone;  // set by the mutation check, one run at a time
inline bool guard(Guard which, bool condition) { return condition && which != removed_guard; }
#else
constexpr bool guard(Guard, bool condition) { return condition; }
#endif

}  // namespace weir
