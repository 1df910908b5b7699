#include "weir/net/timer.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/net/scheduler.h"

namespace weir::net {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct VirtualClock final : Clock {
  TimePoint now() const override { return time; }
  WallTime wall() const override { return WallTime(time.time_since_epoch()); }
  TimePoint time{seconds(1000)};
};

// A timer that appends its name when it fires and then does something.
struct Named {
  Named(std::string& log, std::string text) : out(log), name(std::move(text)) {}
  void on_timeout() {
    out += name;
    if (then) then();
  }
  std::string& out;
  std::string name;
  std::function<void()> then;
  Timer timer{Timer::bind<&Named::on_timeout>(this)};
};

const TimePoint kStart{seconds(1000)};
constexpr std::size_t kAll = SIZE_MAX;

TEST_CASE("timers fire once, in the order of their deadlines") {
  Timers timers;
  std::string log;
  Named a(log, "a"), b(log, "b"), c(log, "c");
  timers.arm(a.timer, kStart, seconds(3));
  timers.arm(b.timer, kStart, seconds(1));
  timers.arm(c.timer, kStart + seconds(1), seconds(1));
  CHECK(timers.next_deadline() == kStart + seconds(1));
  timers.advance(kStart + milliseconds(999), kAll);
  CHECK(log.empty());
  timers.advance(kStart + seconds(10), kAll);
  CHECK(log == "bca");
  CHECK_FALSE(timers.next_deadline().has_value());
  timers.advance(kStart + seconds(20), kAll);
  CHECK(log == "bca");
}

TEST_CASE("durations are rounded up to a millisecond, never below zero") {
  Timers timers;
  std::string log;
  Named a(log, "a"), b(log, "b");
  timers.arm(a.timer, kStart, microseconds(1));
  CHECK(a.timer.deadline() == kStart + milliseconds(1));
  timers.arm(b.timer, kStart, -seconds(5));
  CHECK(b.timer.deadline() == kStart);
  timers.arm(a.timer, kStart, Duration::max());
  CHECK(a.timer.deadline() > kStart + std::chrono::hours(24 * 365));
}

TEST_CASE("cancelling and destroying are synchronous") {
  Timers timers;
  std::string log;
  Named a(log, "a");
  timers.arm(a.timer, kStart, seconds(1));
  CHECK(a.timer.is_armed());
  a.timer.cancel();
  CHECK_FALSE(a.timer.is_armed());
  {
    Named b(log, "b");
    timers.arm(b.timer, kStart, seconds(1));
  }
  timers.advance(kStart + seconds(2), kAll);
  CHECK(log.empty());
}

TEST_CASE("a callback may cancel, destroy and re-arm any timer, due ones too") {
  Timers timers;
  std::string log;
  Named a(log, "a"), b(log, "b");
  auto c = std::make_unique<Named>(log, "c");
  timers.arm(a.timer, kStart, seconds(1));
  timers.arm(b.timer, kStart, seconds(1));
  timers.arm(c->timer, kStart, seconds(1));
  a.then = [&] {
    b.timer.cancel();
    c.reset();
    timers.arm(a.timer, kStart + seconds(1), Duration::zero());
  };
  timers.advance(kStart + seconds(1), kAll);
  CHECK(log == "a");  // what a callback arms waits for the next advance
  a.then = nullptr;
  timers.advance(kStart + seconds(1), kAll);
  CHECK(log == "aa");
}

TEST_CASE("a callback may destroy its own timer") {
  Timers timers;
  std::string log;
  auto a = std::make_unique<Named>(log, "a");
  auto* raw = a.get();
  raw->then = [&] {
    auto owned = std::move(a);
    log += "!";
  };
  timers.arm(raw->timer, kStart, seconds(1));
  timers.advance(kStart + seconds(1), kAll);
  CHECK(log == "a!");
}

TEST_CASE("many distinct durations keep working") {
  Timers timers;
  std::string log;
  Named kept(log, "k"), moving(log, "m");
  timers.arm(kept.timer, kStart, seconds(100));
  for (int i = 1; i <= 500; ++i) timers.arm(moving.timer, kStart, milliseconds(i));
  timers.advance(kStart + milliseconds(499), kAll);
  CHECK(log.empty());
  timers.advance(kStart + seconds(100), kAll);
  CHECK(log == "mk");
}

TEST_CASE("of many due timers so many run at a time, in order") {
  Timers timers;
  std::string log;
  Named a(log, "a"), b(log, "b"), c(log, "c"), d(log, "d");
  timers.arm(a.timer, kStart, seconds(1));
  timers.arm(b.timer, kStart, seconds(2));
  timers.arm(c.timer, kStart + milliseconds(500), seconds(1));
  timers.arm(d.timer, kStart, seconds(3));
  a.then = [&] { timers.arm(a.timer, kStart + seconds(2), Duration::zero()); };
  timers.advance(kStart + seconds(2), 2);
  CHECK(log == "ac");
  CHECK(timers.next_deadline() == kStart + seconds(2));
  a.then = nullptr;
  timers.advance(kStart + seconds(2), 2);
  CHECK((log == "acba" || log == "acab"));
  timers.advance(kStart + seconds(2), 2);
  CHECK(log.size() == 4);
  CHECK(timers.next_deadline() == kStart + seconds(3));
}

TEST_CASE("the scheduler wakes for the earliest timer") {
  VirtualClock clock;
  Scheduler scheduler(clock);
  CHECK(scheduler.wake_at() == TimePoint::max());
  std::string log;
  Named a(log, "a"), b(log, "b"), c(log, "c");
  scheduler.arm(a.timer, seconds(5));
  CHECK(scheduler.wake_at() == clock.time + seconds(5));
  scheduler.arm(b.timer, seconds(6));
  CHECK(scheduler.wake_at() == clock.time + seconds(5));
  scheduler.arm(c.timer, seconds(4));
  CHECK(scheduler.wake_at() == clock.time + seconds(4));
  CHECK(scheduler.next_deadline() == clock.time + seconds(4));
  scheduler.set_now(clock.time + seconds(6));
  scheduler.run_timers();
  CHECK(log == "cab");
}

TEST_CASE("a turn runs as many due timers as it had events, and a few in any case") {
  VirtualClock clock;
  Scheduler scheduler(clock);
  std::size_t fired = 0;
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t i = 0; i < 1000; ++i) {
    timers.push_back(
        std::make_unique<Timer>([](void* count) { ++*static_cast<std::size_t*>(count); }, &fired));
    scheduler.arm(*timers.back(), seconds(1));
  }
  scheduler.set_now(clock.time + seconds(1));
  scheduler.run_timers();
  CHECK(fired == Scheduler::kTimersPerTurn);
  CHECK(scheduler.next_deadline() == scheduler.now());
  scheduler.run_timers(Scheduler::kTimersPerTurn - 1);
  CHECK(fired == 2 * Scheduler::kTimersPerTurn);
  scheduler.run_timers(200);
  CHECK(fired == 2 * Scheduler::kTimersPerTurn + 200);
}

// Counts its death and may retire another then.
struct Mortal {
  Mortal(int& deaths, Scheduler& on) : count(deaths), scheduler(on) {}
  ~Mortal() {
    ++count;
    scheduler.retire(std::move(heir));
  }
  int& count;
  Scheduler& scheduler;
  std::unique_ptr<Mortal> heir;
};

TEST_CASE("retired objects die when drained, and those that they retire with them") {
  VirtualClock clock;
  int deaths = 0;
  {
    Scheduler scheduler(clock);
    auto parent = std::make_unique<Mortal>(deaths, scheduler);
    parent->heir = std::make_unique<Mortal>(deaths, scheduler);
    scheduler.retire(std::move(parent));
    CHECK(deaths == 0);
    scheduler.drain_retired();
    CHECK(deaths == 2);
    scheduler.retire(std::make_unique<Mortal>(deaths, scheduler));
  }
  CHECK(deaths == 3);
}

}  // namespace
}  // namespace weir::net
