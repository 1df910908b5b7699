#include "src/route/host_pattern.h"

#include <doctest/doctest.h>

#include <string>

#include "weir/route/route_table.h"

namespace {

using weir::route::canonical_host_pattern;
using weir::route::is_ip_literal;

TEST_CASE("host patterns have one canonical form") {
  struct Row {
    std::string text;
    std::string canonical;
  };
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  for (const Row& row : {
           Row{"www.example.com", "www.example.com"},
           Row{"WWW.Example.COM", "www.example.com"},
           Row{"www.example.com.", "www.example.com"},
           Row{"*.Example.com", "*.example.com"},
           Row{"*.example.com.", "*.example.com"},
           Row{".example.com", ".example.com"},
           Row{".com", ".com"},
           Row{"*.com", "*.com"},
           Row{"*", "*"},
           Row{"localhost", "localhost"},
           Row{"_dmarc.my_app.example.com", "_dmarc.my_app.example.com"},
           Row{"xn--mnchen-3ya.de", "xn--mnchen-3ya.de"},
           Row{"a-.-b.com", "a-.-b.com"},
           Row{"12345", "12345"},
           Row{"1.example.42a", "1.example.42a"},
           Row{"192.0.2.1", "192.0.2.1"},
           Row{"[2001:DB8:0:0::1]", "[2001:db8::1]"},
           Row{"[::1]", "[::1]"},
           Row{"[::ffff:192.0.2.1]", "192.0.2.1"},
           Row{label + ".com", label + ".com"},
           Row{longest, longest},
           Row{"." + longest, "." + longest},
       }) {
    CAPTURE(row.text);
    auto pattern = canonical_host_pattern(row.text);
    REQUIRE(pattern.ok());
    CHECK(*pattern == row.canonical);
  }
}

TEST_CASE("what is no host pattern says why") {
  struct Row {
    std::string text;
    std::string reason;
  };
  for (const Row& row : {
           Row{"", "is empty"},
           Row{".", "names nothing"},
           Row{"..", "names nothing"},
           Row{"*.", "'*'"},
           Row{"*.*", "'*'"},
           Row{"*.*.example.com", "'*'"},
           Row{"a.*.example.com", "'*'"},
           Row{"*example.com", "'*'"},
           Row{"www*.example.com", "'*'"},
           Row{"a..b", "empty label"},
           Row{"..example.com", "empty label"},
           Row{".*.example.com", "'*'"},
           Row{"example.com..", "empty label"},
           Row{"example.com:80", "has a port"},
           Row{"[::1]:80", "IPv6"},
           Row{"[::1", "IPv6"},
           Row{"[192.0.2.1]", "IPv6"},
           Row{"[]", "IPv6"},
           Row{"2001:db8::1", "brackets"},
           Row{"192.0.2.256", "IPv4"},
           Row{"192.0.2", "IPv4"},
           Row{"*.0.2.1", "IP address"},
           Row{".0.0.1", "IP address"},
           Row{"example.com/path", "no host name has"},
           Row{"exa mple.com", "no host name has"},
           Row{"user@example.com", "no host name has"},
           Row{"münchen.de", "xn--"},
           Row{std::string(64, 'a') + ".com", "63"},
           Row{std::string(254, 'a'), "253"},
           Row{std::string("a\0b", 3), "no host name has"},
       }) {
    CAPTURE(row.text);
    auto pattern = canonical_host_pattern(row.text);
    REQUIRE(!pattern.ok());
    CHECK(pattern.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("IP literals are told from names") {
  CHECK(is_ip_literal("192.0.2.1"));
  CHECK(is_ip_literal("[2001:db8::1]"));
  CHECK(!is_ip_literal("12345"));
  CHECK(!is_ip_literal("a.1"));
  CHECK(!is_ip_literal("1.a"));
  CHECK(!is_ip_literal(""));
}

}  // namespace
