#include "weir/admin/admin_server.h"

#include <doctest/doctest.h>

#include "admin_fixture.h"

namespace {

using namespace std::chrono_literals;
using weir::admin::Admin;
using weir::admin::body_of;
using weir::admin::has;
using weir::admin::kMaxAdminBodyBytes;
using weir::admin::kMaxAdminConnections;
using weir::admin::status_of;
using weir::test::Closing;
using weir::test::FakePeer;

TEST_CASE("a connection goes on, also with requests that came together") {
  Admin admin;
  auto peer = admin.connect();
  std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  peer->send(request + request + request.substr(0, 20));
  std::string answers = peer->take_received();
  CHECK(answers.find("ok\nHTTP/1.1 200") != std::string::npos);
  CHECK(answers.ends_with("ok\n"));
  peer->send(request.substr(20));
  CHECK(status_of(peer->take_received()) == 200);
  CHECK(peer->is_open());
  CHECK(admin.server->connection_count() == 1);

  peer->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  CHECK(has(peer->take_received(), "Connection: close"));
  CHECK(peer->wire().closing == Closing::kFinished);
  CHECK(admin.server->connection_count() == 0);
}

TEST_CASE("bodies are read and ignored") {
  Admin admin;
  auto peer = admin.connect();
  peer->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n01234");
  CHECK(peer->take_received().empty());
  peer->send("56789GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string answers = peer->take_received();
  CHECK(answers.find("ok\n") != std::string::npos);
  CHECK(answers.ends_with("ready\n"));
  CHECK(peer->is_open());
}

TEST_CASE("each request of a connection may have a body of the largest size") {
  Admin admin;
  auto peer = admin.connect();
  std::string request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                        std::to_string(kMaxAdminBodyBytes) + "\r\n\r\n" +
                        std::string(kMaxAdminBodyBytes, 'x');
  for (int i = 0; i < 2; ++i) {
    peer->send(request);
    CHECK(status_of(peer->take_received()) == 200);
  }
}

TEST_CASE("a body that is too large, stops or makes no sense ends the connection") {
  Admin admin;
  std::string post = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  auto large = admin.connect();
  large->send(post + "Content-Length: 1000000\r\n\r\n" + std::string(kMaxAdminBodyBytes + 1, 'x'));
  std::string answer = large->take_received();
  CHECK(status_of(answer) == 413);
  CHECK(body_of(answer).starts_with("{\"error\":\"body_too_large\""));
  CHECK(large->wire().closing == Closing::kFinished);

  auto silent = admin.connect();
  silent->send(post + "Content-Length: 5\r\n\r\n0");
  admin.clock.advance(admin.scheduler, 31s);
  answer = silent->take_received();
  CHECK(status_of(answer) == 408);
  CHECK(body_of(answer).starts_with("{\"error\":\"client_body_timeout\""));

  answer = admin.ask(post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
  CHECK(status_of(answer) == 400);
  CHECK(body_of(answer).starts_with("{\"error\":\"bad_request\""));
  CHECK(admin.server->connection_count() == 0);
}

TEST_CASE("a client that waits for 100 Continue gets its answer instead") {
  Admin admin;
  auto peer = admin.connect();
  peer->send(
      "POST /readyz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
      "Expect: 100-continue\r\n\r\n");
  std::string answer = peer->take_received();
  CHECK(status_of(answer) == 405);
  CHECK(has(answer, "Connection: close"));
  CHECK_FALSE(peer->is_open());
}

TEST_CASE("refused heads are told why, in plain text") {
  Admin admin;
  auto peer = admin.connect();
  peer->send("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  std::string answer = peer->take_received();
  CHECK(status_of(answer) == 400);
  CHECK(has(answer, "Content-Type: text/plain; charset=utf-8"));
  CHECK(has(answer, "Cache-Control: no-store"));
  CHECK(has(answer, "Connection: close"));
  CHECK(body_of(answer).starts_with("The request is malformed. ("));
  CHECK(peer->wire().closing == Closing::kFinished);
  CHECK(admin.server->connection_count() == 0);

  auto slow = admin.connect();
  slow->send("GET /heal");
  admin.clock.advance(admin.scheduler, 11s);
  CHECK(status_of(slow->take_received()) == 408);
  CHECK(admin.server->connection_count() == 0);
}

TEST_CASE("a client that does not read gets one answer at a time") {
  Admin admin;
  admin.source.text.assign(300'000, '#');
  auto peer = admin.connect();
  peer->set_window(0);
  std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  peer->send(request + request);
  std::size_t one = peer->wire().queued.size();
  CHECK(one > 300'000);
  CHECK(one < 310'000);
  peer->take(one - weir::net::kLowMarkBytes);
  admin.clock.advance(admin.scheduler, 0s);
  CHECK(peer->wire().queued.size() == weir::net::kLowMarkBytes + one);
  peer->take(10 * one);
  CHECK(peer->take_received().size() == 2 * one);
  CHECK(peer->is_open());

  peer->send(request);
  admin.clock.advance(admin.scheduler, 31s);
  CHECK_FALSE(peer->is_open());
  CHECK(admin.server->connection_count() == 0);
}

TEST_CASE("an early refusal is not followed by a second answer") {
  Admin admin;
  admin.source.text.assign(weir::net::kLowMarkBytes - 300, '#');
  auto peer = admin.connect();
  peer->set_window(0);
  std::string body(kMaxAdminBodyBytes + 1, 'x');
  peer->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  peer->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
  peer->take(1'000'000);
  std::string answers = peer->take_received();
  CHECK(answers.find("HTTP/1.1 413") != std::string::npos);
  CHECK(answers.find("ok\n") == std::string::npos);
  CHECK_FALSE(peer->is_open());
}

TEST_CASE(
    "a body that makes no sense is answered once, also while a client waits for 100 Continue") {
  for (std::size_t missing : {100, 200, 300, 400}) {
    Admin admin;
    admin.source.text.assign(weir::net::kLowMarkBytes - missing, '#');
    auto peer = admin.connect();
    peer->set_window(0);
    peer->send(
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        "Transfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n");
    peer->take(1'000'000);
    admin.clock.advance(admin.scheduler, 0s);
    std::string answers = peer->take_received();
    CHECK(answers.find("ready\n") == std::string::npos);
    CHECK_FALSE(peer->is_open());
  }
}

TEST_CASE("clients come and go at any moment") {
  Admin admin;
  auto silent = admin.connect();
  silent->end();
  auto broken = admin.connect();
  broken->send("GET /healthz HT");
  broken->fail(weir::net::StreamError::kReset);
  auto half = admin.connect();
  half->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n0");
  half->end();
  auto idle = admin.connect();
  idle->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  admin.clock.advance(admin.scheduler, 76s);
  for (auto* peer : {&silent, &broken, &half, &idle}) CHECK_FALSE((*peer)->is_open());
  CHECK(admin.server->connection_count() == 0);
}

TEST_CASE("closing tells busy clients and closes idle ones, but goes on answering") {
  Admin admin;
  auto idle = admin.connect();
  idle->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  auto busy = admin.connect();
  busy->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
  admin.server->begin_closing();
  admin.scheduler.drain_retired();
  CHECK_FALSE(idle->is_open());
  CHECK(busy->is_open());
  busy->send("\r\n");
  CHECK(has(busy->take_received(), "Connection: close"));
  CHECK_FALSE(busy->is_open());
  CHECK(has(admin.get("/readyz"), "Connection: close"));
}

TEST_CASE("the server takes its connections with it") {
  Admin admin;
  auto idle = admin.connect();
  auto busy = admin.connect();
  busy->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n0");
  admin.server.reset();
  CHECK(idle->wire().closing == Closing::kDropped);
  CHECK(busy->wire().closing == Closing::kDropped);
  busy->send("12");
}

// Asks and does not read: its answer waits.
std::unique_ptr<FakePeer> hold_place(Admin& admin) {
  auto peer = admin.connect();
  peer->set_window(0);
  peer->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return peer;
}

TEST_CASE("more connections than allowed make those close that have not asked yet") {
  constexpr std::size_t kPlaces = kMaxAdminConnections - kMaxAdminConnections / 8;
  Admin admin;
  admin.source.text.assign(100'000, '#');
  auto silent = admin.connect();
  auto begun = admin.connect();
  begun->send("GET /healthz HTTP/1.1\r\n");
  auto trickling = admin.connect();
  trickling->send("POST /api/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1");
  std::vector<std::unique_ptr<FakePeer>> peers;
  for (std::size_t i = 3; i < kPlaces; ++i) peers.push_back(hold_place(admin));
  CHECK((silent->is_open() && begun->is_open() && trickling->is_open()));
  for (std::size_t i = 0; i < 3; ++i) peers.push_back(hold_place(admin));
  CHECK_FALSE((silent->is_open() || begun->is_open() || trickling->is_open()));
  for (const auto& peer : peers) CHECK(peer->is_open());
  CHECK(admin.server->connection_count() == kPlaces);
  CHECK_FALSE(admin.connect()->is_open());
  // Who may open the Unix socket's path comes in all the same.
  admin.arrival.door = weir::admin::Door::kUnix;
  CHECK(status_of(admin.get("/healthz")) == 200);
}

TEST_CASE("who is refused is not waited for") {
  Admin admin;
  auto peer = admin.connect();
  peer->send("POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n1");
  CHECK(status_of(peer->take_received()) == 405);
  CHECK_FALSE(peer->is_open());
}

}  // namespace
