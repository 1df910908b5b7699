// Failure pages: what they say, and Proxy-Status by RFC 9209.
#include "src/proxy/reply.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace {

using namespace weir;
using namespace weir::proxy;

std::string field_of(const FailurePage& page, std::string_view name) {
  std::string found;
  for (const http::LocalField& field : page.response().fields) {
    if (field.name != name) continue;
    CHECK(found.empty());
    found = field.value;
  }
  return found;
}

std::string proxy_status(std::string_view server_name, std::string_view detail = "") {
  FailurePage page({.failure = Failure::connect_refused,
                    .detail = detail,
                    .server_name = server_name,
                    .request_id = "id"});
  return field_of(page, "Proxy-Status");
}

TEST_CASE("a page tells status, reason and request id, Proxy-Status the detail, too") {
  FailurePage page({.failure = Failure::closed_before_response,
                    .detail = "the backend closed without an answer",
                    .server_name = "weir",
                    .request_id = "abc123"});
  CHECK(page.response().status == 502);
  CHECK(page.response().content_type == "text/plain; charset=utf-8");
  CHECK(page.response().body ==
        "502 Bad Gateway\nThe backend closed the connection before it answered.\n\n"
        "reason: closed_before_response\nrequest id: abc123\n");
  CHECK(field_of(page, "Proxy-Status") ==
        "weir; error=connection_terminated; details=\"closed_before_response: the backend closed "
        "without an answer\"");
  CHECK(field_of(page, "Cache-Control") == "no-store");
  CHECK(field_of(page, "X-Request-Id") == "abc123");
  CHECK(field_of(page, "Vary") == "Accept");
}

TEST_CASE("every failure that is answered has its row's status, token and name") {
  for (std::size_t i = 0; i < kFailureCount; ++i) {
    const FailureRow& row = kFailureRows[i];
    if (row.status == 0) continue;
    FailurePage page(
        {.failure = static_cast<Failure>(i), .server_name = "weir", .request_id = "id"});
    CHECK(page.response().status == row.status);
    CHECK(http::reason_phrase(row.status) != "Unknown");
    CHECK(field_of(page, "Proxy-Status") ==
          "weir; error=" + std::string(row.token) + "; details=\"" + std::string(row.name) + "\"");
    CHECK(page.response().body.find(row.text) != std::string_view::npos);
  }
}

TEST_CASE("only a 503 that time alone can cure says when to come back") {
  std::set<std::string_view> cured;
  for (std::size_t i = 0; i < kFailureCount; ++i) {
    FailurePage page(
        {.failure = static_cast<Failure>(i), .server_name = "weir", .request_id = "id"});
    std::string after = field_of(page, "Retry-After");
    if (after.empty()) continue;
    CHECK(after == "1");
    CHECK(page.response().status == 503);
    cured.insert(kFailureRows[i].name);
  }
  CHECK(cured == std::set<std::string_view>{"overloaded", "no_local_port", "no_usable_backend"});
}

TEST_CASE("a server name that is a token stands as one, any other as a string (RFC 8941)") {
  constexpr std::string_view kRest = "; error=connection_refused; details=\"connect_refused\"";
  for (std::string_view name :
       {"weir", "Weir-1.example.com:80/a", "*", "*weir", "a!#$%&'*+-.^_`|~b"})
    CHECK(proxy_status(name) == std::string(name) + std::string(kRest));
  CHECK(proxy_status("2weir") == "\"2weir\"" + std::string(kRest));
  CHECK(proxy_status("-weir") == "\"-weir\"" + std::string(kRest));
  CHECK(proxy_status("my weir") == "\"my weir\"" + std::string(kRest));
  CHECK(proxy_status("a;b,c=d") == "\"a;b,c=d\"" + std::string(kRest));
  CHECK(proxy_status("a\"b\\c") == "\"a\\\"b\\\\c\"" + std::string(kRest));
  CHECK(proxy_status("w\xc3\xa9\r\n\x7f") == "\"w?????\"" + std::string(kRest));
  CHECK(proxy_status("") == "\"\"" + std::string(kRest));
}

TEST_CASE("a detail cannot end its string or the field") {
  CHECK(proxy_status("weir", "say \"no\"\r\nSet-Cookie: a=b") ==
        "weir; error=connection_refused; details=\"connect_refused: say \\\"no\\\"??Set-Cookie: "
        "a=b\"");
}

TEST_CASE("request ids are 32 hexadecimal digits of both numbers") {
  char id[32];
  format_request_id(0x0123456789abcdef, 0xfedcba9876543210, id);
  CHECK(std::string_view(id, 32) == "0123456789abcdeffedcba9876543210");
  format_request_id(0, 1, id);
  CHECK(std::string_view(id, 32) == "00000000000000000000000000000001");
}

}  // namespace
