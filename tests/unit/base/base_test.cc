#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "weir/base/byte_queue.h"
#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/base/recycled.h"
#include "weir/base/rng.h"
#include "weir/base/task.h"
#include "weir/base/time.h"

namespace weir {
namespace {

std::string take_all(ByteQueue& queue) {
  std::string text;
  while (!queue.is_empty()) {
    std::string_view front = queue.front();
    text += front;
    queue.consume(front.size());
  }
  return text;
}

TEST_CASE("a byte queue gives back what was appended, in order, at any split") {
  Rng rng(1);
  ByteQueue queue;
  std::string expected;
  for (int round = 0; round < 3000; ++round) {
    if (rng.one_in(2)) {
      std::string bytes(rng.below(rng.one_in(20) ? 200'000 : 3000),
                        static_cast<char>('a' + rng.below(26)));
      queue.append(bytes);
      expected += bytes;
    } else {
      std::size_t count = rng.below(static_cast<std::uint32_t>(expected.size()) + 1);
      queue.consume(count);
      expected.erase(0, count);
    }
    REQUIRE(queue.size() == expected.size());
    REQUIRE(queue.is_empty() == expected.empty());
    REQUIRE(queue.front().empty() == expected.empty());
    REQUIRE(expected.starts_with(queue.front()));
    std::array<std::string_view, 3> runs;
    std::size_t count = queue.front(runs);
    std::string joined;
    for (std::size_t i = 0; i < count; ++i) joined += runs[i];
    REQUIRE(expected.starts_with(joined));
    REQUIRE((count == runs.size() || joined.size() == expected.size()));
  }
  ByteQueue moved = std::move(queue);
  CHECK(queue.is_empty());
  CHECK(take_all(moved) == expected);
  moved.append("once");
  moved.clear();
  CHECK(moved.front().empty());
  moved.append("again");
  CHECK(moved.front() == "again");
}

TEST_CASE("the generator is the same for one seed, and spreads") {
  Rng one(42), same(42), other(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    std::uint64_t value = one.next();
    CHECK(value == same.next());
    differs = differs || value != other.next();
  }
  CHECK(differs);
  int counts[10] = {};
  for (int i = 0; i < 10'000; ++i) ++counts[one.below(10)];
  CHECK(std::all_of(counts, counts + 10, [](int count) { return count > 800 && count < 1200; }));
  CHECK(one.below(1) == 0);
}

std::string logfmt(std::string_view value) {
  std::string out;
  append_logfmt(out, "k", value);
  return out;
}

TEST_CASE("logfmt quotes and escapes what needs it") {
  CHECK(logfmt("plain/value:80") == "k=plain/value:80");
  CHECK(logfmt("") == "k=\"\"");
  CHECK(logfmt("two words") == "k=\"two words\"");
  CHECK(logfmt("a=b") == "k=\"a=b\"");
  CHECK(logfmt("say \"hi\" \\") == "k=\"say \\\"hi\\\" \\\\\"");
  CHECK(logfmt("a\r\nlevel=error\t") == "k=\"a\\r\\nlevel=error\\t\"");
  CHECK(logfmt(std::string_view("\0\x1b\x7f\xc3\xa9", 5)) == "k=\"\\x00\\x1b\\x7f\\xc3\\xa9\"");
  std::string out = "a=1";
  append_logfmt(out, "b", "2");
  CHECK(out == "a=1 b=2");
}

TEST_CASE("times are written as RFC 3339 in UTC") {
  auto text = [](std::chrono::nanoseconds since_epoch) {
    std::string out;
    append_rfc3339(out, WallTime(since_epoch));
    return out;
  };
  CHECK(text(std::chrono::nanoseconds(0)) == "1970-01-01T00:00:00.000Z");
  CHECK(text(std::chrono::nanoseconds(1'795'155'933'123'999'999)) == "2026-11-20T06:25:33.123Z");
  CHECK(text(std::chrono::nanoseconds(-1)) == "1969-12-31T23:59:59.999Z");
}

struct FixedClock final : Clock {
  TimePoint now() const override { return {}; }
  WallTime wall() const override { return {}; }
};

TEST_CASE("the log writes one line per event, above its level only") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
  FixedClock clock;
  Log log(LogLevel::kWarn, ends[1], clock);
  log.info("unseen");
  log.warn("pool is \"down\"", {{"pool", "app"}, {"why", "no backend"}});
  log.set_level(LogLevel::kDebug);
  log.debug("seen");
  char text[512];
  ssize_t count = ::read(ends[0], text, sizeof text);
  REQUIRE(count > 0);
  CHECK(std::string(text, static_cast<std::size_t>(count)) ==
        "time=1970-01-01T00:00:00.000Z level=warn msg=\"pool is \\\"down\\\"\" pool=app why=\"no "
        "backend\"\ntime=1970-01-01T00:00:00.000Z level=debug msg=seen\n");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("the log as JSON") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
  FixedClock clock;
  Log log(LogLevel::kInfo, ends[1], clock);
  log.set_format(LogFormat::kJson);
  log.info("a \"b\"", {{"why", "line\nbreak \xff"}});
  char text[512];
  ssize_t count = ::read(ends[0], text, sizeof text);
  REQUIRE(count > 0);
  CHECK(std::string(text, static_cast<std::size_t>(count)) ==
        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"msg\":\"a \\\"b\\\"\","
        "\"why\":\"line\\u000abreak \\ufffd\"}\n");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("JSON text is printable ASCII, and no UTF-8 but the right one is taken for it") {
  auto json = [](std::string_view text) {
    std::string out;
    append_json_text(out, text);
    return out;
  };
  CHECK(json("plain /x?a=1") == "plain /x?a=1");
  CHECK(json("\"\\") == "\\\"\\\\");
  CHECK(json(std::string_view("\0\x1f\x7f", 3)) == "\\u0000\\u001f\\u007f");
  CHECK(json("\xc3\xa9\xe2\x82\xac") == "\\u00e9\\u20ac");
  CHECK(json("\xf0\x9f\x92\xa9") == "\\ud83d\\udca9");
  CHECK(json("\xc2\x9b") == "\\u009b");  // a terminal's escape
  // Overlong, a surrogate, beyond U+10FFFF, cut short, a stray continuation.
  for (std::string_view bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80",
                               "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xff"}) {
    std::string expected;
    for (std::size_t i = 0; i < bad.size(); ++i) expected += "\\ufffd";
    CHECK(json(bad) == expected);
    CHECK(json(std::string(bad) + "x") == expected + "x");
  }
}

TEST_CASE("the machine's clocks move forward") {
  SystemClock clock;
  TimePoint first = clock.now();
  CHECK(clock.now() >= first);
  CHECK(clock.wall() > WallTime(std::chrono::hours(24 * 365 * 50)));
}

TEST_CASE("a task runs what it owns; an empty one does nothing") {
  int runs = 0;
  Task task = [&runs, owned = std::make_unique<int>(3)] { runs += *owned; };
  Task moved = std::move(task);
  CHECK_FALSE(static_cast<bool>(task));
  moved();
  task();
  Task(nullptr)();
  CHECK(runs == 3);
}

struct Short : Recycled<Short> {
  std::string text = "new";
};

TEST_CASE("recycled objects are constructed and destroyed like others") {
  std::set<Short*> distinct;
  std::vector<std::unique_ptr<Short>> alive;
  for (int i = 0; i < 1000; ++i) {
    alive.push_back(std::make_unique<Short>());
    CHECK(alive.back()->text == "new");
    alive.back()->text = std::string(100, 'x');
    CHECK(distinct.insert(alive.back().get()).second);
  }
  alive.clear();
  auto again = std::make_unique<Short>();
  CHECK(again->text == "new");
#ifndef __SANITIZE_ADDRESS__
  CHECK(distinct.contains(again.get()));
#endif
}

}  // namespace
}  // namespace weir
