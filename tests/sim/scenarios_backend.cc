// Failures on the backend's side and retries, in virtual time with the contract's own durations
// (CONTRACT §2 [timeouts], §4; DESIGN §6).
#include "sim/scenario.h"
#include "tests/support/pool_settings.h"

namespace weir::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

backend::PoolSpec in_turns(unsigned retries = 2) {
  backend::PoolSpec pool;
  test::own_settings(pool).balance = config::Balance::kRoundRobin;
  test::own_settings(pool).retries = retries;
  return pool;
}

Dial failing(net::ConnectError error, Dial::Fate fate = Dial::Fate::kFailsLater) {
  Dial dial;
  dial.fate = fate;
  dial.error = error;
  return dial;
}

void refuse_all(SimBackend& backend, const Dial& dial) {
  backend.dials = [dial] { return dial; };
}

// One request to one backend that behaves so.
std::unique_ptr<World> one_request(const Answer& answer, RequestPlan plan = {},
                                   const backend::PoolSpec& pool = in_turns(0)) {
  auto world = world_of(1, pool);
  always(world->backend(0), answer);
  world->add_client(plan_of({std::move(plan)}));
  CHECK(world->run() == "");
  return world;
}

}  // namespace

TEST_CASE("connect_timeout: 504 after two seconds, per attempt") {
  for (unsigned retries : {0u, 1u}) {
    auto world = world_of(2, in_turns(retries));
    for (unsigned i = 0; i < 2; ++i)
      refuse_all(world->backend(i), failing({}, Dial::Fate::kNeverEnds));
    world->add_client(plan_of({{}}));
    CHECK(world->run() == "");
    CHECK(world->request(0).status == 504);
    CHECK(world->request(0).failure == Failure::connect_timeout);
    CHECK(is_about(world->request(0).took, seconds(2) * (retries + 1)));
  }
}

TEST_CASE("what a connect meets has its own failure") {
  struct Row {
    net::ConnectError error;
    Failure failure;
    int status;
  };
  const Row rows[] = {
      {net::ConnectError::kRefused, Failure::connect_refused, 502},
      {net::ConnectError::kUnreachable, Failure::connect_unreachable, 502},
      {net::ConnectError::kTimedOut, Failure::connect_timeout, 504},
      {net::ConnectError::kNoLocalPort, Failure::no_local_port, 503},
      {net::ConnectError::kNoDescriptors, Failure::overloaded, 503},
  };
  for (const Row& row : rows) {
    for (Dial::Fate fate : {Dial::Fate::kFailsLater, Dial::Fate::kFailsAtOnce}) {
      auto world = world_of(1, in_turns(0));
      refuse_all(world->backend(0), failing(row.error, fate));
      world->add_client(plan_of({{}}));
      CHECK(world->run() == "");
      CHECK(world->request(0).status == row.status);
      CHECK(world->request(0).failure == row.failure);
    }
  }
}

TEST_CASE("connect_refused: even a POST goes on to another backend") {
  auto world = world_of(2, in_turns());
  refuse_all(world->backend(0), failing(net::ConnectError::kRefused));
  world->add_client(plan_of({upload("POST", 100)}));
  CHECK(world->run() == "");
  CHECK(world->request(0).status == 200);
  CHECK(world->request(0).logged_tries == 2);
  CHECK(world->backend(1).requests_seen() == 1);
}

TEST_CASE("response_head_timeout: 504 after 60 seconds, not retried, not restarted by 1xx") {
  for (bool sends_hints : {false, true}) {
    Answer answer;
    answer.when = sends_hints ? Answer::When::kAfterRequest : Answer::When::kNever;
    answer.think = seconds(40);
    answer.instead = "HTTP/1.1 103 Early Hints\r\n\r\n";
    auto world = one_request(answer, {}, in_turns(2));
    CHECK(world->request(0).status == 504);
    CHECK(world->request(0).failure == Failure::response_head_timeout);
    CHECK(is_about(world->request(0).took, seconds(60)));
    CHECK(world->request(0).attempts.size() == 1);
    CHECK(world->client(0).informational() == (sends_hints ? 1u : 0u));
  }
}

TEST_CASE("backend_write_timeout: 504 when the backend stops reading for 30 seconds") {
  Answer answer;
  answer.stalls_at = 0;
  auto world = one_request(answer, upload("PUT", 500'000));
  CHECK(world->request(0).status == 504);
  CHECK(world->request(0).failure == Failure::backend_write_timeout);
  CHECK(is_about(world->request(0).took, seconds(30)));
}

TEST_CASE("backend_body_timeout: 60 seconds of silence cut the answer (R24)") {
  Answer answer;
  answer.body_bytes = 1'000;
  answer.cut = Answer::Cut::kSilence;
  answer.cut_at = 500;
  auto world = one_request(answer);
  CHECK(world->request(0).status == 200);
  CHECK(world->request(0).failure == Failure::backend_body_timeout);
  CHECK(is_about(world->request(0).took, seconds(60)));
  CHECK(world->request(0).was_cut);
}

TEST_CASE("backend_body_timeout counts silence, not the whole answer") {
  Answer answer;
  answer.body_bytes = 1'000;
  answer.piece_bytes = 400;
  answer.piece_delay = seconds(59);
  auto world = one_request(answer);
  CHECK(world->request(0).is_whole);
  CHECK(world->request(0).took > seconds(110));
}

TEST_CASE("response_cut: close, reset and a broken chunk, whatever delimits the body (R24)") {
  for (BodyEnd body : {BodyEnd::kLength, BodyEnd::kChunked, BodyEnd::kUntilClose}) {
    for (Answer::Cut cut : {Answer::Cut::kClose, Answer::Cut::kReset}) {
      if (body == BodyEnd::kUntilClose && cut == Answer::Cut::kClose) continue;  // that is its end
      for (int minor_version : {0, 1}) {
        Answer answer;
        answer.body = body;
        answer.body_bytes = 1'000;
        answer.cut = cut;
        answer.cut_at = 500;
        auto world = one_request(answer, {.minor_version = minor_version}, in_turns(2));
        CHECK(world->request(0).status == 200);
        CHECK(world->request(0).failure == Failure::response_cut);
        CHECK(world->request(0).was_cut);
        CHECK(world->request(0).attempts.size() == 1);
      }
    }
  }
}

TEST_CASE("closed_before_response: a GET is tried again, a POST that was read is not (R30)") {
  for (const char* method : {"GET", "POST"}) {
    bool is_get = method == std::string("GET");
    auto world = world_of(2, in_turns());
    Answer answer;
    answer.leaves_at = is_get ? 0 : 100;
    always(world->backend(0), answer);
    world->add_client(plan_of({is_get ? RequestPlan{} : upload(method, 100)}));
    CHECK(world->run() == "");
    CHECK(world->request(0).status == (is_get ? 200 : 502));
    CHECK(world->request(0).attempts.size() == (is_get ? 2u : 1u));
    if (!is_get) CHECK(world->request(0).failure == Failure::closed_before_response);
  }
}

TEST_CASE("closed_before_response: no retry after a byte of a response") {
  Answer answer;
  answer.cut = Answer::Cut::kClose;
  answer.cut_at = 1;
  auto world = one_request(answer, {}, in_turns(2));
  CHECK(world->request(0).status == 502);
  CHECK(world->request(0).failure == Failure::closed_before_response);
  CHECK(world->request(0).attempts.size() == 1);
}

TEST_CASE("bad_response: nonsense is 502, never retried, its connection never used again (R21)") {
  for (const char* nonsense :
       {"nonsense\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
    Answer answer;
    answer.instead = nonsense;
    auto world = one_request(answer, {}, in_turns(2));
    CHECK(world->request(0).status == 502);
    CHECK(world->request(0).failure == Failure::bad_response);
    CHECK(world->request(0).attempts.size() == 1);
  }
}

TEST_CASE("request_timeout: the whole request, also when nothing else is late") {
  backend::PoolSpec pool = in_turns();
  test::own_settings(pool).timeouts.request = seconds(5);
  Answer answer;
  answer.when = Answer::When::kNever;
  auto silent = one_request(answer, {}, pool);
  CHECK(silent->request(0).status == 504);
  CHECK(silent->request(0).failure == Failure::request_timeout);
  CHECK(is_about(silent->request(0).took, seconds(5)));

  Answer trickle;
  trickle.body_bytes = 1'000;
  trickle.piece_bytes = 150;
  trickle.piece_delay = seconds(1);
  auto trickling = one_request(trickle, {}, pool);
  CHECK(trickling->request(0).status == 200);
  CHECK(trickling->request(0).failure == Failure::request_timeout);
  CHECK(trickling->request(0).was_cut);
}

TEST_CASE("tunnel_idle_timeout: an hour of silence both ways ends a tunnel") {
  auto world = world_of(1);
  Answer answer;
  answer.upgrades = true;
  answer.tunnel_bytes = 1'000;
  answer.cut = Answer::Cut::kSilence;
  answer.cut_at = 300;
  always(world->backend(0), answer);
  ClientPlan plan = plan_of({{.wants_upgrade = true, .tunnel_bytes = 100'000}});
  plan.stop = Stop::kSilence;
  plan.stop_at = 150;
  world->add_client(plan);
  CHECK(world->run() == "");
  CHECK(world->request(0).status == 101);
  CHECK(world->request(0).failure == Failure::tunnel_idle_timeout);
  CHECK(is_about(world->request(0).took, hours(1)));
}

TEST_CASE("bad_response: a switch of protocols that nobody asked for, or to another one (R23)") {
  for (bool asks : {false, true}) {
    Answer answer;
    answer.instead =
        asks ? "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
             : "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    auto world = one_request(answer, {.wants_upgrade = asks});
    CHECK(world->request(0).status == 502);
    CHECK(world->request(0).failure == Failure::bad_response);
  }
}

TEST_CASE("informational answers pass in order, at most 16 of them (R23)") {
  for (unsigned count : {16u, 17u}) {
    Answer answer;
    answer.informational = count;
    auto world = one_request(answer);
    CHECK(world->client(0).informational() == 16);
    CHECK(world->request(0).status == (count == 16 ? 200 : 502));
  }
}

TEST_CASE("a tunnel keeps bytes that came early, in order, on both sides (R23)") {
  auto world = world_of(1);
  Answer answer;
  answer.upgrades = true;
  answer.tunnel_bytes = 50'000;
  always(world->backend(0), answer);
  world->add_client(
      plan_of({{.wants_upgrade = true, .tunnel_bytes = 30'000, .early_tunnel_bytes = 12'000}}));
  CHECK(world->run() == "");
  const Request& request = world->request(0);
  CHECK(request.status == 101);
  CHECK_FALSE(request.failure.has_value());
  CHECK(request.tunnel_up_received == 30'000);
  CHECK(request.tunnel_down_received == 50'000);
}

TEST_CASE("an answer before the end of the upload is relayed at once (R25)") {
  auto world = world_of(1);
  Answer answer;
  answer.when = Answer::When::kAfterHead;
  answer.body_bytes = 500;
  always(world->backend(0), answer);
  ClientPlan plan = plan_of({upload("POST", 5'000), {}});
  plan.piece_bytes = 1'000;
  plan.piece_delay = seconds(1);
  world->add_client(plan);
  world->run_until(milliseconds(500));
  CHECK(world->request(0).has_head);
  CHECK(world->request(0).is_whole);
  CHECK(world->run() == "");
  CHECK_FALSE(world->request(0).failure.has_value());
}

TEST_CASE("pipelined requests are answered in order, one at a time (R28)") {
  auto world = world_of(3, in_turns());
  for (unsigned i = 0; i < 3; ++i) {
    Answer answer;
    answer.think = milliseconds(300 - 100 * i);
    always(world->backend(i), answer);
  }
  ClientPlan plan = plan_of({{}, upload("POST", 3'000), {}});
  plan.is_pipelining = true;
  plan.is_excused = false;
  world->add_client(plan);
  CHECK(world->run() == "");
  for (unsigned i = 0; i < 3; ++i) CHECK(world->request(i).is_whole);
  CHECK(world->request(1).head_at - world->request(0).head_at >= milliseconds(200));
}

TEST_CASE("retry_window: no new attempt later than that") {
  backend::PoolSpec pool = in_turns(3);
  test::own_settings(pool).timeouts.retry_window = seconds(3);
  auto world = world_of(3, pool);
  for (unsigned i = 0; i < 3; ++i)
    refuse_all(world->backend(i), failing({}, Dial::Fate::kNeverEnds));
  world->add_client(plan_of({{}}));
  CHECK(world->run() == "");
  CHECK(world->request(0).logged_tries == 2);
  CHECK(is_about(world->request(0).took, seconds(4)));
}

TEST_CASE("retry_budget: retries stay a share of the requests, failed connects are free") {
  for (bool refuses : {false, true}) {
    auto world = world_of(2, in_turns(1));
    Answer leaving;
    leaving.leaves_at = 0;
    always(world->backend(0), leaving);
    if (refuses) refuse_all(world->backend(0), failing(net::ConnectError::kRefused));
    for (unsigned i = 0; i < 100; ++i) world->add_client(plan_of({{}}), milliseconds(i));
    CHECK(world->run() == "");
    auto denied = world->numbers().retries_denied.get();
    auto retries = world->numbers().retries.get();
    if (refuses) {
      CHECK(denied == 0);
      CHECK(retries == 50);
    } else {
      CHECK(denied > 0);
      CHECK(retries >= 20);  // 20 % of 100, and the floor
      CHECK(retries <= 26);
    }
  }
}

TEST_CASE("when every backend was tried, the next attempt waits a moment") {
  auto world = world_of(1, in_turns(2));
  refuse_all(world->backend(0), failing(net::ConnectError::kRefused));
  world->add_client(plan_of({{}}));
  CHECK(world->run() == "");
  CHECK(world->request(0).logged_tries == 3);
  CHECK(world->request(0).failure == Failure::connect_refused);
  CHECK(world->request(0).took >= milliseconds(25 + 50));
  CHECK(world->request(0).took < milliseconds(150));
}

}  // namespace weir::sim
