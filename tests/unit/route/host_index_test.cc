#include "weir/route/host_index.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "weir/base/rng.h"

namespace {

using weir::route::HostIndex;
using Kind = HostIndex::Kind;
using Values = std::vector<std::uint32_t>;

constexpr std::uint64_t kSeed = 20261120;

Values walk(const HostIndex& index, std::string_view host) {
  HostIndex::Walk walk(index, host);
  Values values;
  for (std::uint32_t value; (value = walk.next()) != HostIndex::kNone;) values.push_back(value);
  return values;
}

TEST_CASE("HostIndex walks from the most to the least specific entry") {
  HostIndex index(kSeed);
  index.insert("a.example.com", Kind::kExact, 1);
  index.insert("a.example.com", Kind::kSuffix, 2);
  index.insert("example.com", Kind::kOneLabel, 3);
  index.insert("example.com", Kind::kSuffix, 4);
  index.insert("com", Kind::kSuffix, 5);
  // None of these covers the host.
  index.insert("a.example.com", Kind::kOneLabel, 6);
  index.insert("example.com", Kind::kExact, 7);
  index.insert("com", Kind::kOneLabel, 8);
  index.insert("com", Kind::kExact, 9);
  index.insert("b.example.com", Kind::kExact, 10);

  CHECK(walk(index, "a.example.com") == Values{1, 2, 3, 4, 5});
  CHECK(walk(index, "x.a.example.com") == Values{6, 2, 4, 5});
  CHECK(walk(index, "y.x.a.example.com") == Values{2, 4, 5});
  CHECK(walk(index, "example.com") == Values{7, 4, 8, 5});
  CHECK(walk(index, "com") == Values{9, 5});
  CHECK(walk(index, "b.example.com") == Values{10, 3, 4, 5});
  CHECK(walk(index, "bexample.com") == Values{8, 5});
  CHECK(walk(index, "example.org").empty());
  CHECK(walk(index, "").empty());
}

TEST_CASE("HostIndex keeps the first value of a name and kind") {
  HostIndex index(kSeed);
  CHECK(index.insert("example.com", Kind::kExact, 1) == HostIndex::kNone);
  CHECK(index.insert("example.com", Kind::kExact, 2) == 1);
  CHECK(index.insert("example.com", Kind::kSuffix, 3) == HostIndex::kNone);
  CHECK(index.insert("example.com", Kind::kOneLabel, 4) == HostIndex::kNone);
  CHECK(index.size() == 1);
  CHECK(index.find("example.com", Kind::kExact) == 1);
  CHECK(index.find("example.com", Kind::kSuffix) == 3);
  CHECK(index.find("example.com", Kind::kOneLabel) == 4);
  CHECK(index.find("example.co", Kind::kExact) == HostIndex::kNone);
}

TEST_CASE("HostIndex bears hosts of any shape") {
  HostIndex index(kSeed);
  std::string deep;
  for (int i = 0; i < 127; ++i) deep += "a.";
  deep.pop_back();
  std::string flat(255, 'x');
  index.insert("a", Kind::kSuffix, 1);
  index.insert(deep, Kind::kExact, 2);
  index.insert(flat, Kind::kExact, 3);
  CHECK(walk(index, deep) == Values{2, 1});
  CHECK(walk(index, flat) == Values{3});
  CHECK(walk(index, std::string(256, 'x')).empty());
  CHECK(walk(index, std::string(255, '.')).empty());
  CHECK(walk(index, "..a") == Values{1});
  CHECK(walk(index, "a.").empty());
  CHECK(walk(index, std::string("\0\xff.a", 4)) == Values{1});
  CHECK(index.find(std::string(256, 'x'), Kind::kExact) == HostIndex::kNone);
}

TEST_CASE("HostIndex finds an entry on every level at once") {
  HostIndex index(kSeed);
  std::string host = "a";
  Values wanted;
  for (std::uint32_t level = 1; level <= 127; ++level) {
    index.insert(host, Kind::kSuffix, level);
    wanted.insert(wanted.begin(), level);
    if (level < 127) host.insert(0, "a.");
  }
  CHECK(walk(index, host) == wanted);
}

TEST_CASE("HostIndex holds many names in little memory, whatever the seed") {
  constexpr std::uint32_t kNames = 100'000;
  auto name_of = [](std::uint32_t i) { return "tenant-" + std::to_string(i) + ".example.com"; };
  for (std::uint64_t seed : {kSeed, std::uint64_t{0}}) {
    HostIndex index(seed);
    for (std::uint32_t i = 0; i < kNames; ++i) index.insert(name_of(i), Kind::kExact, i);
    index.finish();
    CHECK(index.size() == kNames);
    CHECK(index.memory_bytes() / kNames < 64);
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < kNames; ++i) found += walk(index, name_of(i)) == Values{i};
    CHECK(found == kNames);
    for (std::uint32_t i = kNames; i < kNames + 1000; ++i) CHECK(walk(index, name_of(i)).empty());
  }
}

}  // namespace
