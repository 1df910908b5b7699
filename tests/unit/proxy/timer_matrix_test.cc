// The tables of states, steps and timers (DESIGN §3, R32).
#include "weir/proxy/timer_matrix.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <tuple>

namespace {

using namespace weir;
using namespace weir::proxy;
using S = ExchangeState;
using A = Activity;
using T = ExchangeTimer;

constexpr int kActivities = 8;

template <typename Visit>
void for_each_combination(Visit visit) {
  for (int state = 0; state < kExchangeStateCount; ++state)
    for (Side side : {Side::kClient, Side::kBackend})
      for (int activity = 0; activity < kActivities; ++activity)
        visit(static_cast<S>(state), side, static_cast<A>(activity));
}

TEST_CASE("R32: each row has a timer with its failure, or the reason why it needs none") {
  for (const TimerRow& row : timer_matrix()) {
    CAPTURE(name_of(row.state));
    CAPTURE(static_cast<int>(row.activity));
    if (row.timer == T::kNone) {
      CHECK_FALSE(row.failure.has_value());
      CHECK(row.why_none.size() > 10);
    } else {
      CHECK(row.failure.has_value() == (row.timer != T::kBackoff));
      CHECK(row.why_none.empty());
    }
    CHECK(row.side != Side::kWeir);
  }
}

TEST_CASE("no combination has two rows, and each row is found") {
  std::set<std::tuple<S, Side, A>> seen;
  for (const TimerRow& row : timer_matrix()) {
    CHECK(seen.insert({row.state, row.side, row.activity}).second);
    CHECK(find_timer(row.state, row.side, row.activity) == &row);
  }
  std::size_t found = 0;
  for_each_combination([&](S state, Side side, A activity) {
    found += find_timer(state, side, activity) != nullptr ? 1 : 0;
  });
  CHECK(found == timer_matrix().size());
}

TEST_CASE("each timer names the failure that its key promises") {
  auto failure_of = [](S state, Side side, A activity) {
    const TimerRow* row = find_timer(state, side, activity);
    REQUIRE(row != nullptr);
    REQUIRE(row->failure.has_value());
    return *row->failure;
  };
  CHECK(failure_of(S::kAcquiring, Side::kBackend, A::kConnecting) == Failure::connect_timeout);
  CHECK(failure_of(S::kAwaitingHead, Side::kBackend, A::kReceiving) ==
        Failure::backend_write_timeout);
  CHECK(failure_of(S::kAwaitingHead, Side::kBackend, A::kThinking) ==
        Failure::response_head_timeout);
  CHECK(failure_of(S::kRelaying, Side::kBackend, A::kSending) == Failure::backend_body_timeout);
  CHECK(failure_of(S::kTunnelling, Side::kBackend, A::kBothWays) == Failure::tunnel_idle_timeout);
  CHECK(failure_of(S::kHolding, Side::kBackend, A::kWaiting) == Failure::no_usable_backend);
  for (S state : {S::kHolding, S::kAcquiring, S::kBackingOff, S::kAwaitingHead, S::kRelaying})
    CHECK(failure_of(state, Side::kClient, A::kSending) == Failure::client_body_timeout);
  for (S state : {S::kAwaitingHead, S::kRelaying, S::kTunnelling, S::kReplying})
    CHECK(failure_of(state, Side::kClient, A::kReceiving) == Failure::client_write_timeout);
}

// A state that waits is never without any timer: "the other side has one" is not said by both.
TEST_CASE("R32: in a state that lasts, some pair of activities that can be has a timer") {
  for (S state : {S::kHolding, S::kAcquiring, S::kBackingOff, S::kAwaitingHead, S::kRelaying,
                  S::kTunnelling}) {
    CAPTURE(name_of(state));
    for (int client = 0; client < kActivities; ++client) {
      const TimerRow* mine = find_timer(state, Side::kClient, static_cast<A>(client));
      if (mine == nullptr || mine->timer != T::kNone) continue;
      bool is_backend_timed = false;
      for (int backend = 0; backend < kActivities; ++backend) {
        const TimerRow* theirs = find_timer(state, Side::kBackend, static_cast<A>(backend));
        is_backend_timed |= theirs != nullptr && theirs->timer != T::kNone;
      }
      CHECK(is_backend_timed);
    }
  }
  // While a connect or a pause runs, nothing the client does makes it last.
  for (S state : {S::kHolding, S::kAcquiring, S::kBackingOff})
    for (int activity = 0; activity < kActivities; ++activity) {
      const TimerRow* row = find_timer(state, Side::kBackend, static_cast<A>(activity));
      if (row != nullptr) CHECK(row->timer != T::kNone);
    }
}

TEST_CASE("states without a lasting wait have no timer of the backend's") {
  for (S state : {S::kRouting, S::kReplying, S::kDone}) {
    const TimerRow* row = find_timer(state, Side::kBackend, A::kNothing);
    REQUIRE(row != nullptr);
    CHECK(row->timer == T::kNone);
  }
}

TEST_CASE("no step leads out of done, and every state can end") {
  for (int to = 0; to < kExchangeStateCount; ++to)
    CHECK_FALSE(is_legal(S::kDone, static_cast<S>(to)));
  for (int from = 0; from < kExchangeStateCount; ++from)
    if (static_cast<S>(from) != S::kDone) CHECK(is_legal(static_cast<S>(from), S::kDone));
}

TEST_CASE("no step leads back: routing is the beginning, a response is never taken back") {
  for (int from = 0; from < kExchangeStateCount; ++from)
    CHECK_FALSE(is_legal(static_cast<S>(from), S::kRouting));
  for (S from : {S::kRelaying, S::kTunnelling, S::kReplying})
    for (int to = 0; to < kExchangeStateCount; ++to)
      CHECK(is_legal(from, static_cast<S>(to)) == (static_cast<S>(to) == S::kDone));
  // A response begins only where a request was sent.
  for (int from = 0; from < kExchangeStateCount; ++from)
    for (S to : {S::kRelaying, S::kTunnelling})
      CHECK(is_legal(static_cast<S>(from), to) == (static_cast<S>(from) == S::kAwaitingHead));
}

TEST_CASE("every state but the first is reached from it") {
  std::set<S> reached = {S::kRouting};
  for (int round = 0; round < kExchangeStateCount; ++round)
    for (S from : std::set<S>(reached))
      for (int to = 0; to < kExchangeStateCount; ++to)
        if (is_legal(from, static_cast<S>(to))) reached.insert(static_cast<S>(to));
  CHECK(reached.size() == kExchangeStateCount);
}

TEST_CASE("states have names of their own") {
  std::set<std::string_view> names;
  for (int state = 0; state < kExchangeStateCount; ++state)
    CHECK(names.insert(name_of(static_cast<S>(state))).second);
}

}  // namespace
