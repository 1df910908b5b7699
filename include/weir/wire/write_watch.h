#pragma once
// Whether a peer that should read does. The kernel reports room only when a third of its buffer has
// become free, for which a slow reader may need longer than the limit; what it acknowledges moves
// with every step. So that is looked at when half of the limit is over, and at its end: a peer is
// stuck when nothing moved in between. A plain value; the owner arms the timer and looks.
#include <algorithm>
#include <cstdint>
#include <optional>

#include "weir/base/time.h"

namespace weir::wire {

class WriteWatch {
 public:
  // Bytes begin to wait, or the kernel took some. When to look.
  Duration begin(TimePoint now, Duration limit) {
    until_ = now + limit;
    has_looked_ = false;
    return limit / 2;
  }
  // `acknowledged`: of the stream, nullopt where nobody knows. When to look again; nullopt: the
  // peer is stuck.
  std::optional<Duration> look(TimePoint now, Duration limit,
                               std::optional<std::uint64_t> acknowledged) {
    std::uint64_t before = acknowledged_;
    acknowledged_ = acknowledged.value_or(0);
    if (has_looked_ && acknowledged_ > before) until_ = now + limit;
    has_looked_ = true;
    if (now >= until_) return std::nullopt;
    return std::min<Duration>(until_ - now, limit / 2);
  }

 private:
  TimePoint until_{};
  std::uint64_t acknowledged_ = 0;
  bool has_looked_ = false;
};

}  // namespace weir::wire
