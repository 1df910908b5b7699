#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

ResponseForwarding plain() {
  ResponseForwarding how;
  how.server_name = "weir";
  how.date = kDate;
  return how;
}

// The answer's head as the client gets it; framed as the backend framed it.
std::string answered(std::string_view bytes, ResponseForwarding how, Method method = Method::kGet) {
  ResponseHead head;
  HeadResult result = parse(bytes, head, method);
  if (result.status != HeadStatus::kComplete) return "refused: " + std::string(result.reason);
  if (how.body.kind == BodyKind::kNone) how.body = head.body;
  Buffer out;
  append_response_head(out, head, how);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("R13, R14, R15: the whole head as a client gets it") {
  CHECK(answered("HTTP/1.0 200 Fine\r\nServer: x\r\nSet-Cookie: a\r\nContent-Length: 03\r\n"
                 "set-cookie: b\r\nConnection: keep-alive, X-Own\r\nKeep-Alive: timeout=5\r\n"
                 "X-Own: 1\r\nVia: 1.1 inner\r\nX_Forwarded_For: x\r\n\r\n",
                 plain()) ==
        "HTTP/1.1 200 Fine\r\n"
        "Server: x\r\n"
        "Set-Cookie: a\r\n"
        "Content-Length: 3\r\n"
        "set-cookie: b\r\n"
        "X_Forwarded_For: x\r\n"
        "Via: 1.1 inner, 1.0 weir\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "\r\n");
}

TEST_CASE("R13: hop-by-hop fields of a response end here") {
  for (std::string_view line :
       {"Connection: close", "Keep-Alive: timeout=5", "Proxy-Connection: x", "TE: trailers",
        "Upgrade: h2c", "HTTP2-Settings: x", "Trailer: X"}) {
    CAPTURE(line);
    std::string bytes = response_with("Content-Length: 0\r\n" + std::string(line) + "\r\n");
    std::string name(line.substr(0, line.find(':')));
    CHECK(count_fields(answered(bytes, plain()), name) == 0);
  }
  std::string kept =
      answered(response_with("Proxy-Authenticate: x\r\nContent-Length: 0\r\n"), plain());
  CHECK(has_line(kept, "Proxy-Authenticate: x"));
}

TEST_CASE("R20: response framing is written anew") {
  std::string chunked = answered(response_with("transfer-encoding:\tCHUNKED\r\n"), plain());
  CHECK(has_line(chunked, "Transfer-Encoding: chunked"));
  CHECK(count_fields(chunked, "Transfer-Encoding") == 1);
  ResponseForwarding how = plain();
  how.body = {BodyKind::kChunked, 0};
  CHECK(has_line(answered(response_with(""), how), "Transfer-Encoding: chunked"));
  std::string until_close = answered(response_with(""), plain());
  CHECK(has_line(until_close, "Connection: close"));
  CHECK(count_fields(until_close, "Transfer-Encoding") == 0);
  how.body = {BodyKind::kLength, 9};
  CHECK(has_line(answered(response_with(""), how), "Content-Length: 9"));
}

TEST_CASE("R20: answers without a body keep the length of a GET, 1xx and 204 lose theirs") {
  std::string lines = "Content-Length: 7\r\n";
  auto count = [&](std::string_view start, Method method) {
    std::string head = answered(response_with(lines, start), plain(), method);
    return count_fields(head, lines.substr(0, lines.find(':')));
  };
  CHECK(count("HTTP/1.1 200 OK", Method::kHead) == 1);
  CHECK(count("HTTP/1.1 304 x", Method::kGet) == 1);
  CHECK(has_line(answered(response_with("Content-Length: 007\r\n"), plain(), Method::kHead),
                 "Content-Length: 7"));
  CHECK(count("HTTP/1.1 204 x", Method::kGet) == 0);
  CHECK(count("HTTP/1.1 100 x", Method::kGet) == 0);
  CHECK(count("HTTP/1.1 103 x", Method::kGet) == 0);
  lines = "Transfer-Encoding: chunked\r\n";
  CHECK(count("HTTP/1.1 204 x", Method::kGet) == 0);
  CHECK(count("HTTP/1.1 103 x", Method::kGet) == 0);
  CHECK(count("HTTP/1.1 304 x", Method::kGet) == 0);
  CHECK(count("HTTP/1.1 200 x", Method::kHead) == 0);
}

TEST_CASE("R23: informational heads have no framing, no Date and no Connection but for 101") {
  std::string hints = answered(
      response_with("Link: </a>\r\nConnection: keep-alive\r\n", "HTTP/1.1 103 Early Hints"),
      plain());
  CHECK(hints == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nVia: 1.1 weir\r\n\r\n");
  ResponseForwarding how = plain();
  how.upgrade = "websocket";
  std::string switched = answered(
      response_with("Upgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n",
                    "HTTP/1.1 101 Switching Protocols"),
      how);
  CHECK(switched ==
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nVia: 1.1 weir\r\n"
        "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n");
}

TEST_CASE("R26: a Date is added when there is none, Trailer kept when trailers are sent") {
  std::string dated = answered(response_with("date: x\r\nContent-Length: 0\r\n"), plain());
  CHECK(count_fields(dated, "Date") == 1);
  CHECK(has_line(dated, "date: x"));
  ResponseForwarding how = plain();
  how.sends_trailers = true;
  std::string bytes = response_with("Transfer-Encoding: chunked\r\nTrailer: X\r\n");
  CHECK(has_line(answered(bytes, how), "Trailer: X"));
  CHECK(count_fields(answered(bytes, plain()), "Trailer") == 0);
}

TEST_CASE("R27, R29: what the client is told about its connection") {
  ResponseForwarding how = plain();
  std::string bytes = response_with("Content-Length: 1\r\n");
  CHECK(count_fields(answered(bytes, how), "Connection") == 0);
  how.client_minor_version = 0;
  CHECK(has_line(answered(bytes, how), "Connection: keep-alive"));
  how.keep_alive = false;
  CHECK(has_line(answered(bytes, how), "Connection: close"));
  how.client_minor_version = 1;
  CHECK(has_line(answered(bytes, how), "Connection: close"));
  CHECK(count_fields(answered(bytes, how), "Connection") == 1);
}

TEST_CASE("R20, R27: answers of our own") {
  auto local = [](LocalResponse response) {
    Buffer out;
    append_local_response(out, response);
    return std::string(out.view());
  };
  LocalField fields[] = {{"Retry-After", "1"}};
  CHECK(local({.status = 503,
               .content_type = "text/plain",
               .body = "no\n",
               .fields = fields,
               .keep_alive = false,
               .date = kDate}) ==
        "HTTP/1.1 503 Service Unavailable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Type: text/plain\r\nContent-Length: 3\r\nRetry-After: 1\r\nConnection: close\r\n"
        "\r\nno\n");
  CHECK(local({.content_type = "text/plain", .body = "abc", .is_head = true}) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n");
  CHECK(local({.status = 404, .client_minor_version = 0}) ==
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(local({.status = 204}) == "HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(local({.status = 100}) == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(local({.status = 304, .content_type = "text/plain", .body = "x"}) ==
        "HTTP/1.1 304 Not Modified\r\n\r\n");
}

TEST_CASE("R26: dates") {
  auto date = [](std::int64_t seconds) {
    char text[29];
    format_http_date(WallTime(std::chrono::seconds(seconds)), text);
    return std::string(text, 29);
  };
  CHECK(date(784111777) == kDate);
  CHECK(date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date(951782399) == "Mon, 28 Feb 2000 23:59:59 GMT");
  CHECK(date(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(date(1709251199) == "Thu, 29 Feb 2024 23:59:59 GMT");
  CHECK(date(1798761599) == "Thu, 31 Dec 2026 23:59:59 GMT");
  CHECK(date(4102444800) == "Fri, 01 Jan 2100 00:00:00 GMT");
}

TEST_CASE("R20: every status that a failure answers with has a phrase") {
  for (const FailureRow& row : kFailureRows)
    if (row.status != 0) CHECK(reason_phrase(row.status) != "Unknown");
  CHECK(reason_phrase(599) == "Unknown");
}
