#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

namespace {

std::string line_outcome(std::string_view line, const HeadLimits& limits = {}) {
  return request_outcome(std::string(line) + "\r\nHost: a\r\n\r\n", limits);
}

}  // namespace

TEST_CASE("R05: one empty line before a request is skipped, no more") {
  CHECK(line_outcome("\r\nGET / HTTP/1.1") == "ok");
  RequestHead head;
  std::string bytes = "\r\n" + with_fields("");
  REQUIRE(outcome(parse(bytes, head)) == "ok");
  CHECK(head.head_bytes == bytes.size());
  CHECK(head.method_text == "GET");
  for (std::string_view garbage : {"\r\n\r\n", "\n", "\r\n\n", "\n\r\n", "\r\r\n", " ", "\r\n ",
                                   "\t", "\r\r", "\rG", "\r\n\r"})
    CHECK(request_outcome(std::string(garbage) + with_fields("")) == "bad_request");
  CHECK(request_outcome("\r\n") == "more");
  CHECK(request_outcome("\r") == "more");
  CHECK(request_outcome("") == "more");
}

TEST_CASE("R05: the request line has single spaces and nothing else") {
  for (std::string_view line : {"GET  / HTTP/1.1",
                                "GET /  HTTP/1.1",
                                "GET / HTTP/1.1 ",
                                " GET / HTTP/1.1",
                                "GET\t/ HTTP/1.1",
                                "GET /\tHTTP/1.1",
                                "GET / HTTP/1.1\t",
                                "GET / x HTTP/1.1",
                                "GET",
                                "GET ",
                                "GET / ",
                                "G(T / HTTP/1.1",
                                "G\xc3\x89T / HTTP/1.1",
                                "GET: / HTTP/1.1",
                                "GET / HTTP/1.1 HTTP/1.1",
                                "GET /\x0bHTTP/1.1",
                                "\"GET\" / HTTP/1.1",
                                "GET / HTTP/1,1",
                                "GET/ HTTP/1.1",
                                "GET HTTP/1.1 /",
                                "{} / HTTP/1.1"}) {
    CAPTURE(line);
    CHECK(line_outcome(line) == "bad_request");
  }
}

TEST_CASE("R06: versions") {
  struct Row {
    std::string_view line;
    std::string_view outcome;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"GET / HTTP/1.1", "ok"},
           {"GET / HTTP/1.0", "ok"},
           {"GET / HTTP/1.2", "ok"},
           {"GET / HTTP/1.9", "ok"},
           {"GET /", "version_not_supported"},
           {"GET / HTTP/0.9", "version_not_supported"},
           {"GET / HTTP/2.0", "version_not_supported"},
           {"GET / HTTP/3.0", "version_not_supported"},
           {"GET / HTTP/9.1", "version_not_supported"},
           {"PRI * HTTP/2.0", "version_not_supported"},
           {"GET / HTTP/1", "bad_request"},
           {"GET / HTTP/2", "bad_request"},
           {"GET / HTTP/1.", "bad_request"},
           {"GET / HTTP/.1", "bad_request"},
           {"GET / HTTP/1.10", "bad_request"},
           {"GET / HTTP/01.1", "bad_request"},
           {"GET / HTTP/1.1x", "bad_request"},
           {"GET / HTTP/1.x", "bad_request"},
           {"GET / http/1.1", "bad_request"},
           {"GET / HTTPS/1.1", "bad_request"},
           {"GET / RTSP/1.0", "bad_request"},
           {"GET / ICE/1.0", "bad_request"},
           {"GET / HTTP/-1.1", "bad_request"},
           {"GET / HTTP 1.1", "bad_request"},
       }) {
    CAPTURE(row.line);
    CHECK(line_outcome(row.line) == row.outcome);
  }
  RequestHead head;
  REQUIRE(outcome(parse(with_fields("", "GET / HTTP/1.7"), head)) == "ok");
  CHECK(head.minor_version == 1);
  REQUIRE(outcome(parse(with_fields("", "GET / HTTP/1.0"), head)) == "ok");
  CHECK(head.minor_version == 0);
}

TEST_CASE("R07: any token is a method and case matters") {
  for (const char* method : {"GET", "PURGE", "M-SEARCH", "get", "X", "!#$%&'*+-.^_`|~", "QUERY",
                             "BASELINE-CONTROL-AND-MORE-THAN-TWENTY-FOUR-LETTERS"}) {
    CAPTURE(method);
    RequestHead head;
    REQUIRE(outcome(parse(with_fields("", method + " / HTTP/1.1"s), head)) == "ok");
    CHECK(head.method_text == method);
    CHECK((head.method == Method::kGet) == (method == "GET"s));
  }
  CHECK(method_of("HEAD") == Method::kHead);
  CHECK(method_of("POST") == Method::kPost);
  CHECK(method_of("PUT") == Method::kPut);
  CHECK(method_of("DELETE") == Method::kDelete);
  CHECK(method_of("OPTIONS") == Method::kOptions);
  CHECK(method_of("TRACE") == Method::kTrace);
  CHECK(method_of("PATCH") == Method::kPatch);
  CHECK(method_of("post") == Method::kOther);
  CHECK(method_of("") == Method::kOther);
}

TEST_CASE("R07: CONNECT is not implemented") {
  CHECK(line_outcome("CONNECT a:443 HTTP/1.1") == "not_implemented");
  CHECK(line_outcome("CONNECT / HTTP/1.1") == "not_implemented");
  CHECK(line_outcome("CONNECT a:443 HTTP/1.0") == "not_implemented");
  CHECK(line_outcome("connect / HTTP/1.1") == "ok");
}

TEST_CASE("R07: TRACE has no body, and Max-Forwards is a number") {
  auto trace = [](std::string_view lines) {
    return request_outcome(with_fields(lines, "TRACE / HTTP/1.1"));
  };
  CHECK(trace("") == "ok");
  CHECK(trace("Content-Length: 0\r\n") == "ok");
  CHECK(trace("Content-Length: 1\r\n") == "bad_request");
  CHECK(trace("Transfer-Encoding: chunked\r\n") == "bad_request");
  CHECK(trace("Max-Forwards: x\r\n") == "bad_request");
  CHECK(trace("Max-Forwards: -1\r\n") == "bad_request");
  CHECK(trace("Max-Forwards:\r\n") == "bad_request");
  CHECK(trace("Max-Forwards: 1\r\nMax-Forwards: 1\r\n") == "bad_request");
  RequestHead head;
  REQUIRE(outcome(parse(with_fields("Max-Forwards: 3\r\n", "OPTIONS * HTTP/1.1"), head)) == "ok");
  CHECK(head.max_forwards == 3);
  REQUIRE(outcome(parse(with_fields("Max-Forwards: x\r\n"), head)) == "ok");
  CHECK_FALSE(head.max_forwards.has_value());
}

TEST_CASE("R10: target forms") {
  struct Row {
    std::string_view line;
    std::string_view outcome;
    TargetForm form = TargetForm::kOrigin;
    std::string_view target{};
    std::string_view path{};
    std::string_view query{};
    std::string_view authority{};
    std::string_view host{};
  };
  using enum TargetForm;
  for (const Row& row : std::initializer_list<Row>{
           {"GET / HTTP/1.1", "ok", kOrigin, "/", "/", "", "a", "a"},
           {"GET /x?y?z HTTP/1.1", "ok", kOrigin, "/x?y?z", "/x", "y?z", "a", "a"},
           {"GET /? HTTP/1.1", "ok", kOrigin, "/?", "/", "", "a", "a"},
           {"GET //x//y HTTP/1.1", "ok", kOrigin, "//x//y", "//x//y", "", "a", "a"},
           {"GET /http://b/ HTTP/1.1", "ok", kOrigin, "/http://b/", "/http://b/", "", "a", "a"},
           {"GET http://B.c:80/p?q HTTP/1.1", "ok", kAbsolute, "/p?q", "/p", "q", "B.c:80", "b.c"},
           {"GET HTTPS://b/p HTTP/1.1", "ok", kAbsolute, "/p", "/p", "", "b", "b"},
           {"GET http://b HTTP/1.1", "ok", kAbsolute, "/", "/", "", "b", "b"},
           {"GET http://b?q HTTP/1.1", "ok", kAbsolute, "?q", "/", "q", "b", "b"},
           {"GET http://[::1]:8/p HTTP/1.1", "ok", kAbsolute, "/p", "/p", "", "[::1]:8", "[::1]"},
           {"OPTIONS http://b HTTP/1.1", "ok", kAsterisk, "*", "*", "", "b", "b"},
           {"OPTIONS http://b/ HTTP/1.1", "ok", kAbsolute, "/", "/", "", "b", "b"},
           {"OPTIONS * HTTP/1.1", "ok", kAsterisk, "*", "*", "", "a", "a"},
           {"GET * HTTP/1.1", "bad_request"},
           {"options * HTTP/1.1", "bad_request"},
           {"OPTIONS ** HTTP/1.1", "bad_request"},
           {"OPTIONS *?x HTTP/1.1", "bad_request"},
           {"GET x HTTP/1.1", "bad_request"},
           {"GET a:80 HTTP/1.1", "bad_request"},
           {"GET ?q HTTP/1.1", "bad_request"},
           {"GET ftp://b/ HTTP/1.1", "bad_request"},
           {"GET http:/b HTTP/1.1", "bad_request"},
           {"GET http:///p HTTP/1.1", "bad_request"},
           {"GET http://?q HTTP/1.1", "bad_request"},
           {"GET http:// HTTP/1.1", "bad_request"},
           {"GET ://b/ HTTP/1.1", "bad_request"},
           {"GET http://u@b/ HTTP/1.1", "bad_request"},
           {"GET http://u:p@b/ HTTP/1.1", "bad_request"},
           {"GET http://b:x/ HTTP/1.1", "bad_request"},
           {"GET http://b:99999/ HTTP/1.1", "bad_request"},
           {"GET http://b\\c/ HTTP/1.1", "bad_request"},
           {"GET http://b%2fc/ HTTP/1.1", "bad_request"},
       }) {
    CAPTURE(row.line);
    RequestHead head;
    std::string bytes = std::string(row.line) + "\r\nHost: a\r\n\r\n";
    REQUIRE(outcome(parse(bytes, head)) == row.outcome);
    if (row.outcome != "ok") continue;
    CHECK(head.form == row.form);
    CHECK(head.target == row.target);
    CHECK(head.path == row.path);
    CHECK(head.query == row.query);
    CHECK(head.authority == row.authority);
    CHECK(head.host == row.host);
  }
}

TEST_CASE("R11: targets with a fragment, space, control or raw UTF-8 byte are refused") {
  for (int c = 0; c < 256; ++c) {
    bool is_legal = c > 0x20 && c < 0x7f && c != '#';
    CAPTURE(c);
    std::string line = "GET /a"s + static_cast<char>(c) + "b HTTP/1.1";
    CHECK(line_outcome(line) == (is_legal ? "ok" : "bad_request"));
  }
  CHECK(line_outcome("GET /caf\xc3\xa9 HTTP/1.1") == "bad_request");
  CHECK(line_outcome("GET /#x HTTP/1.1") == "bad_request");
  CHECK(line_outcome("GET http://a/x#y HTTP/1.1") == "bad_request");
}

TEST_CASE("R12: limits of line, head and fields") {
  HeadLimits limits{.start_line_bytes = 40, .head_bytes = 200, .fields = 4};
  std::string fits(40 - std::string("GET / HTTP/1.1").size(), 'a');
  CHECK(line_outcome("GET /" + fits + " HTTP/1.1", limits) == "ok");
  CHECK(line_outcome("GET /" + fits + "a HTTP/1.1", limits) == "uri_too_long");
  CHECK(request_outcome("GET /" + std::string(35, 'a'), limits) == "more");
  CHECK(request_outcome("GET /" + std::string(36, 'a'), limits) == "more");
  CHECK(request_outcome("GET /" + std::string(37, 'a'), limits) == "uri_too_long");
  CHECK(request_outcome(std::string(100, 'A'), limits) == "uri_too_long");

  auto sized = [](std::size_t total) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    return head + std::string(total - head.size() - 4, 'x') + "\r\n\r\n";
  };
  CHECK(request_outcome(sized(200), limits) == "ok");
  CHECK(request_outcome(sized(201), limits) == "head_too_large");
  CHECK(request_outcome(sized(300).substr(0, 199), limits) == "more");
  CHECK(request_outcome(sized(300).substr(0, 200), limits) == "head_too_large");

  CHECK(request_outcome(with_fields("A: 1\r\nB: 2\r\nC: 3\r\n"), limits) == "ok");
  CHECK(request_outcome(with_fields("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"), limits) ==
        "head_too_large");
  CHECK(request_outcome("GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\nE", limits) == "head_too_large");
  HeadLimits narrow{.start_line_bytes = 400, .head_bytes = 20, .fields = 4};
  CHECK(request_outcome("GET /" + std::string(50, 'a'), narrow) == "head_too_large");
}

TEST_CASE("R04, R05: garbage is refused at its first byte, not after a timeout") {
  for (std::string_view garbage :
       {"\x16\x03\x01", "\x16", "\x80", "\xff\xfe", "{\"a\":1", "<html>", "\x01", "\x7f", "(", "=",
        "G\x01", "GET /\x01", "GET / HTTP/1.1\r\n ", "GET / HTTP/1.1\r\nA: \x01",
        "GET / HTTP/1.1\r\nA: b\nc", "GET / HTTP/1.1\r\n:", "GET / HTTP/1.1\n", "GET /\nHost"}) {
    CAPTURE(garbage);
    CHECK(request_outcome(garbage) == "bad_request");
  }
  CHECK(request_outcome("\0"s) == "bad_request");
  CHECK(request_outcome("GET / HTTP/2.0\r\n") == "version_not_supported");
  CHECK(request_outcome("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == "version_not_supported");
  CHECK(request_outcome("SSH-2.0-OpenSSH_9.2\r\n") == "bad_request");
  RequestHead head;
  CHECK(parse("\x16\x03\x01", head).reason == "a TLS handshake where HTTP is spoken");
}
