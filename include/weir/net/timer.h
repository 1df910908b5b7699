#pragma once
// Timers of one loop: intrusive entries in one FIFO per distinct duration, so arming and cancelling
// are O(1), synchronous and free of allocation. The owner of a Timers (Loop, or the simulation)
// advances it; nothing here looks at a clock. One thread.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "weir/base/intrusive_list.h"
#include "weir/base/time.h"

namespace weir::net {

class Timers;

// One timer. Its owner embeds it; destroying it cancels it. Fires at most once per arm().
class Timer : public ListNode<Timer> {
 public:
  using Callback = void (*)(void* context);
  Timer(Callback callback, void* context) : callback_(callback), context_(context) {}
  ~Timer() { cancel(); }
  void cancel() { unlink(); }
  bool is_armed() const { return is_linked(); }
  // Meaningful while armed.
  TimePoint deadline() const { return deadline_; }

  // Binds a member function: Timer timer{Timer::bind<&Exchange::on_timeout>(this)};
  template <auto Method, typename T>
  static Timer bind(T* self) {
    return Timer([](void* context) { (static_cast<T*>(context)->*Method)(); }, self);
  }

 private:
  friend class Timers;
  Callback callback_;
  void* context_;
  TimePoint deadline_{};
};

class Timers {
 public:
  Timers() = default;
  // Every timer must be cancelled or gone by now.
  ~Timers();

  // (Re-)arms: the callback runs once in the first advance() at or after now + after. `after` is
  // rounded up to a whole millisecond; a few dozen distinct durations are expected, not thousands.
  void arm(Timer& timer, TimePoint now, Duration after);
  // Runs what is due, in order of deadlines, `most` timers of it; the rest stays due for the next
  // advance(). Callbacks may arm, cancel and destroy any timer. What they arm waits for the next
  // advance(), even when it is due at once.
  void advance(TimePoint now, std::size_t most);
  // The earliest deadline, if any timer is armed.
  std::optional<TimePoint> next_deadline() const;

 private:
  using Fifo = IntrusiveList<Timer>;  // earliest deadline first
  struct Bucket {
    Duration duration;
    std::unique_ptr<Fifo> timers;
  };
  Fifo& fifo_for(Duration duration);
  Fifo* earliest() const;
  void drop_empty();
  std::vector<Bucket> buckets_;
};

}  // namespace weir::net
