// WriteWatch: acknowledgements count as progress, and cost no time where there are none.
#include "weir/wire/write_watch.h"

#include <doctest/doctest.h>

namespace weir::wire {
namespace {

using std::chrono::seconds;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr Duration kLimit = seconds(30);

// When a peer is given up whose acknowledged bytes are `acknowledged(seconds since the start)`.
template <typename Acknowledged>
std::optional<Duration> given_up_after(Acknowledged acknowledged, Duration patience) {
  WriteWatch watch;
  TimePoint now = kStart;
  std::optional<Duration> next = watch.begin(now, kLimit);
  while (now - kStart < patience) {
    now += *next;
    next = watch.look(now, kLimit, acknowledged(now - kStart));
    if (!next) return now - kStart;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a peer that acknowledges nothing more is given up when the limit is over") {
  CHECK(given_up_after([](Duration) { return 1000; }, seconds(100)) == kLimit);
  CHECK(given_up_after([](Duration) { return std::nullopt; }, seconds(100)) == kLimit);
}

TEST_CASE("a peer that acknowledges a little each time is not given up") {
  auto trickle = [](Duration since) { return std::chrono::floor<seconds>(since).count(); };
  CHECK_FALSE(given_up_after(trickle, seconds(3600)).has_value());
}

TEST_CASE("a peer that stops later is given up a limit after what was seen of it last") {
  for (int stops : {16, 31, 45, 100}) {
    auto stopping = [&](Duration since) {
      return std::min<std::int64_t>(std::chrono::floor<seconds>(since).count(), stops);
    };
    std::optional<Duration> took = given_up_after(stopping, seconds(300));
    REQUIRE(took.has_value());
    CHECK(*took >= seconds(stops) + kLimit / 2);
    CHECK(*took <= seconds(stops) + kLimit + kLimit / 2);
  }
}

TEST_CASE("a watch that looks too late decides at once") {
  WriteWatch watch;
  watch.begin(kStart, kLimit);
  CHECK_FALSE(watch.look(kStart + kLimit, kLimit, 5).has_value());
}

TEST_CASE("each beginning is a new one") {
  WriteWatch watch;
  watch.begin(kStart, kLimit);
  CHECK(watch.look(kStart + kLimit / 2, kLimit, 5) == kLimit / 2);
  TimePoint again = kStart + kLimit / 2;
  CHECK(watch.begin(again, kLimit) == kLimit / 2);
  // More was acknowledged in between, but nothing since: what came before does not count.
  CHECK(watch.look(again + kLimit / 2, kLimit, 9) == kLimit / 2);
  CHECK_FALSE(watch.look(again + kLimit, kLimit, 9).has_value());
}

}  // namespace weir::wire
