#include <llhttp.h>

#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

TEST_CASE("R04: the llhttp that is linked is strict") {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  for (std::string_view head :
       {"GET / HTTP/1.1\r\nHost: a\r\n\rX", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"}) {
    CAPTURE(head);
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    CHECK(llhttp_execute(&parser, head.data(), head.size()) != HPE_OK);
  }
}

TEST_CASE("R04: no line ends in anything but CR LF") {
  for (std::string_view head :
       {"GET / HTTP/1.1\r\nHost: a\r\n\rX", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\nHost: a\r\n\r\n"}) {
    CAPTURE(head);
    CHECK(request_outcome(head) == "bad_request");
  }
}

TEST_CASE("R04: control bytes in a value") {
  for (int c = 0; c < 256; ++c) {
    bool is_legal = c == '\t' || (c >= 0x20 && c != 0x7f);
    CAPTURE(c);
    for (const char* shape : {"X: a@b\r\n", "X: @b\r\n", "X:@\r\n", "X: a@\r\n"}) {
      std::string lines = shape;
      lines[lines.find('@')] = static_cast<char>(c);
      CHECK(request_outcome(with_fields(lines)) == (is_legal ? "ok" : "bad_request"));
      CHECK(response_outcome(response_with(lines)) == (is_legal ? "ok" : "bad_response"));
    }
  }
}

TEST_CASE("R04: names that llhttp knows touch their colon as well") {
  for (std::string name : {"Content-Length", "Transfer-Encoding", "Connection", "Upgrade",
                           "Proxy-Connection", "Host", "X"})
    for (const char* blank : {" ", "  ", "\t", " \t"})
      for (const char* rest : {": 1\r\n", ":\r\n", "\r\n", "1\r\n", "\r\nA: b\r\n"}) {
        std::string lines = name + blank + rest;
        CAPTURE(lines);
        CHECK(request_outcome(with_fields(lines)) == "bad_request");
        CHECK(response_outcome(response_with(lines)) == "bad_response");
      }
}

TEST_CASE("R04: names are tokens and touch their colon") {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  for (int c = 0; c < 256; ++c) {
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    bool is_token = is_letter || (c != 0 && kMarks.find(static_cast<char>(c)) != kMarks.npos);
    if (c == ':') continue;
    CAPTURE(c);
    for (const char* shape : {"a@b: c\r\n", "@b: c\r\n", "a@: c\r\n"}) {
      std::string lines = shape;
      lines[lines.find('@')] = static_cast<char>(c);
      CHECK(request_outcome(with_fields(lines)) == (is_token ? "ok" : "bad_request"));
      CHECK(response_outcome(response_with(lines)) == (is_token ? "ok" : "bad_response"));
    }
  }
  for (std::string_view lines :
       std::initializer_list<std::string_view>{": x\r\n",
                                               ":\r\n",
                                               "X\r\n",
                                               "X y: z\r\n",
                                               "X : y\r\n",
                                               "X\t: y\r\n",
                                               "X y\r\n",
                                               "Content-Length : 5\r\n",
                                               "Transfer-Encoding : chunked\r\n",
                                               "Host\t: b\r\n",
                                               " X: y\r\n",
                                               "\tX: y\r\n",
                                               "X: y\r\n z\r\n",
                                               "X: y\r\n\tz\r\n",
                                               "X:\r\n y\r\n",
                                               "X: y\r\n \r\n",
                                               "Transfer-Encoding:\r\n chunked\r\n",
                                               "Content-Length: 1\r\n 0\r\n",
                                               "X: y\r\n: z\r\n",
                                               std::string_view("Content\0-Length: 5\r\n", 20)}) {
    CAPTURE(lines);
    CHECK(request_outcome(with_fields(lines)) == "bad_request");
    CHECK(response_outcome(response_with(lines)) == "bad_response");
  }
  CHECK(request_outcome("GET / HTTP/1.1\r\n Host: a\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n") == "bad_request");
}

TEST_CASE("R04: what is kept of a field") {
  RequestHead head;
  std::string bytes =
      with_fields("A:b\r\nC: \t d e \t\r\nE:\r\nF: \t\r\nG: :h:\r\nA: \xc3\xa9\r\nX-Y:\t1\r\n");
  REQUIRE(outcome(parse(bytes, head)) == "ok");
  std::string seen;
  for (const Field& field : head.fields)
    seen += std::string(field.name) + "=" + std::string(field.value) + ";";
  CHECK(seen == "Host=a;A=b;C=d e;E=;F=;G=:h:;A=\xc3\xa9;X-Y=1;");
  CHECK(head.head_bytes == bytes.size());
}

TEST_CASE("R04: every name that llhttp treats specially is a field like any other") {
  RequestHead head;
  std::string bytes = with_fields(
      "Content-Length:\t3\t\r\nConnection: upgrade, close\t\r\nUpgrade: x\r\n"
      "Proxy-Connection: close\r\nContent-Lengthy: a\r\nTransfer-Encodin: chunked\r\n");
  REQUIRE(outcome(parse(bytes + "abc", head)) == "ok");
  CHECK(head.fields.size() == 7);
  CHECK(head.head_bytes == bytes.size());
  CHECK(head.fields.value(FieldId::kContentLength) == "3");
  CHECK(head.fields.value(FieldId::kConnection) == "upgrade, close");
}

TEST_CASE("R09: exactly one Host in 1.1") {
  CHECK(request_outcome("GET / HTTP/1.1\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET / HTTP/1.1\r\nX: y\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET / HTTP/1.1\r\nHost:\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET / HTTP/1.1\r\nHost: \t\r\n\r\n") == "bad_request");
  CHECK(request_outcome("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n") == "bad_request");
  CHECK(request_outcome(with_fields("Host: a\r\n")) == "bad_request");
  CHECK(request_outcome(with_fields("hOST: b\r\n")) == "bad_request");
  CHECK(request_outcome(with_fields("Host:\r\n")) == "bad_request");
  CHECK(request_outcome("GET http://b/ HTTP/1.1\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET http://b/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET http://b/ HTTP/1.1\r\nHost: a@b\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET http://b/ HTTP/1.1\r\nHost:\r\n\r\n") == "ok");
}

TEST_CASE("R09: HTTP/1.0 without Host has no host") {
  RequestHead head;
  REQUIRE(outcome(parse("GET / HTTP/1.0\r\n\r\n", head)) == "ok");
  CHECK(head.host.empty());
  CHECK(head.authority.empty());
  REQUIRE(outcome(parse("GET / HTTP/1.0\r\nHost: B.c.\r\n\r\n", head)) == "ok");
  CHECK(head.host == "b.c");
  CHECK(request_outcome("GET / HTTP/1.0\r\nHost: b\r\nHost: b\r\n\r\n") == "bad_request");
  CHECK(request_outcome("GET / HTTP/1.0\r\nHost: b@c\r\n\r\n") == "bad_request");
}

TEST_CASE("R09: hosts") {
  struct Row {
    std::string host;
    std::string_view parsed;  // empty: refused
  };
  for (const Row& row : std::initializer_list<Row>{
           {"example.com", "example.com"},
           {"EXAMPLE.Com", "example.com"},
           {"example.com.", "example.com"},
           {"example.com:80", "example.com"},
           {"example.com.:65535", "example.com"},
           {"a_b.example", "a_b.example"},
           {"xn--bcher-kva.example", "xn--bcher-kva.example"},
           {"192.0.2.1:8080", "192.0.2.1"},
           {"[2001:DB8::1]", "[2001:db8::1]"},
           {"[::1]:80", "[::1]"},
           {"\texample.com\t", "example.com"},
           {std::string(255, 'a'), "long"},
           {std::string(256, 'a'), ""},
           {"user@example.com", ""},
           {"user:pw@example.com", ""},
           {"example.com:", ""},
           {"example.com:x", ""},
           {"example.com:80x", ""},
           {"example.com:+80", ""},
           {"example.com:-1", ""},
           {"example.com:0", ""},
           {"example.com:65536", ""},
           {"example.com:000080", ""},
           {"example.com:80:80", ""},
           {":80", ""},
           {".", ""},
           {"..", ""},
           {".example.com", ""},
           {"example..com", ""},
           {"example.com..", ""},
           {"a b", ""},
           {"a,b", ""},
           {"a, b", ""},
           {"a/b", ""},
           {"a\\b", ""},
           {"a?b", ""},
           {"a#b", ""},
           {"a%62", ""},
           {"a;b", ""},
           {"a\"b", ""},
           {"<a>", ""},
           {"http://a", ""},
           {"\xc3\xa9.example", ""},
           {"[::1", ""},
           {"::1", ""},
           {"[::1]x", ""},
           {"[::1]:", ""},
           {"[::1%eth0]", ""},
           {"[127.0.0.1]", ""},
           {"[]", ""},
           {"[v1.x]", ""},
           {"[[::1]]", ""},
           {"a[::1]", ""},
           {"[g::1]", ""},
       }) {
    CAPTURE(row.host);
    RequestHead head;
    std::string bytes = "GET / HTTP/1.1\r\nHost: " + row.host + "\r\n\r\n";
    REQUIRE(outcome(parse(bytes, head)) == (row.parsed.empty() ? "bad_request" : "ok"));
    if (!row.parsed.empty() && row.parsed != "long") CHECK(head.host == row.parsed);
  }
}

TEST_CASE("R10: the authority of the absolute form replaces Host") {
  RequestHead head;
  REQUIRE(outcome(parse("GET http://B:81/x HTTP/1.1\r\nHost: c:82\r\n\r\n", head)) == "ok");
  CHECK(head.authority == "B:81");
  CHECK(head.host == "b");
  CHECK(head.absolute_scheme == Scheme::kHttp);
}

TEST_CASE("R18: expectations") {
  auto post = [](std::string_view lines) { return with_fields(lines, "POST / HTTP/1.1"); };
  CHECK(request_outcome(post("Expect: 100-continue\r\n")) == "ok");
  CHECK(request_outcome(post("Expect: 100-CONTINUE\t\r\n")) == "ok");
  for (std::string_view other :
       {"x", "100-continue, x", "200-ok", "", "100-continue;q=1", "100", "\"100-continue\""}) {
    CAPTURE(other);
    CHECK(request_outcome(post("Expect: " + std::string(other) + "\r\n")) == "expectation_failed");
  }
  RequestHead head;
  std::string bytes = post("Expect: 100-continue\r\nContent-Length: 1\r\n");
  REQUIRE(outcome(parse(bytes, head)) == "ok");
  CHECK(head.expects_continue);
  bytes = with_fields("Expect: 100-continue\r\nContent-Length: 1\r\n", "POST / HTTP/1.0");
  REQUIRE(outcome(parse(bytes, head)) == "ok");
  CHECK_FALSE(head.expects_continue);
  REQUIRE(outcome(parse(post("Expect: 100-continue\r\n"), head)) == "ok");
  CHECK_FALSE(head.expects_continue);
}

TEST_CASE("R19: an upgrade needs 1.1, Connection and one Upgrade field") {
  struct Row {
    std::string_view version;
    std::string_view lines;
    std::string_view upgrade;  // as parsed
    std::string_view allowed;
  };
  TrustPolicy policy;
  policy.upgrades = {"websocket", "h2c", "chat"};
  for (const Row& row : std::initializer_list<Row>{
           {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket", "websocket"},
           {"1.1", "Upgrade: WebSocket\r\nConnection: x, upgrade\t\r\n", "WebSocket", "WebSocket"},
           {"1.1", "Connection: upgrade\r\nUpgrade: foo, chat\r\n", "foo, chat", "chat"},
           {"1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", "h2c", ""},
           {"1.1", "Connection: upgrade\r\nUpgrade: h2c, websocket\r\n", "h2c, websocket",
            "websocket"},
           {"1.1", "Connection: upgrade\r\nUpgrade: websocket/13\r\n", "websocket/13", ""},
           {"1.1", "Connection: upgrade\r\nUpgrade: tls/1.2\r\n", "tls/1.2", ""},
           {"1.1", "Upgrade: websocket\r\n", "", ""},
           {"1.1", "Connection: upgrade\r\n", "", ""},
           {"1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: chat\r\n", "", ""},
           {"1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", "", ""},
       }) {
    CAPTURE(row.lines);
    RequestHead head;
    std::string bytes = with_fields(row.lines, "GET / HTTP/" + std::string(row.version));
    REQUIRE(outcome(parse(bytes, head)) == "ok");
    CHECK(head.upgrade == row.upgrade);
    CHECK(allowed_upgrade(head, policy) == row.allowed);
  }
}

TEST_CASE("R17, R26: TE: trailers") {
  RequestHead head;
  for (std::string_view value : {"trailers", "TRAILERS", "gzip;q=0.5, trailers", "trailers\t"}) {
    REQUIRE(outcome(parse(with_fields("TE: " + std::string(value) + "\r\n"), head)) == "ok");
    CHECK(head.accepts_trailers);
  }
  for (std::string_view value : {"", "gzip", "trailer", "xtrailers"}) {
    REQUIRE(outcome(parse(with_fields("TE: " + std::string(value) + "\r\n"), head)) == "ok");
    CHECK_FALSE(head.accepts_trailers);
  }
  REQUIRE(outcome(parse(with_fields("TE: trailers\r\n", "GET / HTTP/1.0"), head)) == "ok");
  CHECK_FALSE(head.accepts_trailers);
}

TEST_CASE("R08, R28: a head says where it ends, and a reused head remembers nothing") {
  RequestHead head;
  std::string first = with_fields(
      "Connection: close, upgrade\r\nUpgrade: websocket\r\n"
      "Expect: 100-continue\r\nTE: trailers\r\nContent-Length: 4\r\n",
      "POST http://b/ HTTP/1.1");
  std::string second = with_fields("");
  REQUIRE(outcome(parse(first + second, head)) == "ok");
  CHECK(head.head_bytes == first.size());
  CHECK(head.absolute_scheme.has_value());
  REQUIRE(outcome(parse(second + first, head)) == "ok");
  CHECK(head.head_bytes == second.size());
  CHECK_FALSE(head.absolute_scheme.has_value());
  CHECK(head.upgrade.empty());
  CHECK(head.wants_keep_alive);
  CHECK_FALSE(head.expects_continue);
  CHECK_FALSE(head.accepts_trailers);
  CHECK(head.body.kind == BodyKind::kNone);
  CHECK(head.fields.size() == 1);
  CHECK(head.form == TargetForm::kOrigin);
}

TEST_CASE("R21: status lines") {
  struct Row {
    std::string_view line;
    int status;  // 0: refused
    std::string_view reason{};
  };
  for (const Row& row : std::initializer_list<Row>{
           {"HTTP/1.1 200 OK", 200, "OK"},
           {"HTTP/1.0 404 Not Found", 404, "Not Found"},
           {"HTTP/1.1 200 ", 200, ""},
           {"HTTP/1.1 200", 200, ""},
           {"HTTP/1.1 299 caf\xc3\xa9 \t!", 299, "caf\xc3\xa9 \t!"},
           {"HTTP/1.9 599 x", 599, "x"},
           {"HTTP/1.1 100 x", 100, "x"},
           {"HTTP/1.1 099 x", 0},
           {"HTTP/1.1 000 x", 0},
           {"HTTP/1.1 600 x", 0},
           {"HTTP/1.1 999 x", 0},
           {"HTTP/1.1 20 x", 0},
           {"HTTP/1.1 2000 x", 0},
           {"HTTP/1.1 200x", 0},
           {"HTTP/1.1 200\tOK", 0},
           {"HTTP/1.1  200 OK", 0},
           {"HTTP/1.1\t200 OK", 0},
           {"HTTP/1.1 2x0 OK", 0},
           {"HTTP/1.1 -20 OK", 0},
           {"HTTP/1.1 ", 0},
           {"HTTP/1.1", 0},
           {"HTTP/2.0 200 OK", 0},
           {"HTTP/1 200 OK", 0},
           {"HTTP/1.10 200 OK", 0},
           {"HTTP/1.x 200 OK", 0},
           {"HTTP/11 200 OK", 0},
           {"http/1.1 200 OK", 0},
           {" HTTP/1.1 200 OK", 0},
           {"ICY 200 OK", 0},
           {"\r\nHTTP/1.1 200 OK", 0},
           {"HTTP/1.1 200 O\rK", 0},
           {"HTTP/1.1 200 O\x01K", 0},
           {"HTTP/1.1 200 OK\n", 0},
       }) {
    CAPTURE(row.line);
    ResponseHead head;
    std::string bytes = std::string(row.line) + "\r\nContent-Length: 0\r\n\r\n";
    REQUIRE(outcome(parse(bytes, head)) == (row.status == 0 ? "bad_response" : "ok"));
    if (row.status == 0) continue;
    CHECK(head.status == row.status);
    CHECK(head.reason == row.reason);
    CHECK(head.head_bytes == bytes.size());
  }
  CHECK(response_outcome("HTTP/1.1 200 O\0K\r\n\r\n"s) == "bad_response");
  CHECK(response_outcome("HTTX") == "bad_response");
  CHECK(response_outcome("<html>") == "bad_response");
  CHECK(response_outcome("HTT") == "more");
  CHECK(response_outcome("") == "more");
}

TEST_CASE("R21: a response head over the limit") {
  ResponseHead head;
  HeadLimits limits{.start_line_bytes = 20, .head_bytes = 60, .fields = 2};
  auto result = [&](const std::string& bytes) {
    return outcome(parse(bytes, head, Method::kGet, limits));
  };
  CHECK(result(response_with("A: b\r\n", "HTTP/1.1 200 a reason longer than 20")) == "ok");
  CHECK(result(response_with("A: b\r\nC: d\r\n")) == "ok");
  CHECK(result(response_with("A: b\r\nC: d\r\nE: f\r\n")) == "bad_response");
  CHECK(result(response_with("A: " + std::string(60, 'x') + "\r\n")) == "bad_response");
  CHECK(result("HTTP/1.1 200 " + std::string(60, 'x')) == "bad_response");
}

TEST_CASE("R23: informational heads") {
  ResponseHead head;
  REQUIRE(outcome(parse(
              response_with("Upgrade: websocket\r\nConnection: upgrade\r\n", "HTTP/1.1 101 x"),
              head)) == "ok");
  CHECK(head.is_informational());
  CHECK(head.upgrade == "websocket");
  CHECK_FALSE(head.keeps_alive);
  REQUIRE(outcome(parse(response_with("Upgrade: h2c\r\nContent-Length: 0\r\n"), head)) == "ok");
  CHECK(head.upgrade.empty());
  CHECK_FALSE(head.is_informational());
}

TEST_CASE("R23: a 101 names one protocol, in HTTP/1.1 and without framing") {
  auto switching = [](std::string_view lines, std::string_view start = "HTTP/1.1 101 x") {
    return response_outcome(response_with(lines, start));
  };
  std::string good = "Connection: x, Upgrade\r\nUpgrade: websocket\r\n";
  CHECK(switching(good) == "ok");
  CHECK(switching("Connection: upgrade\r\nUpgrade:\tTLS/1.2 \r\n") == "ok");
  CHECK(switching(good, "HTTP/1.7 101 x") == "ok");
  CHECK(switching(good, "HTTP/1.0 101 x") == "bad_response");
  for (std::string_view framing :
       {"Content-Length: 0\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"})
    CHECK(switching(good + std::string(framing)) == "bad_response");
  for (std::string_view lines :
       {"", "Upgrade: websocket\r\n", "Connection: upgrade\r\n",
        "Connection: close\r\nUpgrade: websocket\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade:\r\n",
        "Connection: upgrade\r\nUpgrade: websocket, chat\r\n",
        "Connection: upgrade\r\nUpgrade: websocket,\r\n",
        "Connection: upgrade\r\nUpgrade: web socket\r\n", "Connection: upgrade\r\nUpgrade:\r\n",
        "Connection: upgrade\r\nUpgrade: tls/\r\n", "Connection: upgrade\r\nUpgrade: /1\r\n",
        "Connection: upgrade\r\nUpgrade: a/b/c\r\n"}) {
    CAPTURE(lines);
    CHECK(switching(lines) == "bad_response");
    // The others of 1xx are read as ever.
    CHECK(switching(lines, "HTTP/1.1 103 Early Hints") == "ok");
  }
}

TEST_CASE("R13: the backend's Keep-Alive timeout is learned") {
  ResponseHead head;
  auto timeout = [&](std::string_view value) {
    std::string lines = "Content-Length: 0\r\nKeep-Alive: " + std::string(value) + "\r\n";
    REQUIRE(outcome(parse(response_with(lines), head)) == "ok");
    return head.keep_alive_timeout_seconds;
  };
  CHECK(timeout("timeout=5") == 5);
  CHECK(timeout("max=100, Timeout=15") == 15);
  CHECK(timeout("timeout=5, max=1000") == 5);
  CHECK_FALSE(timeout("timeout=x").has_value());
  CHECK_FALSE(timeout("timeout=").has_value());
  CHECK_FALSE(timeout("").has_value());
}
