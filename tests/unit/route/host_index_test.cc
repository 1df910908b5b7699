#include "weir/route/host_index.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/rng.h"

namespace {

using weir::Rng;
using weir::route::HostIndex;
using weir::route::HostIndexEditor;
using Kind = HostIndex::Kind;
using Values = std::vector<std::uint32_t>;

constexpr std::uint64_t kSeed = 20261120;

Values walk(const HostIndex& index, std::string_view host) {
  HostIndex::Walk walk(index, host);
  Values values;
  for (std::uint32_t value; (value = walk.next()) != HostIndex::kNone;) values.push_back(value);
  return values;
}

// An editor that takes names as they are.
struct Names {
  explicit Names(std::uint64_t seed = kSeed) : editor(seed) {}
  std::uint32_t insert(std::string_view name, Kind kind, std::uint32_t value) {
    return editor.insert(editor.hashed(name), kind, {value, value + 1}).value;
  }
  void set(std::string_view name, Kind kind, std::uint32_t value) {
    editor.set(editor.hashed(name), kind, {value, value + 1});
  }
  std::uint32_t erase(std::string_view name, Kind kind) {
    return editor.erase(editor.hashed(name), kind).value;
  }
  HostIndexEditor editor;
};

TEST_CASE("HostIndex walks from the most to the least specific entry") {
  Names names;
  names.insert("a.example.com", Kind::kExact, 1);
  names.insert("a.example.com", Kind::kSuffix, 2);
  names.insert("example.com", Kind::kOneLabel, 3);
  names.insert("example.com", Kind::kSuffix, 4);
  names.insert("com", Kind::kSuffix, 5);
  // None of these covers the host.
  names.insert("a.example.com", Kind::kOneLabel, 6);
  names.insert("example.com", Kind::kExact, 7);
  names.insert("com", Kind::kOneLabel, 8);
  names.insert("com", Kind::kExact, 9);
  names.insert("b.example.com", Kind::kExact, 10);

  HostIndex index = names.editor.publish();
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
  Names names;
  CHECK(names.insert("example.com", Kind::kExact, 1) == HostIndex::kNone);
  CHECK(names.insert("example.com", Kind::kExact, 2) == 1);
  CHECK(names.insert("example.com", Kind::kSuffix, 3) == HostIndex::kNone);
  CHECK(names.insert("example.com", Kind::kOneLabel, 4) == HostIndex::kNone);
  HostIndex index = names.editor.publish();
  CHECK(index.names() == 1);
  CHECK(index.entries() == 3);
  CHECK(index.find("example.com", Kind::kExact) == 1);
  CHECK(index.find("example.com", Kind::kSuffix) == 3);
  CHECK(index.find("example.com", Kind::kOneLabel) == 4);
  CHECK(index.find("example.co", Kind::kExact) == HostIndex::kNone);
}

TEST_CASE("HostIndex bears hosts of any shape") {
  Names names;
  std::string deep;
  for (int i = 0; i < 127; ++i) deep += "a.";
  deep.pop_back();
  std::string flat(255, 'x');
  names.insert("a", Kind::kSuffix, 1);
  names.insert(deep, Kind::kExact, 2);
  names.insert(flat, Kind::kExact, 3);
  HostIndex index = names.editor.publish();
  CHECK(walk(index, deep) == Values{2, 1});
  CHECK(walk(index, flat) == Values{3});
  CHECK(walk(index, std::string(256, 'x')).empty());
  CHECK(walk(index, std::string(255, '.')).empty());
  CHECK(walk(index, "..a") == Values{1});
  CHECK(walk(index, "a.").empty());
  CHECK(walk(index, std::string("\0\xff.a", 4)) == Values{1});
  CHECK(index.find(std::string(256, 'x'), Kind::kExact) == HostIndex::kNone);
}

TEST_CASE("a host of 127 labels costs no more than the table's entries have levels") {
  Names names;
  names.insert("example.com", Kind::kExact, 1);
  names.insert("shop.example.com", Kind::kSuffix, 2);
  names.insert("www.shop.example.com", Kind::kExact, 3);
  HostIndex index = names.editor.publish();
  std::string host = "shop.example.com";
  while (host.size() + 2 <= 253) host.insert(0, "a.");
  HostIndex::Walk deep(index, host);
  CHECK(deep.names_left() == 3);
  CHECK(deep.next() == 2);
  CHECK(deep.next() == HostIndex::kNone);
  CHECK(HostIndex::Walk(index, "com").names_left() == 0);
}

TEST_CASE("HostIndex tells names apart whose bytes are alike") {
  // Lengths, empty labels and borders of labels count, whatever the words they are hashed by.
  Names names;
  std::vector<std::string> alike;
  for (std::size_t size = 1; size <= 40; ++size) alike.push_back(std::string(size, 'a'));
  for (std::size_t size = 1; size <= 20; ++size) {
    std::string text(40, 'a');
    text[size] = '.';
    alike.push_back(text);
    alike.push_back("." + std::string(size, 'a'));
  }
  for (std::uint32_t i = 0; i < alike.size(); ++i) names.insert(alike[i], Kind::kExact, i);
  HostIndex index = names.editor.publish();
  std::map<std::uint64_t, std::string> hashes;
  for (std::uint32_t i = 0; i < alike.size(); ++i) {
    CAPTURE(alike[i]);
    CHECK(index.find(alike[i], Kind::kExact) == i);
    CHECK(hashes.emplace(index.hashed(alike[i]).hash, alike[i]).second);
  }
}

TEST_CASE("HostIndex finds an entry on every level at once") {
  Names names;
  std::string host = "a";
  Values wanted;
  for (std::uint32_t level = 1; level <= 127; ++level) {
    names.insert(host, Kind::kSuffix, level);
    wanted.insert(wanted.begin(), level);
    if (level < 127) host.insert(0, "a.");
  }
  CHECK(walk(names.editor.publish(), host) == wanted);
}

TEST_CASE("HostIndex holds many names in little memory, whatever the seed") {
  constexpr std::uint32_t kNames = 100'000;
  auto name_of = [](std::uint32_t i) { return "tenant-" + std::to_string(i) + ".example.com"; };
  for (std::uint64_t seed : {kSeed, std::uint64_t{0}}) {
    for (std::size_t expected : {std::size_t{0}, std::size_t{kNames}}) {
      Names names(seed);
      names.editor.expect(expected);
      for (std::uint32_t i = 0; i < kNames; ++i) names.insert(name_of(i), Kind::kExact, i);
      HostIndex index = names.editor.publish();
      CHECK(index.names() == kNames);
      CHECK(index.memory_bytes() / kNames < 48);
      std::uint32_t found = 0;
      for (std::uint32_t i = 0; i < kNames; ++i) found += walk(index, name_of(i)) == Values{i};
      CHECK(found == kNames);
      for (std::uint32_t i = kNames; i < kNames + 1000; ++i) CHECK(walk(index, name_of(i)).empty());
    }
  }
}

TEST_CASE("HostIndex: a change costs one shard, and versions before it stay as they are") {
  Names names;
  for (std::uint32_t i = 0; i < 20'000; ++i)
    names.insert("tenant-" + std::to_string(i) + ".example.com", Kind::kExact, i);
  HostIndex before = names.editor.publish();
  names.set("tenant-7.example.com", Kind::kExact, 70'000);
  CHECK(names.erase("tenant-8.example.com", Kind::kExact) == 8);
  CHECK(names.erase("tenant-8.example.com", Kind::kExact) == HostIndex::kNone);
  HostIndex after = names.editor.publish();
  CHECK(walk(before, "tenant-7.example.com") == Values{7});
  CHECK(walk(before, "tenant-8.example.com") == Values{8});
  CHECK(walk(after, "tenant-7.example.com") == Values{70'000});
  CHECK(walk(after, "tenant-8.example.com").empty());
  CHECK(after.shards_shared_with(before) + 2 >= after.shards());
  CHECK(after.shards() > 20);
}

// Random histories against a map; every published version is looked at again at the end.
TEST_CASE("HostIndex is what was set and erased, in every version") {
  using Key = std::pair<std::string, Kind>;
  using Model = std::map<Key, std::uint32_t>;
  auto contents = [](const HostIndex& index) {
    Model model;
    HostIndex::Reader reader(index);
    HostIndex::PlaceNumber last = 0;
    while (const HostIndex::Reader::Item* item = reader.next()) {
      CHECK(item->entry.origin == item->entry.value + 1);
      CHECK((model.empty() || item->place > last));
      last = item->place;
      CHECK(index.find(index.hashed(item->name), item->kind).place == item->place);
      HostIndex::Reader again(index, item->place);
      const HostIndex::Reader::Item* same = again.next();
      REQUIRE(same != nullptr);
      CHECK(same->name == item->name);
      model.emplace(Key(item->name, item->kind), item->entry.value);
    }
    CHECK(last < index.places() + 1);
    CHECK(model.size() == index.entries());
    return model;
  };
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Rng rng(seed);
    Names names(seed);
    Model model;
    std::vector<std::pair<HostIndex, Model>> versions;
    // Long names: few of them fill a shard.
    std::string tail(rng.one_in(2) ? 200 : 3, 'x');
    std::uint32_t most = rng.one_in(3) ? 20 : 600;
    for (int version = 0; version < 6; ++version) {
      for (std::uint32_t steps = rng.below(1500); steps > 0; --steps) {
        std::string name = std::to_string(rng.below(most)) + "." + tail;
        Key key(name, static_cast<Kind>(rng.below(3)));
        if (rng.one_in(version % 2 == 0 ? 4 : 2)) {
          auto known = model.find(key);
          CHECK(names.erase(name, key.second) ==
                (known == model.end() ? HostIndex::kNone : known->second));
          if (known != model.end()) model.erase(known);
        } else {
          std::uint32_t value = rng.below(1'000'000);
          names.set(name, key.second, value);
          model[key] = value;
        }
        CHECK(names.editor.entries() == model.size());
      }
      versions.emplace_back(names.editor.publish(), model);
    }
    for (const auto& [index, wanted] : versions) CHECK(contents(index) == wanted);
  }
}

}  // namespace
