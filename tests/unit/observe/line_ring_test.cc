#include "src/observe/line_ring.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>

namespace weir::observe::test {

namespace {

// Piece after piece, at most so many bytes of each.
std::string take_all(LineRing& ring, std::size_t most = SIZE_MAX) {
  std::string text;
  for (std::string_view piece = ring.front(); !piece.empty(); piece = ring.front()) {
    text += piece.substr(0, most);
    ring.release(std::min(piece.size(), most));
  }
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

TEST_CASE("a line is written in its place, and lies in one piece") {
  LineRing ring(32);
  char* begin = ring.room(20);
  REQUIRE(begin != nullptr);
  std::copy_n("eight..\n", 8, begin);
  ring.commit(8);
  CHECK(ring.front() == "eight..\n");
  CHECK(ring.room(25) == nullptr);
  CHECK(ring.room(24) == begin + 8);
  CHECK(ring.push(line_of(20)));
  CHECK(ring.room(4) == begin + 28);
  CHECK(ring.room(5) == nullptr);
  ring.release(8);
  // Not over the end: to the beginning, where the first line was.
  CHECK(ring.room(9) == nullptr);
  REQUIRE(ring.room(8) == begin);
  CHECK(ring.push(line_of(5)));
  CHECK(ring.room(4) == nullptr);
  CHECK(ring.push(line_of(3)));
  CHECK(ring.room(1) == nullptr);
  CHECK(ring.front() == line_of(20));
  ring.release(20);
  CHECK(ring.front() == line_of(5) + line_of(3));
  CHECK(take_all(ring) == line_of(5) + line_of(3));
}

TEST_CASE("what was not released is still in front") {
  LineRing ring(64);
  for (std::size_t size : {5, 5, 9}) CHECK(ring.push(line_of(size)));
  CHECK(ring.front() == line_of(5) + line_of(5) + line_of(9));
  ring.release(7);
  CHECK(ring.front() == "xx\n" + line_of(9));
  CHECK(ring.push(line_of(45)));
  CHECK_FALSE(ring.push(line_of(8)));
  CHECK(ring.push(line_of(7)));
  CHECK(take_all(ring, 2) == "xx\n" + line_of(9) + line_of(45) + line_of(7));
}

TEST_CASE("while the consumer keeps up, only the first part of a ring is used") {
  LineRing ring(1 << 20);
  const char* begin = ring.room(1);
  std::size_t furthest = 0;
  for (int i = 0; i < 10'000; ++i) {
    furthest = std::max(furthest, static_cast<std::size_t>(ring.room(300) - begin));
    REQUIRE(ring.push(line_of(300)));
    if (i % 10 == 0) REQUIRE(take_all(ring).size() <= 3000);
  }
  CHECK(furthest < 80'000);
  // A consumer that is late leaves all of it.
  while (ring.push(line_of(300))) {
  }
  CHECK(ring.queued() > (1 << 20) - 80'000);
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
    text = ring.front().substr(0, 100);
    if (auto cut = text.rfind('\n'); cut != std::string::npos) text.resize(cut + 1);
    ring.release(text.size());
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
