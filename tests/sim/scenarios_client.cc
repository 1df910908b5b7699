// Failures on the client's side, in virtual time with the contract's own durations (CONTRACT §2
// [timeouts], §4).
#include "sim/scenario.h"
#include "tests/support/pool_settings.h"

namespace weir::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// When the only client's connection ended, seen from it.
Duration end_of(World& world) {
  REQUIRE(world.client(0).closed_at().has_value());
  return *world.client(0).closed_at() - TimePoint(hours(1));
}

ClientPlan stopping(ClientPlan plan, Stop how, std::uint64_t at) {
  plan.stop = how;
  plan.stop_at = at;
  return plan;
}

}  // namespace

TEST_CASE("request_head_timeout: 408 ten seconds after accept (R29, R32)") {
  auto world = world_of(1);
  world->add_client(stopping(plan_of({{}}), Stop::kSilence, 8));
  CHECK(world->run() == "");
  CHECK(world->client(0).last_head().status() == 408);
  CHECK(is_about(end_of(*world), seconds(10)));
}

TEST_CASE("request_head_timeout: trickling bytes do not move the deadline (R32)") {
  auto world = world_of(1);
  ClientPlan plan = plan_of({{}});
  plan.piece_bytes = 1;
  plan.piece_delay = seconds(1);
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->client(0).last_head().status() == 408);
  CHECK(is_about(end_of(*world), seconds(10)));
}

TEST_CASE("request_head_timeout: later requests have it from their first byte") {
  auto world = world_of(1);
  ClientPlan plan = plan_of({{}, {}});
  plan.between = seconds(5);
  plan.piece_bytes = 30;
  plan.stop = Stop::kSilence;
  plan.stop_at = 60;
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->client(0).last_head().status() == 408);
  CHECK(is_about(end_of(*world), seconds(15)));
}

TEST_CASE("a connection on which nothing was ever said closes silently after ten seconds (R29)") {
  auto world = world_of(1);
  world->add_client(stopping(plan_of({{}}), Stop::kSilence, 0));
  CHECK(world->run() == "");
  CHECK(world->client(0).last_head().first.empty());
  CHECK(is_about(end_of(*world), seconds(10)));
}

TEST_CASE("client_idle: a kept-open connection closes silently after 75 seconds (R29)") {
  auto world = world_of(1);
  ClientPlan plan = plan_of({{}});
  plan.closes_when_done = false;
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->client(0).last_head().status() == 200);
  CHECK(is_about(end_of(*world), seconds(75)));
}

TEST_CASE("client_body_timeout: 408 after 30 seconds of silence in an upload") {
  auto world = world_of(1);
  world->add_client(stopping(plan_of({upload("POST", 1000)}), Stop::kSilence, 400));
  CHECK(world->run() == "");
  CHECK(world->request(0).status == 408);
  CHECK(world->request(0).failure == Failure::client_body_timeout);
  CHECK(is_about(world->request(0).took, seconds(30)));
}

TEST_CASE("client_body_timeout counts silence, not the whole upload") {
  auto world = world_of(1);
  ClientPlan plan = plan_of({upload("POST", 1000)});
  plan.piece_bytes = 300;
  plan.piece_delay = seconds(29);
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->request(0).status == 200);
  CHECK(world->request(0).took > seconds(80));
}

TEST_CASE("client_gone: a client that shut its side is served for one more second (R31)") {
  for (bool answers_in_time : {true, false}) {
    auto world = world_of(1);
    Answer answer;
    answer.think = answers_in_time ? milliseconds(900) : milliseconds(1100);
    always(world->backend(0), answer);
    SimClient& client = world->add_client(plan_of({{}}));
    world->at(milliseconds(1), [&] { client.link().end_writing(); });
    CHECK(world->run() == "");
    const Request& request = world->request(0);
    CHECK(request.is_sent_whole);
    CHECK(request.has_head == answers_in_time);
    if (answers_in_time) {
      CHECK_FALSE(request.failure.has_value());
    } else {
      CHECK(request.failure == Failure::client_gone);
      CHECK(is_about(request.took, seconds(1)));
    }
  }
}

TEST_CASE("client_gone: a reset takes the backend's request with it (R31)") {
  auto world = world_of(1);
  Answer answer;
  answer.when = Answer::When::kNever;
  always(world->backend(0), answer);
  SimClient& client = world->add_client(plan_of({{}}));
  world->at(seconds(3), [&] { client.link().reset(); });
  world->run_until(seconds(3) + kWire);
  CHECK(world->request(0).failure == Failure::client_gone);
  CHECK(world->backend(0).open_connections() == 0);
  CHECK(world->run() == "");
}

TEST_CASE("client_write_timeout: 30 seconds without progress cut a client that does not read") {
  auto world = world_of(1);
  Answer answer;
  answer.body_bytes = 1'000'000;
  always(world->backend(0), answer);
  ClientPlan plan = plan_of({{}});
  plan.read_quota = 1;
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->request(0).failure == Failure::client_write_timeout);
  CHECK(is_about(world->request(0).took, seconds(30)));
  CHECK_FALSE(world->request(0).is_whole);
}

TEST_CASE("client_write_timeout: a slow reader is served as long as it reads") {
  auto world = world_of(1);
  Answer answer;
  answer.body_bytes = 300'000;
  always(world->backend(0), answer);
  ClientPlan plan = plan_of({{}});
  plan.nature.window_bytes = 20'000;
  plan.read_quota = 1;
  plan.read_pause = seconds(8);
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->request(0).is_whole);
}

TEST_CASE("drain_deadline: what is left at the end of a drain is cut and counted") {
  auto world = world_of(1);
  Answer answer;
  answer.when = Answer::When::kNever;
  always(world->backend(0), answer);
  world->add_client(plan_of({{}}));
  world->at(seconds(1), [&] { world->begin_drain(); });
  world->at(seconds(5), [&] { world->cut_all(); });
  CHECK(world->run() == "");
  CHECK(world->request(0).failure == Failure::drain_deadline);
  CHECK(is_about(end_of(*world), seconds(5)));
}

TEST_CASE("a drain answers with Connection: close and closes what is idle") {
  auto world = world_of(1);
  ClientPlan plan = plan_of({{}, {}});
  plan.between = seconds(2);
  plan.closes_when_done = false;
  world->add_client(plan);
  world->at(seconds(1), [&] { world->begin_drain(); });
  world->at(seconds(3), [&] { world->close_idle_clients(); });
  CHECK(world->run() == "");
  CHECK(world->client(0).last_head().has_token("connection", "close"));
  CHECK(end_of(*world) < seconds(3));
}

TEST_CASE("malformed heads are refused by their own failure, and no backend sees them (R08)") {
  struct Row {
    const char* bytes;
    int status;
    Failure failure;
  };
  std::string long_line = "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string long_head =
      "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n";
  const Row rows[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400, Failure::bad_request},
      {long_line.c_str(), 414, Failure::uri_too_long},
      {long_head.c_str(), 431, Failure::head_too_large},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501, Failure::not_implemented},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, Failure::version_not_supported},
      {"GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417, Failure::expectation_failed},
      {"GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 weir, 1.1 weir, 1.1 weir, 1.1 weir\r\n\r\n", 508,
       Failure::loop_detected},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    auto world = world_of(1);
    RequestPlan plan;
    plan.malformed = row.bytes;
    world->add_client(plan_of({plan}));
    CHECK(world->run() == "");
    CHECK(world->client(0).last_head().status() == row.status);
    CHECK(world->numbers().failures[static_cast<std::size_t>(row.failure)].get() == 1);
    CHECK(world->backend(0).requests_seen() == 0);
  }
}

TEST_CASE("body_too_large: announced, and noticed on the way") {
  for (BodyEnd framing : {BodyEnd::kLength, BodyEnd::kChunked}) {
    backend::PoolSpec pool;
    test::own_settings(pool).body_bytes = 5'000;
    auto world = world_of(1, pool);
    world->add_client(plan_of({upload("POST", 6'000, framing)}));
    CHECK(world->run() == "");
    CHECK(world->request(0).status == 413);
    CHECK(world->request(0).failure == Failure::body_too_large);
  }
}

}  // namespace weir::sim
