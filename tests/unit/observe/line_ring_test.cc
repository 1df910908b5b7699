#include "src/observe/line_ring.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>

namespace weir::observe::test {

namespace {

std::string take_all(LineRing& ring, std::size_t room = 1 << 16) {
  std::string text(room, '?');
  text.resize(ring.take(text.data(), room));
  return text;
}

std::string line_of(std::size_t size) { return std::string(size - 1, 'x') + "\n"; }

}  // namespace

TEST_CASE("a ring gives back what was pushed, in order") {
  LineRing ring(64);
  CHECK(ring.is_empty());
  CHECK(take_all(ring).empty());
  CHECK(ring.push("one\n"));
  CHECK(ring.push("two\n"));
  CHECK_FALSE(ring.is_empty());
  CHECK(take_all(ring) == "one\ntwo\n");
  CHECK(ring.is_empty());
}

TEST_CASE("a full ring takes no part of a line, and goes on when there is room") {
  LineRing ring(16);
  CHECK(ring.push(line_of(10)));
  CHECK_FALSE(ring.push(line_of(7)));
  CHECK(ring.push(line_of(6)));
  CHECK_FALSE(ring.push("\n"));
  CHECK(take_all(ring) == line_of(10) + line_of(6));
  CHECK(ring.push(line_of(16)));
  CHECK_FALSE(ring.push(line_of(17)));
  CHECK(take_all(ring) == line_of(16));
}

TEST_CASE("lines wrap around the end, at every place") {
  LineRing ring(32);
  for (std::size_t size = 1; size <= 32; ++size) {
    for (int i = 0; i < 40; ++i) {
      REQUIRE(ring.push(line_of(size)));
      REQUIRE(take_all(ring) == line_of(size));
    }
  }
}

TEST_CASE("a line may be written in its place, where there is room in one piece") {
  LineRing ring(32);
  char* room = ring.room(20);
  REQUIRE(room != nullptr);
  std::copy_n("eight..\n", 8, room);
  ring.commit(8);
  CHECK(take_all(ring) == "eight..\n");
  CHECK(ring.room(25) == nullptr);
  REQUIRE(ring.room(24) == room + 8);
  CHECK(ring.push(line_of(20)));
  CHECK(ring.room(4) == room + 28);
  CHECK(ring.room(5) == nullptr);
  CHECK(ring.push(line_of(8)));
  CHECK(ring.room(5) == nullptr);
  CHECK(ring.room(4) == room + 4);
  CHECK(take_all(ring) == line_of(20) + line_of(8));
}

TEST_CASE("only whole lines are taken") {
  LineRing ring(64);
  for (std::size_t size : {5, 5, 9}) CHECK(ring.push(line_of(size)));
  CHECK(take_all(ring, 4).empty());
  CHECK(take_all(ring, 9) == line_of(5));
  CHECK(take_all(ring, 6) == line_of(5));
  CHECK(take_all(ring, 8).empty());
  CHECK(take_all(ring, 9) == line_of(9));
}

TEST_CASE("how full it is, as the producer sees it") {
  LineRing ring(64);
  CHECK_FALSE(ring.has_queued(1));
  CHECK(ring.push(line_of(10)));
  CHECK(ring.has_queued(10));
  CHECK_FALSE(ring.has_queued(11));
  take_all(ring);
  CHECK_FALSE(ring.has_queued(1));
}

TEST_CASE("a producer and a consumer on two threads lose and mix nothing") {
  LineRing ring(256);
  constexpr int kLines = 50'000;
  int pushed = 0;
  std::thread producer([&] {
    for (int i = 0; i < kLines; ++i) {
      std::string line =
          std::to_string(i) + std::string(static_cast<std::size_t>(i % 23), '.') + "\n";
      while (!ring.push(line)) std::this_thread::yield();
      ++pushed;
    }
  });
  std::string text;
  int expected = 0;
  bool is_good = true;
  while (expected < kLines && is_good) {
    text = take_all(ring, 100);
    if (text.empty()) std::this_thread::yield();
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = text.find('\n', at);
      std::string line =
          std::to_string(expected) + std::string(static_cast<std::size_t>(expected % 23), '.');
      is_good = is_good && text.substr(at, end - at) == line;
      ++expected;
      at = end + 1;
    }
  }
  producer.join();
  CHECK(is_good);
  CHECK(pushed == kLines);
  CHECK(ring.is_empty());
}

}  // namespace weir::observe::test
