#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

namespace {

std::string forwarded_fields(std::string_view lines, bool is_peer_trusted = false,
                             std::string_view start = "GET / HTTP/1.1") {
  RequestForwarding how = plain_forwarding();
  how.is_peer_trusted = is_peer_trusted;
  return forwarded(with_fields(lines, start), how);
}

// `lines` does not come through, whoever sends it.
void check_removed(std::string_view lines, std::string_view name) {
  CAPTURE(lines);
  for (bool is_trusted : {false, true})
    CHECK(count_fields(forwarded_fields(lines, is_trusted), name) == 0);
}

}  // namespace

TEST_CASE("R13, R14, R15: the whole head as a backend gets it") {
  RequestForwarding how = plain_forwarding();
  how.scheme = Scheme::kHttps;
  how.listener_port = 443;
  how.body = {BodyKind::kLength, 3};
  CHECK(forwarded("POST /a%2Fb?c HTTP/1.1\r\nX-A: 1\r\nHost: Example.com:443\r\n"
                  "content-length: 003\r\nCookie: a\r\nX-B:  2 \r\ncookie: b\r\nX-A: 3\r\n"
                  "Connection: keep-alive\r\nX-Empty:\r\n\r\n",
                  how) ==
        "POST /a%2Fb?c HTTP/1.1\r\n"
        "Host: Example.com:443\r\n"
        "X-A: 1\r\n"
        "Content-Length: 3\r\n"
        "Cookie: a\r\n"
        "X-B: 2\r\n"
        "cookie: b\r\n"
        "X-A: 3\r\n"
        "X-Empty: \r\n"
        "Via: 1.1 weir\r\n"
        "X-Forwarded-For: 192.0.2.1\r\n"
        "X-Forwarded-Proto: https\r\n"
        "X-Forwarded-Host: Example.com:443\r\n"
        "X-Forwarded-Port: 443\r\n"
        "Forwarded: for=192.0.2.1;host=\"Example.com:443\";proto=https\r\n"
        "X-Request-Id: id-1\r\n"
        "\r\n");
}

TEST_CASE("R13: hop-by-hop fields end here") {
  check_removed("Connection: close\r\n", "Connection");
  check_removed("Connection: keep-alive\r\n", "Connection");
  check_removed("Keep-Alive: timeout=5\r\n", "Keep-Alive");
  check_removed("Proxy-Connection: keep-alive\r\n", "Proxy-Connection");
  check_removed("TE: gzip\r\n", "TE");
  check_removed("HTTP2-Settings: AAMAAABkAAQAAP__\r\n", "HTTP2-Settings");
  check_removed("Connection: upgrade\r\nUpgrade: h2c\r\n", "Upgrade");
  check_removed("Upgrade: websocket\r\n", "Upgrade");
  check_removed("X-Own: 1\r\nConnection: close, x-own\r\nX-OWN: 2\r\n", "X-Own");
  check_removed("Connection: X-Own\r\nConnection: Y\r\nX-Own: 1\r\n", "X-Own");
  check_removed("Connection: close\r\nClose: 1\r\n", "Close");
  check_removed("Connection: User-Agent\r\nUser-Agent: x\r\n", "User-Agent");
  check_removed("Trailer: X\r\n", "Trailer");
  CHECK(count_fields(forwarded_fields("Connection: X\r\nX-Own: 1\r\n"), "X-Own") == 1);
}

TEST_CASE("R14: everything else passes in its order, with its case and its doubles") {
  std::string lines =
      "Proxy-Authorization: Basic x\r\nAuthorization: y\r\nset-COOKIE: 1\r\nX: 1\r\nx: 2\r\n"
      "X: 1\r\nAccept-Encoding: gzip\r\nx_plain: 3\r\nRange: bytes=0-1\r\ntraceparent: 00-1\r\n"
      "User_Agent: u\r\nx-forwarded: on\r\n";
  std::string head = forwarded_fields(lines);
  CHECK(head.find("\r\nHost: a\r\n" + lines + "Via: ") != std::string::npos);
}

TEST_CASE("R15: forwarding fields are replaced, or appended for a trusted peer") {
  std::string lines =
      "X-Forwarded-For: 10.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
      "X-Forwarded-Port: 99\r\nForwarded: for=10.9.9.9\r\nX-Request-Id: theirs\r\n"
      "x-forwarded-for: 10.8.8.8\r\nForwarded: for=\"[::1]:5\";by=x\r\n";
  std::string untrusted = forwarded_fields(lines);
  CHECK(untrusted.find("10.9.9.9") == std::string::npos);
  CHECK(untrusted.find("evil") == std::string::npos);
  CHECK(untrusted.find("theirs") == std::string::npos);
  CHECK(has_line(untrusted, "X-Forwarded-For: 192.0.2.1"));
  CHECK(has_line(untrusted, "X-Forwarded-Proto: http"));
  CHECK(has_line(untrusted, "X-Forwarded-Host: a"));
  CHECK(has_line(untrusted, "X-Forwarded-Port: 80"));
  CHECK(has_line(untrusted, "Forwarded: for=192.0.2.1;host=a;proto=http"));
  std::string trusted = forwarded_fields(lines, true);
  CHECK(has_line(trusted, "X-Forwarded-For: 10.9.9.9, 10.8.8.8, 192.0.2.1"));
  CHECK(has_line(trusted, "X-Forwarded-Proto: http"));
  CHECK(has_line(trusted, "X-Forwarded-Host: evil"));
  CHECK(has_line(trusted, "X-Forwarded-Port: 99"));
  CHECK(has_line(trusted,
                 "Forwarded: for=10.9.9.9, for=\"[::1]:5\";by=x, "
                 "for=192.0.2.1;host=a;proto=http"));
  for (const std::string& head : {untrusted, trusted})
    for (const char* name : {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
                             "X-Forwarded-Port", "Forwarded", "X-Request-Id", "Via"})
      CHECK(count_fields(head, name) == 1);
}

TEST_CASE("R15: nothing of X-Forwarded-* comes through from an untrusted peer") {
  for (std::string_view name :
       {"X-Forwarded-Ssl", "X-Forwarded-Scheme", "X-Forwarded-Prefix", "x-forwarded-server",
        "X_Forwarded_Ssl", "X-Forwarded_By", "x_FORWARDED-Uri", "X-Forwarded-"}) {
    CAPTURE(name);
    std::string line = std::string(name) + ": evil";
    CHECK(count_fields(forwarded_fields(line + "\r\n"), name) == 0);
    CHECK(has_line(forwarded_fields(line + "\r\n", true), line));
  }
}

TEST_CASE("R15: an open quotation mark in a received Forwarded does not swallow ours") {
  constexpr std::string_view kOurs = "for=192.0.2.1;host=a;proto=http";
  auto forwarded_line = [](std::string_view lines) {
    std::string head = forwarded_fields(lines, true);
    std::size_t begin = head.find("\r\nForwarded: ") + 13;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  };
  for (std::string_view open : {R"(for="1.1.1.1)", R"(for="6.6.6.6\")", R"(for="a\\\")",
                                R"(for="a\"b)", R"(for=a;by="\)", R"(for=\")"}) {
    CAPTURE(open);
    CHECK(forwarded_line("Forwarded: " + std::string(open) + "\r\n") == kOurs);
  }
  // Two fields that close each other's are open each.
  CHECK(forwarded_line("Forwarded: for=\"a\r\nForwarded: b\"\r\n") == kOurs);
  for (std::string_view closed :
       {R"(for="a\"b")", R"(for="a\\")", R"(for=\a)", R"(for="a";by="b")"}) {
    CAPTURE(closed);
    CHECK(forwarded_line("Forwarded: " + std::string(closed) + "\r\n") ==
          std::string(closed) + ", " + std::string(kOurs));
  }
}

TEST_CASE("R15: IPv6 and Unix peers in each field's own syntax") {
  RequestForwarding how = plain_forwarding();
  how.peer = IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 80);
  std::string head = forwarded("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", how);
  CHECK(has_line(head, "X-Forwarded-For: 2001:db8::1"));
  CHECK(has_line(head, "Forwarded: for=\"[2001:db8::1]\";host=\"[::1]:8080\";proto=http"));
  how.peer = IpAddress();
  how.listener_port = 0;
  head = forwarded(with_fields(""), how);
  CHECK(count_fields(head, "X-Forwarded-For") == 0);
  CHECK(count_fields(head, "X-Forwarded-Port") == 0);
  CHECK(has_line(head, "Forwarded: for=unknown;host=a;proto=http"));
  how.is_peer_trusted = true;
  head = forwarded(with_fields("X-Forwarded-For: 1.2.3.4\r\n"), how);
  CHECK(has_line(head, "X-Forwarded-For: 1.2.3.4"));
}

TEST_CASE("R15: Via has the received version and keeps what was there") {
  CHECK(has_line(forwarded_fields("", false, "GET / HTTP/1.0"), "Via: 1.0 weir"));
  CHECK(has_line(forwarded_fields("Via: 1.0 a\r\nX: y\r\nvia: 1.1 b (c)\r\n"),
                 "Via: 1.0 a, 1.1 b (c), 1.1 weir"));
}

TEST_CASE("R16: underscore aliases of our fields are dropped unless trusted") {
  for (std::string_view name :
       {"X_Forwarded_For", "X-Forwarded_For", "x_forwarded-proto", "X_FORWARDED_HOST",
        "X_Forwarded_Port", "X_Request_Id", "X.Forwarded.For", "Max_Forwards"}) {
    CAPTURE(name);
    std::string lines = std::string(name) + ": 1\r\n";
    CHECK(count_fields(forwarded_fields(lines), name) == 0);
    CHECK(count_fields(forwarded_fields(lines, true), name) == 1);
  }
}

TEST_CASE("R16: aliases of fields that frame are dropped, whoever sends them") {
  for (std::string_view name :
       {"Content_Length", "content_LENGTH", "Content.Length", "Transfer_Encoding"})
    check_removed(std::string(name) + ": 1\r\n", name);
}

TEST_CASE("R16: our own name in Via too often is a loop") {
  auto check = [](std::string_view lines) {
    RequestHead head;
    REQUIRE(outcome(parse(with_fields(lines), head)) == "ok");
    return check_forwardable(head, "weir") == Failure::loop_detected;
  };
  CHECK_FALSE(check(""));
  CHECK_FALSE(check("Via: 1.1 weir, 1.1 weir, 1.0 weir\r\n"));
  CHECK(check("Via: 1.1 weir, 1.1 weir, 1.0 weir, 1.1 weir\r\n"));
  CHECK(check("Via: 1.1 weir, 1.1 WEIR\r\nVia: HTTP/1.1 weir (x),1.1\tweir\r\n"));
  CHECK(check("Via: \"x, 1.1 weir, 1.1 weir, 1.1 weir, 1.1 weir\r\n"));
  CHECK_FALSE(check("Via: 1.1 weir2, 1.1 weir2, weir weir2, 1.1 xweir, 1.1 weir:80\r\n"));
  CHECK_FALSE(check("Via: weir, weir, weir, weir, weir, , ,\r\n"));
}

TEST_CASE("R03, R02: request framing is written anew") {
  RequestForwarding how = plain_forwarding();
  std::string chunked = with_fields("Transfer-Encoding:\tCHUNKED\r\nTrailer: X\r\n");
  std::string head = forwarded(chunked, how);
  CHECK(has_line(head, "Transfer-Encoding: chunked"));
  CHECK(count_fields(head, "Transfer-Encoding") == 1);
  CHECK(count_fields(head, "Content-Length") == 0);
  CHECK(has_line(head, "Trailer: X"));
  how.body = {BodyKind::kLength, 12};
  head = forwarded(chunked, how);
  CHECK(count_fields(head, "Transfer-Encoding") == 0);
  CHECK(has_line(head, "Content-Length: 12"));
  CHECK(count_fields(head, "Trailer") == 0);
  how.body = {BodyKind::kChunked, 0};
  head = forwarded(with_fields("Content-Length: 12\r\n"), how);
  CHECK(count_fields(head, "Content-Length") == 0);
  CHECK(has_line(head, "Transfer-Encoding: chunked"));
  head = forwarded(with_fields("Content-Length: 0\r\n"), plain_forwarding());
  CHECK(has_line(head, "Content-Length: 0"));
}

TEST_CASE("R06, R09, R10: what is sent is origin form in HTTP/1.1 with a Host") {
  RequestForwarding how = plain_forwarding();
  auto start = [&](std::string_view bytes) {
    std::string head = forwarded(bytes, how);
    return head.substr(0, head.find("\r\n", head.find("\r\n") + 2));
  };
  CHECK(start("GET http://B.c:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n") ==
        "GET /x?y HTTP/1.1\r\nHost: B.c:81");
  CHECK(start("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n") == "GET / HTTP/1.1\r\nHost: b");
  CHECK(start("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n") == "GET /?q HTTP/1.1\r\nHost: b");
  CHECK(start("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n") == "OPTIONS * HTTP/1.1\r\nHost: b");
  CHECK(start("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == "OPTIONS * HTTP/1.1\r\nHost: a");
  CHECK(start("GET / HTTP/1.0\r\n\r\n") == "GET / HTTP/1.1\r\nHost: ");
  CHECK(start("get //x HTTP/1.7\r\nHost: a\r\n\r\n") == "get //x HTTP/1.1\r\nHost: a");
  how.host = "inner:9000";
  CHECK(start("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == "GET / HTTP/1.1\r\nHost: inner:9000");
  CHECK(has_line(forwarded("GET / HTTP/1.1\r\nHost: a\r\n\r\n", how), "X-Forwarded-Host: a"));
}

TEST_CASE("R07: Max-Forwards is counted down on OPTIONS and TRACE only") {
  CHECK(has_line(forwarded_fields("Max-Forwards: 3\r\n", false, "OPTIONS / HTTP/1.1"),
                 "Max-Forwards: 2"));
  CHECK(has_line(forwarded_fields("Max-Forwards: 1\r\n", false, "TRACE / HTTP/1.1"),
                 "Max-Forwards: 0"));
  CHECK(has_line(forwarded_fields("Max-Forwards: 3\r\n"), "Max-Forwards: 3"));
  CHECK(has_line(forwarded_fields("Max-Forwards: x\r\n"), "Max-Forwards: x"));
}

TEST_CASE("R17: TE: trailers goes on with Connection: TE") {
  std::string head = forwarded_fields("TE: gzip, trailers\r\nConnection: TE\r\n");
  CHECK(has_line(head, "TE: trailers"));
  CHECK(has_line(head, "Connection: TE"));
  head = forwarded_fields("TE: gzip\r\nConnection: TE\r\n");
  CHECK(count_fields(head, "TE") == 0);
  CHECK(count_fields(head, "Connection") == 0);
}

TEST_CASE("R18: the expectation goes on, but not from HTTP/1.0") {
  std::string lines = "Expect: 100-continue\r\nContent-Length: 1\r\n";
  CHECK(has_line(forwarded_fields(lines), "Expect: 100-continue"));
  CHECK(count_fields(forwarded_fields(lines, false, "GET / HTTP/1.0"), "Expect") == 0);
}

TEST_CASE("R19: an allowed upgrade goes on") {
  RequestForwarding how = plain_forwarding();
  how.upgrade = "websocket";
  std::string lines = "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\nSec-WebSocket-Key: k\r\n";
  std::string head = forwarded(with_fields(lines), how);
  CHECK(has_line(head, "Upgrade: websocket"));
  CHECK(has_line(head, "Connection: upgrade"));
  CHECK(has_line(head, "Sec-WebSocket-Key: k"));
  CHECK(count_fields(head, "Upgrade") == 1);
  head = forwarded(with_fields(lines + "TE: trailers\r\n"), how);
  CHECK(has_line(head, "Connection: upgrade, TE"));
  CHECK(count_fields(head, "Connection") == 1);
}

TEST_CASE("R29, R17, R19: a backend is told that its connection ends") {
  RequestForwarding how = plain_forwarding();
  how.closes = true;
  auto connection = [&](std::string_view lines) {
    std::string head = forwarded(with_fields(lines), how);
    CHECK(count_fields(head, "Connection") == 1);
    std::size_t begin = head.find("\r\nConnection: ") + 2;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  };
  CHECK(connection("") == "Connection: close");
  CHECK(connection("Connection: keep-alive\r\n") == "Connection: close");
  CHECK(connection("TE: trailers\r\n") == "Connection: close, TE");
  how.upgrade = "websocket";
  CHECK(connection("") == "Connection: close, upgrade");
  CHECK(connection("TE: trailers\r\n") == "Connection: close, upgrade, TE");
}

TEST_CASE("R14: heads of any size fit their buffer") {
  for (std::size_t size : {0u, 1u, 100u, 5'000u, 30'000u}) {
    RequestForwarding how = plain_forwarding();
    std::string name(255, 'n');
    how.server_name = name;
    how.request_id = name;
    how.is_peer_trusted = true;
    how.upgrade = name;
    how.closes = true;
    how.peer =
        IpAddress::v6({0xff, 1, 0xff, 2, 0xff, 3, 0xff, 4, 0xff, 5, 0xff, 6, 0xff, 7, 0xff}, 1);
    how.body = {BodyKind::kLength, 18446744073709551615u};
    std::string lines = "TE: trailers\r\nX-Forwarded-For: " + std::string(size, '1') +
                        "\r\nForwarded: " + std::string(size / 30, 'f') +
                        "\r\nVia: " + std::string(size / 30, 'v') + "\r\n";
    std::string bytes = "GET / HTTP/1.1\r\nHost: " + std::string(249, 'h') + ":65535\r\n";
    std::string head = forwarded(bytes + lines + "\r\n", how);
    CHECK(head.ends_with("X-Request-Id: " + name + "\r\n\r\n"));
  }
}
