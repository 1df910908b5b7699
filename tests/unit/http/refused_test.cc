// What a log line can say of a request that was refused.
#include <doctest/doctest.h>

#include "support.h"

namespace weir::http::test {

namespace {

std::string described(std::string_view bytes) {
  RequestHead head;
  // What an earlier request left.
  REQUIRE(parse("PUT /old?q HTTP/1.0\r\nHost: old.example\r\n\r\n", head).status ==
          HeadStatus::kComplete);
  describe_refused(bytes, head);
  return std::string(head.method_text) + "|" + std::string(head.path) + "|" +
         std::string(head.query) + "|" + std::string(head.host) + "|" +
         std::to_string(head.minor_version);
}

}  // namespace

TEST_CASE("a refused request is described as far as it is understood") {
  for (auto [bytes, expected] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"", "||||-1"},
           {"\x16\x03\x01\x02", "||||-1"},
           {"GET", "||||-1"},
           {"GET /cut", "GET||||-1"},
           {"G\x1bT / HTTP/1.1\r\n", "||||-1"},
           {"GET /a?b HTTP/1.1\r\n", "GET|/a|b||1"},
           {"\r\nGET /a HTTP/1.0\r\n", "GET|/a|||0"},
           {"GET /a HTTP/1.1\r\nA: b\r\nHOST: \t Www.Example.com:80 \r\nC:",
            "GET|/a||www.example.com|1"},
           {"GET /a HTTP/1.1\r\nHost: cut.exam", "GET|/a|||1"},
           {"GET /a HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n", "GET|/a|||1"},
           {"GET /a HTTP/1.1\r\nHost: a b\r\n", "GET|/a|||1"},
           {"GET /a HTTP/1.1\r\n\r\nHost: body.example\r\n", "GET|/a|||1"},
           {"GET http://abs.example/x HTTP/1.1\r\nHost: other.example\r\n",
            "GET|/x||abs.example|1"},
           {"GET /a HTTP/2.0\r\nHost: a.example\r\n", "GET|||a.example|-1"},
           {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n", "CONNECT|||a.example|1"},
           {"GET /a#b HTTP/1.1\r\nHost: a.example\r\n", "GET|||a.example|1"}}) {
    CAPTURE(bytes);
    CHECK(described(bytes) == expected);
  }
}

}  // namespace weir::http::test
