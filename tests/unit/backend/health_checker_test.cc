// Health checks: what counts as a success, when they are made, who shares them.
#include "weir/backend/health_checker.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "fake_connector.h"
#include "tests/support/fake_clock.h"

namespace {

using namespace weir;
using namespace weir::backend;
using namespace std::chrono_literals;
using config::HealthConfig;
using test::FakePeer;

struct Listener final : CheckListener {
  void on_check(const ProbeResult& result) override { results.push_back(result); }
  std::vector<ProbeResult> results;
};

std::shared_ptr<HealthConfig> http_check() {
  auto check = std::make_shared<HealthConfig>();
  check->path = "/up";
  return check;
}
std::shared_ptr<HealthConfig> tcp_check() {
  auto check = std::make_shared<HealthConfig>();
  check->kind = config::HealthKind::kTcp;
  return check;
}
Endpoint endpoint(const std::string& text = "10.0.0.1:80") { return *Endpoint::parse(text); }

struct Fixture {
  explicit Fixture(std::size_t max_running = 1000)
      : checker(context, connector, rng, log, max_running) {}
  ~Fixture() { CHECK(checker.running_count() == 0); }

  void advance(Duration by) {
    clock.advance(scheduler, by);
    CHECK(checker.is_timed());
  }
  // In steps of a loop that is awake all the time.
  void pass(Duration time, Duration step = 5ms) {
    for (Duration passed{}; passed < time; passed += step) advance(step);
  }
  // The only probe's next check, whose connect succeeds.
  FakePeer& connect() {
    pass(0s);
    while (connector.pending_count() == 0) advance(5ms);
    return connector.succeed();
  }
  // What one answer makes of a check.
  std::string judge(std::shared_ptr<const HealthConfig> check, const std::string& answer,
                    bool ends = false) {
    Listener listener;
    HealthChecker::Subscription subscription = checker.subscribe(endpoint(), check, listener);
    FakePeer& backend = connect();
    backend.send(answer);
    if (ends) backend.end();
    REQUIRE(listener.results.size() == 1);
    CHECK_FALSE(backend.is_open());
    const ProbeResult& result = listener.results[0];
    return (result.is_success() ? "ok: " : "bad: ") + reason_of(result, *check);
  }

  test::FakeClock clock;
  net::Scheduler scheduler{clock};
  wire::Context context{scheduler};
  test::FakeConnector connector{scheduler};
  Rng rng{1};
  Log log{LogLevel::kError, -1, clock};
  HealthChecker checker;
};

std::string answer(int status, const std::string& body = "") {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_CASE_FIXTURE(Fixture, "a check asks for the path on a connection of its own") {
  Listener listener;
  auto check = http_check();
  check->host = "up.example.com";
  HealthChecker::Subscription subscription = checker.subscribe(endpoint(), check, listener);
  CHECK(checker.running_count() == 0);
  FakePeer& backend = connect();
  std::string request = backend.take_received();
  CHECK(request.starts_with("GET /up HTTP/1.1\r\nHost: up.example.com\r\nUser-Agent: weir/"));
  CHECK(request.ends_with("\r\nConnection: close\r\n\r\n"));
  CHECK(checker.running_count() == 1);
  advance(3ms);
  backend.send(answer(200));
  REQUIRE(listener.results.size() == 1);
  CHECK(listener.results[0].is_success());
  CHECK(listener.results[0].status == 200);
  CHECK(listener.results[0].latency() == 3ms);
  CHECK(checker.running_count() == 0);
  CHECK_FALSE(backend.is_open());
  CHECK(subscription.results().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "without a host the backend's address is sent") {
  Listener listener;
  struct Case {
    const char* address;
    const char* host;
  };
  for (const Case& c : {Case{"10.0.0.1:80", "10.0.0.1:80"}, Case{"[::1]:80", "[::1]:80"},
                        Case{"unix:/run/a", "localhost"}}) {
    auto subscription = checker.subscribe(endpoint(c.address), http_check(), listener);
    std::string request = connect().take_received();
    CHECK(request.find("\r\nHost: " + std::string(c.host) + "\r\n") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Fixture, "statuses and bodies decide") {
  auto check = http_check();
  CHECK(judge(check, answer(200, "hello")) == "ok: 200");
  CHECK(judge(check, answer(399)) == "ok: 399");
  CHECK(judge(check, answer(404)) == "bad: status 404, expected 200-399");
  CHECK(judge(check, answer(199 - 96) + answer(204)) == "ok: 204");  // a 103 first
  check->status = "200,500-503";
  CHECK(judge(check, answer(200)) == "ok: 200");
  CHECK(judge(check, answer(201)) == "bad: status 201, expected 200,500-503");
  CHECK(judge(check, answer(503)) == "ok: 503");
  CHECK(judge(check, "nonsense\r\n\r\n").starts_with("bad: not valid HTTP"));
  CHECK(judge(check, "", true) == "bad: closed without an answer");
  CHECK(judge(check, "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nab", true)
            .starts_with("bad: the answer ended too early"));
  CHECK(judge(check, "HTTP/1.1 200 X\r\n\r\nuntil the end", true) == "ok: 200");
  check->body = "pong";
  CHECK(judge(check, answer(200, "ping pong")) == "ok: 200");
  CHECK(judge(check, answer(200, "pon gpo ng")) == "bad: body without \"pong\"");
  CHECK(judge(check, answer(204)).starts_with("bad: status 204"));
}

TEST_CASE_FIXTURE(Fixture, "a text is found across pieces, but only in the first 64 KiB") {
  auto check = http_check();
  check->body = "pong";
  std::string chunked = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(judge(check, chunked + "3\r\nxpo\r\n1\r\nn\r\n2\r\ngx\r\n0\r\n\r\n") == "ok: 200");
  CHECK(judge(check, answer(200, std::string(60'000, 'x') + "pong" + std::string(60'000, 'x'))) ==
        "ok: 200");
  CHECK(judge(check, answer(200, std::string(80'000, 'x') + "pong")) ==
        "bad: no \"pong\" in the first 64 KiB of the body");
  check->body.clear();
  CHECK(judge(check, answer(200, std::string(200'000, 'x'))) == "ok: 200");
}

TEST_CASE_FIXTURE(Fixture, "a TCP check connects, no more") {
  Listener listener;
  auto subscription = checker.subscribe(endpoint(), tcp_check(), listener);
  FakePeer& backend = connect();
  CHECK(backend.take_received().empty());
  CHECK_FALSE(backend.is_open());
  REQUIRE(listener.results.size() == 1);
  CHECK(reason_of(listener.results[0], *tcp_check()) == "connected");
}

TEST_CASE_FIXTURE(Fixture, "each way to fail has its words") {
  Listener listener;
  auto check = http_check();
  auto subscription = checker.subscribe(endpoint(), check, listener);
  auto last = [&] {
    REQUIRE_FALSE(listener.results.empty());
    return reason_of(listener.results.back(), *check);
  };
  auto begin = [&] {
    while (connector.pending_count() == 0) advance(5ms);
  };
  begin();
  connector.fail(net::ConnectError::kRefused);
  CHECK(last() == "connection refused");
  begin();
  connector.fail(net::ConnectError::kUnreachable);
  CHECK(last() == "cannot be reached");
  begin();
  advance(1999ms);
  CHECK(listener.results.size() == 2);
  advance(1ms);
  CHECK(last() == "timeout after 2s while connecting");
  CHECK(connector.pending_count() == 0);
  begin();
  connector.succeed();
  advance(2s);
  CHECK(last() == "timeout after 2s while waiting for the answer");
  begin();
  FakePeer& slow = connector.succeed();
  slow.send("HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nab");
  advance(2s);
  CHECK(last() == "timeout after 2s while reading the answer");
  CHECK(subscription.results().size() == 5);
  CHECK(subscription.results().front().outcome == ProbeResult::Outcome::kTimeoutReading);
  connector.errors_at_once = {net::ConnectError::kRefused};
  while (listener.results.size() < 6) advance(5ms);
  CHECK(last() == "connection refused");
}

TEST_CASE_FIXTURE(Fixture, "what weir itself lacks is no result, and is tried again soon") {
  Listener listener;
  auto subscription = checker.subscribe(endpoint(), http_check(), listener);
  connector.errors_at_once = {net::ConnectError::kNoDescriptors, net::ConnectError::kNoLocalPort};
  pass(2200ms);
  CHECK(listener.results.empty());
  CHECK(connector.targets.size() == 3);
  connector.succeed().send(answer(200));
  CHECK(listener.results.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "the last ten results are kept, newest first") {
  Listener listener;
  auto subscription = checker.subscribe(endpoint(), http_check(), listener);
  for (int i = 0; i < 23; ++i) connect().send(answer(200 + i));
  std::vector<ProbeResult> results = subscription.results();
  REQUIRE(results.size() == HealthChecker::kKeptResults);
  for (int i = 0; i < 10; ++i) CHECK(results[static_cast<std::size_t>(i)].status == 222 - i);
}

TEST_CASE_FIXTURE(Fixture, "the first check comes at once, later ones with jitter") {
  Listener listener;
  auto subscription = checker.subscribe(endpoint(), http_check(), listener);
  advance(0s);
  CHECK(connector.pending_count() == 1);
  TimePoint began = clock.now();
  std::vector<Duration> pauses;
  for (int i = 0; i < 60; ++i) {
    connector.succeed().send(answer(200));
    while (connector.pending_count() == 0) advance(5ms);
    pauses.push_back(clock.now() - began);
    began = clock.now();
  }
  CHECK(pauses[0] >= 1s);  // somewhere in the interval
  CHECK(pauses[0] <= 5100ms);
  auto [least, most] = std::minmax_element(pauses.begin() + 1, pauses.end());
  CHECK(*least >= 4500ms);
  CHECK(*most <= 5520ms);
  CHECK(*most - *least > 300ms);
}

TEST_CASE_FIXTURE(Fixture, "the next check waits for the end of the last one") {
  Listener listener;
  auto check = tcp_check();
  check->interval = 100ms;
  check->timeout = 1s;
  auto subscription = checker.subscribe(endpoint(), check, listener);
  pass(990ms);
  CHECK(connector.pending_count() == 1);
  CHECK(connector.targets.size() == 1);
  pass(30ms);
  CHECK(listener.results.size() == 1);
  CHECK(connector.targets.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "whoever asks the same shares a probe; rise and fall do not count") {
  Listener one, two, three;
  auto other = http_check();
  other->rise = 9;
  auto first = checker.subscribe(endpoint(), http_check(), one);
  auto second = checker.subscribe(endpoint(), other, two);
  CHECK(checker.probe_count() == 1);
  other->interval = 1s;
  auto third = checker.subscribe(endpoint(), other, three);
  auto fourth = checker.subscribe(endpoint("10.0.0.2:80"), http_check(), three);
  CHECK(checker.probe_count() == 3);
  third.reset();
  fourth.reset();
  CHECK(checker.probe_count() == 1);
  connect().send(answer(200));
  CHECK(one.results.size() == 1);
  CHECK(two.results.size() == 1);
  CHECK(three.results.empty());
  first.reset();
  connect().send(answer(200));
  CHECK(one.results.size() == 1);
  CHECK(two.results.size() == 2);
  // Nobody is left: nothing goes on, not even what is under way.
  pass(0s);
  while (connector.pending_count() == 0) advance(5ms);
  second = {};
  CHECK(checker.probe_count() == 0);
  CHECK(connector.pending_count() == 0);
  pass(10s, 1s);
  CHECK(connector.targets.size() == 3);
  CHECK_FALSE(scheduler.next_deadline().has_value());
}

TEST_CASE_FIXTURE(Fixture, "no more than 2,000 begin in a second, over all") {
  Listener listener;
  std::vector<HealthChecker::Subscription> subscriptions;
  for (unsigned i = 0; i < 5000; ++i)
    subscriptions.push_back(
        checker.subscribe({IpAddress::v4(0x0a000000 + i, 80), {}}, tcp_check(), listener));
  CHECK(checker.wanted_per_second() == doctest::Approx(1000));
  auto run = [&](Duration time) {
    std::size_t before = connector.targets.size();
    for (Duration passed{}; passed < time; passed += 1ms) {
      advance(1ms);
      while (connector.pending_count() > 0) connector.succeed();
    }
    return connector.targets.size() - before;
  };
  for (int second = 0; second < 2; ++second) {
    std::size_t begun = run(1s);
    CHECK(begun <= 2050);
    CHECK(begun >= 1950);
  }
  run(10s);
  // 5,000 each five seconds is half of what may be.
  std::size_t begun = run(5s);
  CHECK(begun > 4800);
  CHECK(begun < 5300);
  // All in one turn after a long sleep is not made up for at once.
  CHECK((advance(10s), connector.pending_count()) <= 40);
  while (connector.pending_count() > 0) connector.succeed();
}

TEST_CASE("only so many are under way at once, and the end of one lets the next begin") {
  Fixture fixture(3);
  Listener listener;
  std::vector<HealthChecker::Subscription> subscriptions;
  for (unsigned i = 0; i < 5; ++i)
    subscriptions.push_back(
        fixture.checker.subscribe({IpAddress::v4(0x0a000000 + i, 80), {}}, tcp_check(), listener));
  fixture.pass(100ms);
  CHECK(fixture.checker.running_count() == 3);
  fixture.connector.succeed();
  fixture.pass(10ms);
  CHECK(fixture.checker.running_count() == 3);
  CHECK(fixture.connector.targets.size() == 4);
  fixture.pass(1980ms, 20ms);
  CHECK(listener.results.size() >= 3);
  subscriptions.clear();
}

}  // namespace
