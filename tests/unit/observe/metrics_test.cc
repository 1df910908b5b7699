#include "weir/observe/metrics.h"

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using weir::Duration;
using weir::observe::DurationHistogram;
using weir::observe::kDurationBounds;
using weir::observe::kDurationBuckets;
using weir::observe::Number;
using weir::observe::ListenerNumbers;
using weir::observe::WorkerNumbers;

std::size_t bucket_of(Duration duration) {
  DurationHistogram histogram;
  histogram.observe(duration);
  std::size_t found = kDurationBuckets;
  for (std::size_t i = 0; i < kDurationBuckets; ++i) {
    if (histogram.count_in(i) == 0) continue;
    CHECK(histogram.count_in(i) == 1);
    CHECK(found == kDurationBuckets);
    found = i;
  }
  return found;
}

TEST_CASE("a Number counts up and down") {
  Number number;
  number.add();
  number.add(41);
  number.sub(2);
  CHECK(number.get() == 40);
}

TEST_CASE("durations fall into the bucket whose upper bound includes them") {
  for (std::size_t i = 0; i < std::size(kDurationBounds); ++i) {
    CAPTURE(kDurationBounds[i]);
    Duration bound(static_cast<std::int64_t>(kDurationBounds[i] * 1e9 + 0.5));
    CHECK(bucket_of(bound - 1ns) == i);
    CHECK(bucket_of(bound) == i);
    CHECK(bucket_of(bound + 1ns) == i + 1);
  }
  CHECK(bucket_of(0ns) == 0);
  CHECK(bucket_of(24h) == kDurationBuckets - 1);
}

TEST_CASE("a histogram sums its durations, and none that are negative") {
  DurationHistogram histogram;
  histogram.observe(1500ms);
  histogram.observe(250us);
  histogram.observe(-7s);
  CHECK(histogram.sum_seconds() == doctest::Approx(1.50025));
  CHECK(histogram.count_in(0) == 2);
}

TEST_CASE("workers sum up exactly") {
  WorkerNumbers first;
  WorkerNumbers second;
  first.loop_lag.observe(1ms);
  second.loop_lag.observe(2ms);
  first.failures[3].add();
  second.retries_denied.add(9);

  WorkerNumbers total;
  total.add(first);
  total.add(second);
  CHECK(total.loop_lag.sum_seconds() == doctest::Approx(0.003));
  CHECK(total.failures[3].get() == 1);
  CHECK(total.retries_denied.get() == 9);
}

TEST_CASE("what is under way is what began and has not ended, over all workers") {
  WorkerNumbers total;
  WorkerNumbers worker;
  worker.requests_begun.add(8);
  worker.requests_finished.add(7);
  total.add(worker);
  CHECK(total.requests_in_flight() == 1);

  ListenerNumbers sum;
  ListenerNumbers accepting;
  ListenerNumbers closing;  // got its connections from the other worker
  accepting.connections_accepted.add(5);
  closing.connections_closed.add(2);
  sum.add(accepting);
  sum.add(closing);
  CHECK(sum.connections_open() == 3);
  CHECK(closing.connections_open() == 0);
}

}  // namespace
