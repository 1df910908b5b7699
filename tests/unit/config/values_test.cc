#include "src/config/values.h"

#include <doctest/doctest.h>

#include "src/config/tree.h"

using namespace weir::config;  // NOLINT: a test of everything in it
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("durations are one number and one unit") {
  CHECK(parse_duration("250ms") == milliseconds(250));
  CHECK(parse_duration("2s") == seconds(2));
  CHECK(parse_duration("1m") == minutes(1));
  CHECK(parse_duration("1h") == hours(1));
  CHECK(parse_duration("0s") == weir::Duration::zero());
  CHECK(parse_duration("8760h") == kMaxDuration);
  for (const char* bad :
       {"", "s", "1", "1 s", " 1s", "1s ", "-1s", "+1s", "1.5s", "1m30s", "1S", "1d", "1us",
        "8761h", "99999999999999999999s", "18446744073709551615ms"}) {
    CAPTURE(bad);
    CHECK(!parse_duration(bad));
  }
}

TEST_CASE("durations are shown in their largest whole unit") {
  for (const char* text : {"0s", "250ms", "1500ms", "2s", "60s", "90s", "2m", "1h", "25h"}) {
    CAPTURE(text);
    CHECK(duration_text(*parse_duration(text)) == text);
  }
  CHECK(duration_text(*parse_duration("1m")) == "60s");
  CHECK(duration_text(*parse_duration("60m")) == "1h");
  CHECK(duration_text(*parse_duration("2000ms")) == "2s");
}

TEST_CASE("sizes are bytes or binary multiples") {
  CHECK(parse_size("512B") == 512);
  CHECK(parse_size("32KiB") == 32768);
  CHECK(parse_size("8MiB") == 8388608);
  CHECK(parse_size("1GiB") == 1073741824);
  CHECK(parse_size("1TiB") == 1099511627776);
  for (const char* bad :
       {"", "KiB", "32", "32K", "32KB", "32 KiB", "-1KiB", "1.5MiB", "9999999TiB"}) {
    CAPTURE(bad);
    CHECK(!parse_size(bad));
  }
  CHECK(size_text(0) == "0");
  CHECK(size_text(1000) == "1000");
  CHECK(size_text(8192) == "\"8KiB\"");
  CHECK(size_text(3 << 20) == "\"3MiB\"");
}

TEST_CASE("percentages go from 0 to 100") {
  CHECK(parse_percent("0%") == 0);
  CHECK(parse_percent("20%") == 20);
  CHECK(parse_percent("100%") == 100);
  for (const char* bad : {"", "%", "20", "101%", "-1%", "20 %", "2.5%"}) {
    CAPTURE(bad);
    CHECK(!parse_percent(bad));
  }
}

TEST_CASE("names begin with a letter or digit") {
  for (const char* good : {"web", "9", "a.b-c_d", "Web2"}) CHECK(is_name(good));
  for (const char* bad : {"", "-a", ".a", "_a", "a b", "a/b", "ä"}) CHECK(!is_name(bad));
}

TEST_CASE("hosts become lower case without a trailing dot") {
  struct Case {
    const char* text;
    const char* host;
  };
  std::string longest_label(63, 'a');
  std::string longest =
      longest_label + "." + longest_label + "." + longest_label + "." + std::string(61, 'b');
  for (const Case& c : {Case{"www.example.com", "www.example.com"},
                        {"WWW.Example.COM.", "www.example.com"},
                        {"*.example.com", "*.example.com"},
                        {".example.com", ".example.com"},
                        {".com", ".com"},
                        {"*", "*"},
                        {"localhost", "localhost"},
                        {"_dmarc.a_b.example", "_dmarc.a_b.example"},
                        {"192.0.2.1", "192.0.2.1"},
                        {"[2001:DB8:0::1]", "[2001:db8::1]"},
                        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
                        {longest.c_str(), longest.c_str()}}) {
    CAPTURE(c.text);
    auto host = parse_host_pattern(c.text);
    REQUIRE(host.ok());
    CHECK(*host == c.host);
  }
}

TEST_CASE("what is no host says why") {
  struct Case {
    std::string text;
    const char* problem;
  };
  std::string long_label(64, 'a');
  std::string long_name;
  for (int i = 0; i < 64; ++i) long_name += "abc.";
  for (const Case& c : {Case{"", "is empty"},
                        {"http://www.example.com", "has a scheme"},
                        {"example.com/api", "has a path"},
                        {"u@example.com", "has a user"},
                        {"example.com:80", "has a port"},
                        {"[::1]:80", "has a port"},
                        {"::1", "needs brackets"},
                        {"bücher.example", "punycode"},
                        {"a..b", "empty label"},
                        {".", "is no host name"},
                        {"*.", "wildcard inside"},
                        {"..com", "empty label"},
                        {"a.*.com", "wildcard inside"},
                        {"*a.com", "wildcard inside"},
                        {"**", "wildcard inside"},
                        {"*.*.com", "wildcard inside"},
                        {"a b", "several names"},
                        {"a%b", "has the character"},
                        {"[::g]", "is not an IPv6"},
                        {"[192.0.2.1]", "is not an IPv6"},
                        {"[", "is not an IPv6"},
                        {long_label, "longer than 63"},
                        {long_name + "a", "longer than 253"}}) {
    CAPTURE(c.text);
    auto host = parse_host_pattern(c.text);
    REQUIRE(!host.ok());
    CHECK(host.error().message.find(c.problem) != std::string::npos);
  }
}

TEST_CASE("a Host for backends may have a port") {
  for (const char* good : {"app", "app.internal:8080", "127.0.0.1", "127.0.0.1:80", "[::1]",
                           "[::1]:80", "App.Internal", "a_b"}) {
    CAPTURE(good);
    auto host = parse_host_header(good);
    REQUIRE(host.ok());
    CHECK(*host == good);
  }
  for (const char* bad : {"*", "*.a", ".a", "a:", "a:0", "a:99999", "a:b", "::1", "[::1",
                          "http://a", "a b", "a/b", "a\r\nb", ":80"}) {
    CAPTURE(bad);
    CHECK(!parse_host_header(bad).ok());
  }
}

TEST_CASE("paths compare in their decoded form") {
  struct Case {
    const char* text;
    const char* path;
  };
  for (const Case& c : {Case{"/", ""},
                        {"/api", "/api"},
                        {"/api/", "/api"},
                        {"/a/b", "/a/b"},
                        {"/%61pi", "/api"},
                        {"/a%2Fb", "/a%2Fb"},
                        {"/~x", "/~x"},
                        {"/%7Ex", "/~x"},
                        {"/a%20b", "/a%20b"},
                        {"/...", "/..."},
                        {"/.well-known", "/.well-known"}}) {
    CAPTURE(c.text);
    auto path = parse_path(c.text);
    REQUIRE(path.ok());
    CHECK(*path == c.path);
  }
  for (const char* bad : {"", "api", "/a?b", "/a#b", "/..", "/a/../b", "/.", "/%2e%2e/a", "/%2",
                          "/%zz", "/a b", "/ä", "/api/*", "/a\nb"}) {
    CAPTURE(bad);
    CHECK(!parse_path(bad).ok());
  }
  CHECK(!parse_path("/" + std::string(4096, 'a')).ok());
}

TEST_CASE("texts are quoted as TOML reads them") {
  for (const std::string& text :
       {std::string("plain"), std::string("a\"b\\c\n\t\x01\x7f"), std::string("ü")}) {
    auto root = parse_toml("x = " + in_quotes(text));
    REQUIRE(root.ok());
    CHECK(root->find("x")->text == text);
  }
}
