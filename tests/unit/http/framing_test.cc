#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

namespace {

struct Probe {
  std::string_view lines;
  std::string_view outcome;
};

void check_requests(std::initializer_list<Probe> probes,
                    std::string_view start = "POST / HTTP/1.1") {
  for (const Probe& probe : probes) {
    CAPTURE(probe.lines);
    CHECK(request_outcome(with_fields(probe.lines, start)) == probe.outcome);
  }
}

void check_responses(std::initializer_list<Probe> probes,
                     std::string_view start = "HTTP/1.1 200 OK") {
  for (const Probe& probe : probes) {
    CAPTURE(probe.lines);
    CHECK(response_outcome(response_with(probe.lines, start)) == probe.outcome);
  }
}

}  // namespace

TEST_CASE("R01: Transfer-Encoding with Content-Length is refused") {
  check_requests({
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "bad_request"},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "bad_request"},
      {"Content-Length: 0\r\ntransfer-encoding:chunked\r\n", "bad_request"},
      {"Content-Length: 5\r\nX: y\r\nTransfer-Encoding: gzip\r\n", "bad_request"},
      {"Content-Length: 5\r\nTransfer-Encoding:\r\n", "bad_request"},
  });
}

TEST_CASE("R01: only chunked, once, is a transfer coding") {
  check_requests({
      {"Transfer-Encoding: chunked\r\n", "ok"},
      {"Transfer-Encoding:chunked\r\n", "ok"},
      {"Transfer-Encoding: CHUNKED\r\n", "ok"},
      {"tRaNsFeR-eNcOdInG: Chunked\r\n", "ok"},
      {"Transfer-Encoding: \t chunked \t \r\n", "ok"},
      {"Transfer-Encoding:\tchunked\t\r\n", "ok"},
      {"Transfer-Encoding:\r\n", "bad_request"},
      {"Transfer-Encoding:  \t\r\n", "bad_request"},
      {"Transfer-Encoding: ,\r\n", "bad_request"},
      {"Transfer-Encoding: ,chunked\r\n", "bad_request"},
      {"Transfer-Encoding: chunked,\r\n", "bad_request"},
      {"Transfer-Encoding: chunked, chunked\r\n", "bad_request"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "bad_request"},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "bad_request"},
      {"Transfer-Encoding: identity\r\n", "bad_request"},
      {"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "bad_request"},
      {"Transfer-Encoding: identity, chunked\r\n", "bad_request"},
      {"Transfer-Encoding: chunked, identity\r\n", "bad_request"},
      {"Transfer-Encoding: gzip\r\n", "bad_request"},
      {"Transfer-Encoding: chunked, gzip\r\n", "bad_request"},
      {"Transfer-Encoding: gzip, chunked, gzip\r\n", "bad_request"},
      {"Transfer-Encoding: gzip, chunked, chunked\r\n", "bad_request"},
      {"Transfer-Encoding: xchunked\r\n", "bad_request"},
      {"Transfer-Encoding: chunkedx\r\n", "bad_request"},
      {"Transfer-Encoding: chunke\r\n", "bad_request"},
      {"Transfer-Encoding: \"chunked\"\r\n", "bad_request"},
      {"Transfer-Encoding: chunked;q=1\r\n", "bad_request"},
      {"Transfer-Encoding: chunked; a=b\r\n", "bad_request"},
      {"Transfer-Encoding: chunked chunked\r\n", "bad_request"},
      {"Transfer-Encoding: \x80"
       "chunked\r\n",
       "bad_request"},
      {"Transfer-Encoding: x, chunked\r\n", "bad_request"},
  });
}

TEST_CASE("R01: a known coding before chunked is not implemented") {
  check_requests({
      {"Transfer-Encoding: gzip, chunked\r\n", "not_implemented"},
      {"Transfer-Encoding: GZIP,chunked\r\n", "not_implemented"},
      {"Transfer-Encoding: x-gzip, chunked\r\n", "not_implemented"},
      {"Transfer-Encoding: deflate, chunked\r\n", "not_implemented"},
      {"Transfer-Encoding: compress\t,\tchunked\r\n", "not_implemented"},
      {"Transfer-Encoding: gzip, deflate, chunked\r\n", "not_implemented"},
  });
}

TEST_CASE("R01: Transfer-Encoding in HTTP/1.0 is refused") {
  check_requests({{"Transfer-Encoding: chunked\r\n", "bad_request"},
                  {"Transfer-Encoding: gzip, chunked\r\n", "bad_request"},
                  {"Transfer-Encoding:\r\n", "bad_request"},
                  {"Content-Length: 3\r\n", "ok"}},
                 "POST / HTTP/1.0");
}

TEST_CASE("R02: Content-Length is digits only, one field, one value") {
  check_requests({
      {"Content-Length: 0\r\n", "ok"},
      {"Content-Length: 5\r\n", "ok"},
      {"content-length:5\r\n", "ok"},
      {"Content-Length:\t5\t\r\n", "ok"},
      {"Content-Length: 5 \t \r\n", "ok"},
      {"Content-Length: 9223372036854775807\r\n", "ok"},
      {"Content-Length: 9223372036854775808\r\n", "bad_request"},
      {"Content-Length: 18446744073709551615\r\n", "bad_request"},
      {"Content-Length: 18446744073709551616\r\n", "bad_request"},
      {"Content-Length: 18446744073709551621\r\n", "bad_request"},
      {"Content-Length: 99999999999999999999999999999999\r\n", "bad_request"},
      {"Content-Length:\r\n", "bad_request"},
      {"Content-Length: \t \r\n", "bad_request"},
      {"Content-Length: +5\r\n", "bad_request"},
      {"Content-Length: -5\r\n", "bad_request"},
      {"Content-Length: -0\r\n", "bad_request"},
      {"Content-Length: 0x5\r\n", "bad_request"},
      {"Content-Length: 5a\r\n", "bad_request"},
      {"Content-Length: a\r\n", "bad_request"},
      {"Content-Length: 5.0\r\n", "bad_request"},
      {"Content-Length: 5e0\r\n", "bad_request"},
      {"Content-Length: 1_0\r\n", "bad_request"},
      {"Content-Length: 1 0\r\n", "bad_request"},
      {"Content-Length: 5, 5\r\n", "bad_request"},
      {"Content-Length: 5,\r\n", "bad_request"},
      {"Content-Length: ,5\r\n", "bad_request"},
      {"Content-Length: \"5\"\r\n", "bad_request"},
      {"Content-Length: 5;\r\n", "bad_request"},
      {"Content-Length: \xd9\xa5\r\n", "bad_request"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "bad_request"},
      {"Content-Length: 5\r\nX: y\r\nCONTENT-LENGTH: 6\r\n", "bad_request"},
      {"Content-Length: 0\r\nContent-Length:\r\n", "bad_request"},
  });
}

TEST_CASE("R02: the length is what it says") {
  RequestHead head;
  CHECK(outcome(parse(with_fields("Content-Length: 9223372036854775807\r\n"), head)) == "ok");
  CHECK(head.body.kind == BodyKind::kLength);
  CHECK(head.body.length == 9223372036854775807u);
  CHECK(outcome(parse(with_fields("Content-Length: 007\r\n"), head)) == "ok");
  CHECK(head.body.length == 7);
  CHECK(outcome(parse(with_fields(""), head)) == "ok");
  CHECK(head.body.kind == BodyKind::kNone);
  CHECK_FALSE(head.body.has_body());
  CHECK(outcome(parse(with_fields("Transfer-Encoding: chunked\r\n"), head)) == "ok");
  CHECK(head.body.kind == BodyKind::kChunked);
}

TEST_CASE("R21: responses with contradicting or broken framing are refused") {
  check_responses({
      {"Content-Length: 5\r\n", "ok"},
      {"Content-Length:\t5\r\n", "ok"},
      {"Transfer-Encoding: chunked\r\n", "ok"},
      {"", "ok"},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "bad_response"},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "bad_response"},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "bad_response"},
      {"Content-Length: 5, 5\r\n", "bad_response"},
      {"Content-Length: -1\r\n", "bad_response"},
      {"Content-Length: +1\r\n", "bad_response"},
      {"Content-Length: 9223372036854775808\r\n", "bad_response"},
      {"Content-Length:\r\n", "bad_response"},
      {"Transfer-Encoding: chunked, chunked\r\n", "bad_response"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "bad_response"},
      {"Transfer-Encoding: gzip, chunked\r\n", "bad_response"},
      {"Transfer-Encoding: gzip\r\n", "bad_response"},
      {"Transfer-Encoding: identity\r\n", "bad_response"},
      {"Transfer-Encoding:\r\n", "bad_response"},
  });
  check_responses({{"Transfer-Encoding: chunked\r\n", "bad_response"}}, "HTTP/1.0 200 OK");
}

TEST_CASE("R20: which answers have a body") {
  struct Row {
    std::string_view start;
    std::string_view lines;
    Method method;
    BodyKind kind;
    std::uint64_t length;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"HTTP/1.1 200 OK", "Content-Length: 7\r\n", Method::kGet, BodyKind::kLength, 7},
           {"HTTP/1.1 200 OK", "Content-Length: 0\r\n", Method::kGet, BodyKind::kLength, 0},
           {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Method::kGet, BodyKind::kChunked,
            0},
           {"HTTP/1.1 200 OK", "", Method::kGet, BodyKind::kUntilClose, 0},
           {"HTTP/1.0 200 OK", "", Method::kGet, BodyKind::kUntilClose, 0},
           {"HTTP/1.1 200 OK", "Content-Length: 7\r\n", Method::kHead, BodyKind::kNone, 0},
           {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Method::kHead, BodyKind::kNone, 0},
           {"HTTP/1.1 200 OK", "", Method::kHead, BodyKind::kNone, 0},
           {"HTTP/1.1 204 No Content", "Content-Length: 7\r\n", Method::kGet, BodyKind::kNone, 0},
           {"HTTP/1.1 204 No Content", "", Method::kGet, BodyKind::kNone, 0},
           {"HTTP/1.1 304 Not Modified", "Content-Length: 7\r\n", Method::kGet, BodyKind::kNone, 0},
           {"HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked\r\n", Method::kGet,
            BodyKind::kNone, 0},
           {"HTTP/1.1 100 Continue", "Content-Length: 7\r\n", Method::kPost, BodyKind::kNone, 0},
           {"HTTP/1.1 103 Early Hints", "Transfer-Encoding: chunked\r\n", Method::kGet,
            BodyKind::kNone, 0},
           {"HTTP/1.1 101 Switching Protocols", "Connection: upgrade\r\nUpgrade: x\r\n",
            Method::kGet, BodyKind::kNone, 0},
           {"HTTP/1.1 205 Reset Content", "", Method::kGet, BodyKind::kUntilClose, 0},
           {"HTTP/1.1 500 x", "Content-Length: 3\r\n", Method::kPost, BodyKind::kLength, 3},
       }) {
    CAPTURE(row.start);
    CAPTURE(row.lines);
    ResponseHead head;
    REQUIRE(outcome(parse(response_with(row.lines, row.start), head, row.method)) == "ok");
    CHECK(head.body.kind == row.kind);
    CHECK(head.body.length == row.length);
  }
}

TEST_CASE("R22: a backend that announces a body where none may be is not used again") {
  ResponseHead head;
  CHECK(outcome(parse(response_with("Content-Length: 7\r\n", "HTTP/1.1 204 x"), head)) == "ok");
  CHECK_FALSE(head.keeps_alive);
  CHECK(outcome(parse(response_with("Content-Length: 0\r\n", "HTTP/1.1 204 x"), head)) == "ok");
  CHECK(head.keeps_alive);
  CHECK(outcome(parse(response_with("Content-Length: 7\r\n", "HTTP/1.1 304 x"), head)) == "ok");
  CHECK(head.keeps_alive);
}

TEST_CASE("R13: whether Connection names fields is remembered, for the sake of trailers") {
  struct Row {
    std::string_view lines;
    bool names_fields;
  };
  RequestHead request;
  ResponseHead response;
  for (const Row& row : std::initializer_list<Row>{
           {"Connection: X-Sum\r\n", true},
           {"", false},
           {"Connection: close, X-Sum\r\n", true},
           {"Connection: Close\r\nConnection: KEEP-alive ,\tte, , Upgrade\r\n", false},
           {"Connection: TE\r\nConnection: keep-alive, trailer\r\n", true},
           {"Connection: upgrade, HTTP2-Settings\r\n", true},
           {"Connection: t\r\n", true},
           {"Connection:\r\n", false},
           {"Connection: ,\r\n", false},
       }) {
    CAPTURE(row.lines);
    REQUIRE(outcome(parse(with_fields(row.lines), request)) == "ok");
    CHECK(request.connection_names_fields == row.names_fields);
    REQUIRE(outcome(parse(response_with(row.lines), response)) == "ok");
    CHECK(response.connection_names_fields == row.names_fields);
  }
}

TEST_CASE("R13: a Connection that names a protected field is an attack") {
  for (const char* name : {"Host", "host", "Content-Length", "Transfer-Encoding", "Authorization",
                           "COOKIE", "Forwarded", "Via", "X-Forwarded-For", "x-forwarded-proto",
                           "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Anything",
                           "X-Request-Id", "traceparent", "Expect", "Max-Forwards", "Date"}) {
    CAPTURE(name);
    std::string lines = "Connection: keep-alive, \t"s + name + "\t\r\n";
    CHECK(request_outcome(with_fields(lines)) == "bad_request");
    CHECK(response_outcome(response_with(lines)) == "bad_response");
    lines = "Connection: close\r\nX: y\r\nConnection: "s + name + "\r\n";
    CHECK(request_outcome(with_fields(lines)) == "bad_request");
  }
  check_requests({{"Connection: close, X-Own, Trailer\r\n", "ok"},
                  {"Connection:\r\n", "ok"},
                  {"Connection: ,, close ,\r\n", "ok"},
                  {"Connection: \"close\"\r\n", "bad_request"},
                  {"Connection: close;q=1\r\n", "bad_request"},
                  {"Connection: a b\r\n", "bad_request"}});
  std::string many = "Connection: a";
  for (int i = 0; i < 31; ++i) many += ",a";
  CHECK(request_outcome(with_fields(many + "\r\n")) == "ok");
  CHECK(request_outcome(with_fields(many + ",a\r\n")) == "bad_request");
}

TEST_CASE("R27, R29: who keeps the connection") {
  struct Row {
    int minor;
    std::string_view lines;
    bool keeps_alive;
  };
  for (const Row& row : std::initializer_list<Row>{
           {1, "", true},
           {1, "Connection: close\r\n", false},
           {1, "Connection: CLOSE\r\n", false},
           {1, "Connection: close\t\r\n", false},
           {1, "Connection:\tclose\r\n", false},
           {1, "Connection: x, close\r\n", false},
           {1, "Connection: x\r\nConnection: close\r\n", false},
           {1, "Connection: keep-alive, close\r\n", false},
           {1, "Connection: keep-alive\r\n", true},
           {1, "Connection: closed\r\n", true},
           {1, "Proxy-Connection: close\r\n", true},
           {0, "", false},
           {0, "Connection: keep-alive\r\n", true},
           {0, "Connection: Keep-Alive\t\r\n", true},
           {0, "Connection: keep-alive, close\r\n", false},
           {0, "Connection: close\r\n", false},
           {0, "Proxy-Connection: keep-alive\r\n", false},
           {0, "Keep-Alive: timeout=5\r\n", false},
       }) {
    CAPTURE(row.minor);
    CAPTURE(row.lines);
    std::string version = "HTTP/1."s + static_cast<char>('0' + row.minor);
    RequestHead request;
    REQUIRE(outcome(parse(with_fields(row.lines, "GET / " + version), request)) == "ok");
    CHECK(request.wants_keep_alive == row.keeps_alive);
    ResponseHead response;
    std::string lines = "Content-Length: 0\r\n" + std::string(row.lines);
    REQUIRE(outcome(parse(response_with(lines, version + " 200 OK"), response)) == "ok");
    CHECK(response.keeps_alive == row.keeps_alive);
  }
}
