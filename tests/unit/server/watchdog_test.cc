// Who is alive: workers that answer and workers that do not, under virtual time.
#include "src/server/watchdog.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"

namespace {

using namespace weir;
using namespace weir::server;
using std::chrono::seconds;
using weir::test::FakeClock;

// A watchdog over two workers with a period of 8 seconds.
class Kennel {
 public:
  Kennel() {
    Watchdog::Hooks hooks;
    hooks.ask = [this](unsigned worker) { asked.push_back(worker); };
    hooks.ping = [this] { ++pings; };
    hooks.on_change = [this] { ++changes; };
    watchdog = std::make_unique<Watchdog>(scheduler, log, 2, seconds(8), std::move(hooks));
  }
  // Two seconds pass; then each worker but `silent` answers what it was asked.
  void turn(int silent = -1) {
    advance(seconds(2));
    answer(silent);
  }
  void answer(int silent = -1) {
    for (unsigned worker : std::exchange(asked, {})) {
      if (static_cast<int>(worker) == silent) {
        asked.push_back(worker);
      } else {
        watchdog->on_answer(worker);
      }
    }
  }
  void advance(Duration by) { clock.advance(scheduler, by); }

  FakeClock clock;
  Log log{LogLevel::kError, -1, clock};
  net::Scheduler scheduler{clock};
  std::vector<unsigned> asked;
  int pings = 0;
  int changes = 0;
  std::unique_ptr<Watchdog> watchdog;
};

TEST_CASE("the watchdog pings four times in a period while all workers answer") {
  Kennel kennel;
  CHECK(kennel.pings == 1);
  CHECK(kennel.asked == std::vector<unsigned>{0, 1});
  kennel.answer();
  for (int turn = 0; turn < 8; ++turn) kennel.turn();
  CHECK(kennel.pings == 9);
  CHECK(kennel.changes == 0);
  CHECK(!kennel.watchdog->silent_worker());
}

TEST_CASE("a worker that is silent for half a period stops the pings until it answers") {
  Kennel kennel;
  kennel.answer();
  kennel.turn(1);  // asked, no answer
  kennel.turn(1);
  CHECK(kennel.pings == 3);
  kennel.turn(1);
  CHECK(kennel.pings == 3);
  CHECK(kennel.changes == 1);
  CHECK(kennel.watchdog->silent_worker() == 1u);
  for (int turn = 0; turn < 5; ++turn) kennel.turn(1);
  CHECK(kennel.pings == 3);
  CHECK(kennel.changes == 1);
  // It was asked once only: a mailbox that nobody empties must not grow.
  CHECK(kennel.asked == std::vector<unsigned>{1});
  kennel.answer();
  CHECK(kennel.changes == 2);
  CHECK(!kennel.watchdog->silent_worker());
  kennel.turn();
  CHECK(kennel.pings == 4);
}

TEST_CASE("a slow answer within half a period is none too late") {
  Kennel kennel;
  for (int answer = 0; answer < 5; ++answer) {
    kennel.advance(seconds(2));
    kennel.advance(seconds(1));
    kennel.answer();
    kennel.advance(seconds(1));
  }
  CHECK(kennel.changes == 0);
  CHECK(kennel.pings == 11);
}

TEST_CASE("a loop that was late itself blames nobody") {
  Kennel kennel;
  kennel.advance(std::chrono::minutes(10));  // asked before, and a machine that slept
  CHECK(kennel.changes == 0);
  CHECK(kennel.pings == 2);
  kennel.answer();
  kennel.turn();
  CHECK(kennel.pings == 3);
}

TEST_CASE("the watchdog's period comes from the environment, if it is meant for this process") {
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
  CHECK(!Watchdog::period_from_environment());
  for (const char* wrong : {"", "x", "0", "-5", "5s"}) {
    setenv("WATCHDOG_USEC", wrong, 1);
    CHECK(!Watchdog::period_from_environment());
  }
  setenv("WATCHDOG_USEC", "30000000", 1);
  CHECK(Watchdog::period_from_environment() == Duration(seconds(30)));
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  CHECK(Watchdog::period_from_environment() == Duration(seconds(30)));
  setenv("WATCHDOG_PID", "1", 1);
  CHECK(!Watchdog::period_from_environment());
  unsetenv("WATCHDOG_USEC");
  unsetenv("WATCHDOG_PID");
}

}  // namespace
