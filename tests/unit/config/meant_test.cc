#include "src/config/meant.h"

#include <doctest/doctest.h>

#include "src/config/values.h"

namespace weir::config::test {
namespace {

Node text(std::string value) {
  Node node;
  node.kind = Node::Kind::kString;
  node.text = std::move(value);
  return node;
}

}  // namespace

TEST_CASE("names beyond ASCII in the form of RFC 3492") {
  CHECK(to_punycode("bücher.example") == "xn--bcher-kva.example");
  CHECK(to_punycode("BÜCHER.example") == "xn--bcher-kva.example");
  CHECK(to_punycode("*.münchen.example") == "*.xn--mnchen-3ya.example");
  CHECK(to_punycode("пример.рф") == "xn--e1afmkfd.xn--p1ai");
  CHECK(to_punycode("Ελλάδα") == "xn--hxakic4aa");
  CHECK(to_punycode("例え.テスト") == "xn--r8jz45g.xn--zckzah");
  // RFC 3492 §7.1 (B)
  CHECK(to_punycode("他们为什么不说中文") == "xn--ihqwcrb4cv8a8dqg056pqjye");
  CHECK(to_punycode("plain.example") == "plain.example");
  CHECK(to_punycode("\xff").empty());
  CHECK(to_punycode("a\xc3").empty());
  // Behind the last code point; that once took for ever.
  CHECK(to_punycode("a\xf6\x88\x9a\x9d").empty());
  CHECK(to_punycode("\xf4\x8f\xbf\xbf.b") == "xn--dn32g.b");
}

TEST_CASE("durations are meant in their own unit where it has a whole number") {
  auto meant = [](const std::string& value) {
    return meant_duration(text(value), std::chrono::milliseconds(1));
  };
  CHECK(meant("2 minutes") == "\"2m\"");
  CHECK(meant("90sec") == "\"90s\"");
  CHECK(meant("1.5h") == "\"90m\"");
  CHECK(meant("0.25s") == "\"250ms\"");
  CHECK(meant("1h30m") == "\"90m\"");
  CHECK(meant("2 weeks") == "\"336h\"");
  CHECK(meant("100000000h").empty());
  CHECK(meant("0.0001s").empty());
  CHECK(meant("0").empty());
  CHECK(meant("5 apples").empty());
}

TEST_CASE("what is meant is never refused itself") {
  for (const char* value :
       {"1", "3s", "1.5 minutes", "99999999999h", "1e9s", "1d", "0.5ms", "..5s", "5s5s"}) {
    CAPTURE(value);
    std::string meant = meant_duration(text(value), std::chrono::milliseconds(1));
    if (!meant.empty()) CHECK(parse_duration(meant.substr(1, meant.size() - 2)).has_value());
  }
  for (const char* value :
       {"*", "_", "a b", "https://", "http:///x", "*.", "..", "**.x", "a:b:c", "@", "ü", "*.*"}) {
    CAPTURE(value);
    std::string meant = meant_host(value);
    if (!meant.empty()) CHECK(parse_host_pattern(meant).ok());
  }
  for (const char* value :
       {"", "*", "a", "~", "^", "/a/../b*", "https://x", "/%zz*", "= ", "/a b?c#d"}) {
    CAPTURE(value);
    std::string meant = meant_path(value);
    if (!meant.empty()) CHECK(parse_path(meant).ok());
  }
}

}  // namespace weir::config::test
