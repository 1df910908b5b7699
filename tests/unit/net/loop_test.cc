#include "weir/net/loop.h"

#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "tests/unit/net/net_fixture.h"

namespace weir::net {
namespace {

using std::chrono::milliseconds;

TEST_CASE("tasks run on the loop, in order, from any thread") {
  TestLoop loop;
  std::vector<int> order;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      loop.post([&order, i] { order.push_back(i); });
    }
    loop.post([&loop] { loop.stop(); });
  });
  loop.run();
  other.join();
  REQUIRE(order.size() == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("tasks behind a stop wait for the next run, and own what they need") {
  TestLoop loop;
  auto value = std::make_unique<int>(7);
  int seen = 0;
  loop.post([&] { loop.stop(); });
  loop.post([&seen, value = std::move(value)] { seen = *value; });
  loop.run();
  CHECK(seen == 0);
  loop.post([&] { loop.stop(); });
  loop.run();
  CHECK(seen == 7);
}

TEST_CASE("a task may post another") {
  TestLoop loop;
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth < 5) return loop.post(again);
    loop.stop();
  };
  loop.post(again);
  loop.run();
  CHECK(depth == 5);
}

TEST_CASE("stop from another thread ends a run that waits") {
  TestLoop loop;
  std::thread other([&] { loop.stop(); });
  loop.run();
  other.join();
}

TEST_CASE("tasks still queued are destroyed unrun, with what they post") {
  auto held = std::make_shared<int>(1);
  bool did_run = false;
  {
    TestLoop loop;
    auto poster = std::shared_ptr<int>(new int(2), [&loop, held](int* number) {
      delete number;
      loop.post([held] {});
    });
    loop.post([&did_run, poster = std::move(poster)] { did_run = true; });
  }
  CHECK_FALSE(did_run);
  CHECK(held.use_count() == 1);
}

TEST_CASE("retired objects die at the end of the event") {
  TestLoop loop;
  auto alive = std::make_shared<int>(1);
  long after_retire = 0, in_next_task = 0;
  loop.post([&] {
    loop.scheduler().retire(std::make_unique<std::shared_ptr<int>>(alive));
    after_retire = alive.use_count();
  });
  loop.post([&] {
    in_next_task = alive.use_count();
    loop.stop();
  });
  loop.run();
  CHECK(after_retire == 2);
  CHECK(in_next_task == 1);
}

TEST_CASE("timers of the loop fire at their time, and the turn's time is fresh after a wait") {
  TestLoop loop;
  TimePoint start = TestLoop::clock().now();
  TimePoint seen{};
  struct Context {
    TestLoop& loop;
    TimePoint& seen;
  } context{loop, seen};
  Timer timer(
      [](void* raw) {
        auto* to = static_cast<Context*>(raw);
        to->seen = to->loop.scheduler().now();
        to->loop.stop();
      },
      &context);
  loop.scheduler().arm(timer, milliseconds(20));
  loop.run();
  CHECK(seen - start >= milliseconds(20));
  CHECK(seen - start < milliseconds(200));
}

TEST_CASE("thousands of timers due at once do not keep a socket waiting") {
  Pair pair;
  TestLoop& loop = pair.loop;
  struct Count {
    static void add(void* count) { ++*static_cast<std::size_t*>(count); }
  };
  constexpr std::size_t kDue = 2001;
  std::size_t fired = 0;
  std::size_t fired_before_read = 0;
  pair.recorder.hook = [&] { fired_before_read = fired; };
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t i = 0; i < kDue; ++i) {
    timers.push_back(std::make_unique<Timer>(Count::add, &fired));
    loop.scheduler().arm(*timers.back(), Duration::zero());
  }
  std::uint64_t turns_before = loop.impl().turns;
  loop.turn();
  CHECK(fired == Scheduler::kTimersPerTurn);
  pair.peer.send("x");
  CHECK(loop.run_until([&] { return fired == kDue; }));
  CHECK(pair.recorder.received == "x");
  CHECK(fired_before_read == Scheduler::kTimersPerTurn);
  CHECK(loop.impl().turns - turns_before == kDue / Scheduler::kTimersPerTurn + 1);
}

TEST_CASE("background work runs in order elsewhere, its second half here") {
  TestLoop loop;
  std::string order;
  std::thread::id here = std::this_thread::get_id();
  bool was_elsewhere = false;
  int niceness = 0;
  loop.run_in_background(
      [&] {
        was_elsewhere = std::this_thread::get_id() != here;
        niceness = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
      },
      [&] { order += "a"; });
  loop.run_in_background([] {}, nullptr);
  loop.run_in_background([] {}, [&] { order += "b"; });
  CHECK(loop.run_until([&] { return order == "ab"; }));
  CHECK(was_elsewhere);
  CHECK(niceness == 19);
  CHECK(getpriority(PRIO_PROCESS, 0) != 19);
}

TEST_CASE("a loop waits for the running background work and drops the rest") {
  std::atomic<int> finished = 0;
  bool did_report = false;
  {
    TestLoop loop;
    std::atomic<bool> has_begun = false;
    loop.run_in_background(
        [&] {
          has_begun = true;
          has_begun.notify_one();
          ++finished;
        },
        [&] { did_report = true; });
    has_begun.wait(false);
  }
  CHECK(finished == 1);
  CHECK_FALSE(did_report);
}

TEST_CASE("ended background work is over: what runs is waited for, the rest is dropped") {
  TestLoop loop;
  CHECK(loop.prepare_background());
  CHECK(loop.prepare_background());
  auto used = std::make_shared<std::string>();
  std::atomic<int> begun = 0;
  std::atomic<bool> may_end = false;
  int done = 0;
  loop.run_in_background([&] { ++begun; }, [&done, used] { ++done; });
  loop.run_in_background(
      [&, used] {
        ++begun;
        begun.notify_one();
        may_end.wait(false);
        *used += "works";
      },
      [&done, used] { ++done; });
  loop.run_in_background([&begun, used] { ++begun; }, [&done, used] { ++done; });
  while (begun < 2) begun.wait(begun);
  std::thread other([&] {
    may_end = true;
    may_end.notify_one();
  });
  loop.end_background();
  CHECK(*used == "works");
  CHECK(used.use_count() == 1);  // the first's second half is gone too, although its turn was next
  other.join();
  loop.run_in_background([&] { ++begun; }, [&] { ++done; });
  loop.end_background();
  CHECK_FALSE(loop.prepare_background());
  loop.turns_in(milliseconds(10));
  CHECK(begun == 2);
  CHECK(done == 0);
}

TEST_CASE("background work may be ended by a second half") {
  TestLoop loop;
  int done = 0;
  loop.run_in_background([] {},
                         [&] {
                           ++done;
                           loop.end_background();
                         });
  loop.run_in_background([] {}, [&] { ++done; });
  CHECK(loop.run_until([&] { return done == 1; }));
  loop.turns_in(milliseconds(10));
  CHECK(done == 1);
}

TEST_CASE("no thread for the background is an answer, not an exception") {
  TestLoop loop;
  pthread_attr_t before, too_large;
  REQUIRE(pthread_getattr_default_np(&before) == 0);
  REQUIRE(pthread_getattr_default_np(&too_large) == 0);
  pthread_attr_setstacksize(&too_large, std::size_t{1} << 48);  // more than there are addresses
  REQUIRE(pthread_setattr_default_np(&too_large) == 0);
  CHECK_FALSE(loop.prepare_background());
  REQUIRE(pthread_setattr_default_np(&before) == 0);
  pthread_attr_destroy(&before);
  pthread_attr_destroy(&too_large);
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  CHECK(sigismember(&blocked, SIGTERM) == 0);
  CHECK(loop.prepare_background());
}

TEST_CASE("signals arrive on the loop") {
  TestLoop loop;
  std::vector<int> seen;
  loop.watch_signals({SIGUSR1, SIGHUP}, [&](int signal) { seen.push_back(signal); });
  ::raise(SIGUSR1);
  CHECK(loop.run_until([&] { return seen.size() == 1; }));
  ::raise(SIGHUP);
  CHECK(loop.run_until([&] { return seen.size() == 2; }));
  CHECK(seen == std::vector<int>{SIGUSR1, SIGHUP});
}

TEST_CASE("an accepted socket may be posted to another loop") {
  TestLoop here;
  Loop there(TestLoop::clock());
  ListeningSocket socket = listen_at(loopback());
  struct Passer : AcceptObserver {
    explicit Passer(Loop& to) : other(to) {}
    void on_accept(AcceptedSocket socket) override {
      other.post([this, moved = std::move(socket)]() mutable {
        auto stream = other.adopt(std::move(moved));
        stream->write("from there");
      });
      has_passed = true;
    }
    void on_accept_blocked(std::string_view) override {}
    Loop& other;
    bool has_passed = false;
  } passer(there);
  Acceptor acceptor(here, socket, passer);
  std::thread thread([&] { there.run(); });
  Peer peer = Peer::connect_to(socket.endpoint());
  CHECK(here.run_until([&] { return passer.has_passed; }));
  CHECK(here.run_until([&] { return peer.try_read() == "from there"; }));
  there.stop();
  thread.join();
}

}  // namespace
}  // namespace weir::net
