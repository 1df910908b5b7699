#include "weir/base/glob.h"

#include <doctest/doctest.h>

#include <string>

#include "weir/base/rng.h"

namespace weir {
namespace {

// The same, written down naively.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         matches(pattern.substr(1), text.substr(1));
}

}  // namespace

TEST_CASE("globs: '*' takes dots and nothing, '?' one byte, brackets are brackets, case is none") {
  CHECK(matches_glob("*.example.com", "a.b.example.com"));
  CHECK(matches_glob("*.example.com", ".example.com"));
  CHECK(matches_glob("*.example.com", "*.example.com"));
  CHECK_FALSE(matches_glob("*.example.com", "example.com"));
  CHECK(matches_glob("WWW?.Example.com", "www1.example.com"));
  CHECK(matches_glob("[2001:*]", "[2001:db8::1]"));
  CHECK(matches_glob("", ""));
  CHECK_FALSE(matches_glob("", "a"));
  CHECK(has_glob("a*"));
  CHECK_FALSE(has_glob("[::1]"));
}

TEST_CASE("globs: random ones, as written down naively") {
  Rng rng(20261120);
  for (int round = 0; round < 20000; ++round) {
    std::string pattern, text;
    for (std::uint32_t more = rng.below(7); more > 0; --more) pattern += "ab*?"[rng.below(4)];
    for (std::uint32_t more = rng.below(8); more > 0; --more) text += "ab"[rng.below(2)];
    CAPTURE(pattern);
    CAPTURE(text);
    REQUIRE(matches_glob(pattern, text) == matches(pattern, text));
  }
}

TEST_CASE("globs: many stars take no more time than few") {
  std::string pattern, text(100'000, 'a');
  for (int i = 0; i < 100; ++i) pattern += "*a";
  CHECK_FALSE(matches_glob(pattern + "b", text));
}

}  // namespace weir
