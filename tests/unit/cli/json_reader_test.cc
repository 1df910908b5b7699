// JSON read front to back: the same as a tree would say, and nothing of what is none.
#include "src/cli/json_reader.h"

#include <doctest/doctest.h>

#include "src/cli/json.h"
#include "weir/base/rng.h"

namespace weir::cli {
namespace {

// Texts, counts, lists and objects, as the interface has them.
Json random_json(Rng& rng, int depth) {
  switch (rng.below(depth > 3 ? 3 : 5)) {
    case 0:
      return rng.below(1000);
    case 1:
      return std::string(rng.below(4), "ab\"\\\n"[rng.below(5)]);
    case 2:
      return nullptr;
    case 3: {
      Json list = Json::array();
      for (std::uint32_t more = rng.below(4); more > 0; --more) list.push_back(random_json(rng, depth + 1));
      return list;
    }
    default: {
      Json object = Json::object();
      for (std::uint32_t more = rng.below(4); more > 0; --more)
        object["k" + std::to_string(more) + "\""] = random_json(rng, depth + 1);
      return object;
    }
  }
}

// Reads what `like` says is there.
bool is_same(JsonReader& in, const Json& like) {
  if (like.is_number()) return in.number() == like.get<std::uint64_t>();
  if (like.is_string()) return in.text() == like.get<std::string>();
  if (like.is_null()) return in.text().empty();
  if (like.is_array()) {
    std::size_t at = 0;
    for (in.open('['); in.next_item(); ++at)
      if (at == like.size() || !is_same(in, like[at])) return false;
    return at == like.size();
  }
  std::string_view key;
  auto member = like.begin();
  for (in.open('{'); in.next_key(key); ++member)
    if (member == like.end() || key != member.key() || !is_same(in, member.value())) return false;
  return member == like.end();
}

}  // namespace

TEST_CASE("cli: JSON is read as a tree of it would be, and can be skipped") {
  Rng rng(20261120);
  for (int round = 0; round < 2000; ++round) {
    Json json = random_json(rng, 0);
    std::string text = json.dump(rng.one_in(2) ? -1 : 2);
    CAPTURE(text);
    std::deque<std::string> storage;
    JsonReader in(text, storage);
    REQUIRE(is_same(in, json));
    CHECK_FALSE(in.has_failed());
    std::string list = "[" + text + ", 7]";
    JsonReader past(list, storage);
    past.open('[');
    REQUIRE(past.next_item());
    past.skip();
    REQUIRE(past.next_item());
    CHECK(past.number() == 7);
    CHECK_FALSE(past.next_item());
    CHECK_FALSE(past.has_failed());
  }
}

TEST_CASE("cli: what is no JSON reads as nothing, and ends") {
  for (const char* text :
       {"", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\" 1}", "{\"a\":1,}", "{\"a\":\"x", "{\"a\":\"\\",
        "{\"a\":\"\\q\"}", "[1]", "{a:1}", "{\"a\":-1}", "{\"a\":[1}", "{\"a\":1 \"b\":2}"}) {
    CAPTURE(text);
    std::deque<std::string> storage;
    JsonReader in(text, storage);
    std::string_view key;
    for (in.open('{'); in.next_key(key);) {
      if (std::string_view(text).find("[1}") != std::string_view::npos)
        in.skip();
      else if (std::string_view(text).find(":\"") != std::string_view::npos)
        in.text();
      else
        in.number();
    }
    CHECK(in.has_failed());
    CHECK_FALSE(in.next_item());
  }
  std::deque<std::string> storage;
  std::string deep(10000, '[');
  JsonReader in(deep, storage);
  in.skip();
  CHECK(in.has_failed());
}

}  // namespace weir::cli
