// Who may come in: tokens, host names, doors; and what the audit says of it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "admin_fixture.h"

namespace {

using weir::IpAddress;
using weir::admin::Admin;
using weir::admin::body_of;
using weir::admin::Door;
using weir::admin::has;
using weir::admin::status_of;

std::string code_of(const std::string& answer) {
  return nlohmann::json::parse(body_of(answer)).at("error").get<std::string>();
}

std::string with_token(const std::string& token) {
  return "Host: localhost\r\nAuthorization: Bearer " + token + "\r\n";
}

struct Guarded : Admin {
  Guarded() { access->tokens = {{"alice", "s3cret"}, {"bob", "other"}, {"alice", "newer"}}; }
};

TEST_CASE("with tokens, everything but health needs one") {
  Guarded admin;
  for (const char* page : {"/healthz", "/readyz"}) CHECK(status_of(admin.get(page)) == 200);
  for (const char* page : {"/metrics", "/api/status", "/api/pools", "/nonsense"}) {
    CAPTURE(page);
    std::string answer = admin.get(page);
    CHECK(status_of(answer) == 401);
    CHECK(code_of(answer) == "no_token");
    CHECK(has(answer, "WWW-Authenticate: Bearer realm=\"weir\""));
  }
  for (const char* token : {"s3cret", "other", "newer"})
    CHECK(status_of(admin.get("/api/status", with_token(token))) == 200);
  CHECK(status_of(admin.get("/api/status",
                            "Host: localhost\r\nauthorization: bearer  other\r\n")) == 200);
  for (const char* token :
       {"", "s3cre", "s3crett", "S3CRET", "s3crets3cret", "othernewer", "alice", "alice:s3cret"}) {
    CAPTURE(token);
    std::string answer = admin.get("/api/status", with_token(token));
    CHECK(status_of(answer) == 401);
  }
  CHECK(code_of(admin.get("/api/status", with_token("x"))) == "wrong_token");
  CHECK(status_of(admin.get("/api/status", "Host: localhost\r\nAuthorization: Basic s3cret\r\n")) ==
        401);
  CHECK(status_of(admin.get("/api/status",
                            with_token("other") + "Authorization: Bearer other\r\n")) == 401);
}

TEST_CASE("without tokens only this machine may, whatever a connection was opened for") {
  Admin admin;
  CHECK(status_of(admin.get("/api/status")) == 200);
  admin.arrival.peer = IpAddress::v4(0xc0000207, 4711);
  CHECK(status_of(admin.get("/api/status")) == 401);
  CHECK(status_of(admin.get("/healthz")) == 200);
  admin.arrival = {Door::kUnix, {}, 0};
  CHECK(status_of(admin.get("/api/status")) == 200);
}

TEST_CASE("the audit names the token, and refused requests too") {
  Guarded admin;
  admin.post("/api/drain");
  admin.post("/api/drain", with_token("wrong"));
  admin.post("/api/drain", with_token("newer"));
  admin.post("/api/drain", with_token("other") + "Origin: http://evil.example\r\n");
  admin.post("/api/drain", "Host: evil.example\r\nAuthorization: Bearer other\r\n");
  admin.post("/healthz", with_token("other"));
  admin.get("/api/status");
  CHECK(admin.source.audited ==
        std::vector<std::string>{"127.0.0.1 | POST /api/drain | 401 | no_token",
                                 "127.0.0.1 | POST /api/drain | 401 | wrong_token",
                                 "alice | POST /api/drain | 200",
                                 "127.0.0.1 | POST /api/drain | 403 | foreign_origin",
                                 "127.0.0.1 | POST /api/drain | 403 | foreign_host",
                                 "127.0.0.1 | POST /healthz | 405 | method_not_allowed"});
}

TEST_CASE("a Unix socket needs no token: its mode decides who comes in") {
  Guarded admin;
  admin.arrival = {Door::kUnix, IpAddress(), 4'000'000'007};  // nobody's here
  CHECK(status_of(admin.get("/api/status")) == 200);
  CHECK(status_of(admin.post("/api/drain")) == 200);
  CHECK(admin.source.asked_by == "uid=4000000007");
  admin.arrival.uid = 0;
  CHECK(status_of(admin.post("/api/drain")) == 200);
  CHECK(admin.source.asked_by == "root");
  admin.arrival.uid.reset();
  CHECK(status_of(admin.post("/api/ready")) == 200);
  CHECK(admin.source.asked_by == "unix");
}

TEST_CASE("a new set of tokens is in force for the next request of an open connection") {
  Admin admin;
  auto peer = admin.connect();
  std::string request = "GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
  peer->send(request);
  CHECK(status_of(peer->take_received()) == 200);
  auto access = std::make_shared<weir::admin::Access>();
  access->tokens = {{"a", "b"}};
  admin.server->set_access(access);
  peer->send(request);
  CHECK(status_of(peer->take_received()) == 401);
}

TEST_CASE("listed host names are answered, case aside") {
  Admin admin;
  admin.access->hosts = {"weir.example.com"};
  CHECK(status_of(admin.get("/healthz", "Host: Weir.Example.COM:8042\r\n")) == 200);
  CHECK(status_of(admin.get("/healthz", "Host: example.com\r\n")) == 403);
  CHECK(status_of(admin.get("/healthz", "Host: a.weir.example.com\r\n")) == 403);
}

TEST_CASE("a metrics address has three pages for anybody, by any name, and nothing else") {
  Guarded admin;
  admin.arrival.door = Door::kMetrics;
  for (const char* page : {"/metrics", "/healthz", "/readyz"})
    CHECK(status_of(admin.get(page, "Host: weir-1.internal:9100\r\n")) == 200);
  for (const char* page : {"/", "/api/status", "/api/pools", "/api/pools/a", "/api/drain"}) {
    CAPTURE(page);
    std::string answer = admin.get(page, with_token("s3cret"));
    CHECK(status_of(answer) == 404);
    CHECK(answer.find("/api/") == std::string::npos);
    CHECK(status_of(admin.post(page, with_token("s3cret"))) == 404);
  }
  CHECK(status_of(admin.get("/metrics", "Host: a\r\nOrigin: http://evil.example\r\n")) == 403);
}

TEST_CASE("scrapers cannot take all places") {
  Admin admin;
  admin.arrival.door = Door::kMetrics;
  admin.source.text.assign(100'000, '#');
  std::vector<std::unique_ptr<weir::test::FakePeer>> peers;
  for (std::size_t i = 0; i < weir::admin::kMaxAdminConnections / 2; ++i) {
    peers.push_back(admin.connect());
    peers.back()->set_window(0);
    peers.back()->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  CHECK_FALSE(admin.connect()->is_open());
  admin.arrival.door = Door::kTcp;
  CHECK(status_of(admin.get("/api/status")) == 200);
}

}  // namespace
