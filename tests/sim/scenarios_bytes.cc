// Peers that go, or say no more, after each single byte of what they had to say; bodies in chunks
// of one byte. The invariants of every step judge; scenarios add what has to have come of it.
#include "sim/scenario.h"
#include "tests/support/pool_settings.h"

namespace weir::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr BodyEnd kFramings[] = {BodyEnd::kLength, BodyEnd::kChunked};
// More than any message here has, head and all.
constexpr std::uint64_t kMostBytes = 400;

backend::PoolSpec without_retries() {
  backend::PoolSpec pool;
  test::own_settings(pool).retries = 0;
  return pool;
}

RequestPlan small_upload(BodyEnd framing) {
  RequestPlan plan = upload("POST", 12, framing);
  plan.chunk_bytes = 5;
  return plan;
}

}  // namespace

TEST_CASE("a client that goes after any byte of its request takes all of it with it (R08, R31)") {
  for (BodyEnd framing : kFramings) {
    for (Stop how : {Stop::kReset, Stop::kClose, Stop::kHalfClose, Stop::kSilence, Stop::kVanish}) {
      for (std::uint64_t at = 0; at < kMostBytes; ++at) {
        CAPTURE(at);
        CAPTURE(static_cast<int>(how));
        auto world = world_of(1, without_retries());
        ClientPlan plan = plan_of({small_upload(framing)});
        plan.stop = how;
        plan.stop_at = at;
        world->add_client(plan);
        REQUIRE(world->run() == "");
        const Request& request = world->request(0);
        bool was_cut_short = at > 0 && !request.is_sent_whole;
        if (was_cut_short) REQUIRE_FALSE((request.has_head && request.status == 200));
        if (how == Stop::kSilence && was_cut_short) REQUIRE(request.status == 408);
        if (request.is_sent_whole) break;
      }
    }
  }
}

TEST_CASE("an answer that breaks off after any byte is whole or visibly not (R24)") {
  using Cut = Answer::Cut;
  for (BodyEnd framing : {BodyEnd::kLength, BodyEnd::kChunked, BodyEnd::kUntilClose}) {
    for (Cut cut : {Cut::kClose, Cut::kReset, Cut::kSilence, Cut::kVanish}) {
      for (std::size_t at = 0; at < kMostBytes; ++at) {
        CAPTURE(at);
        CAPTURE(static_cast<int>(cut));
        auto world = world_of(1, without_retries());
        Answer answer;
        answer.body = framing;
        answer.chunk_bytes = 4;
        answer.informational = 1;
        answer.cut = cut;
        answer.cut_at = at;
        always(world->backend(0), answer);
        world->add_client(plan_of({{}}));
        REQUIRE(world->run() == "");
        const Request& request = world->request(0);
        REQUIRE(request.has_head);
        if (request.status == 200 && !request.is_whole) {
          REQUIRE(request.was_cut);
          REQUIRE(request.failure.has_value());
        }
        if (request.status != 200) {
          bool is_silent = cut == Cut::kSilence || cut == Cut::kVanish;
          REQUIRE(request.status == (is_silent ? 504 : 502));
        }
        if (request.is_whole && request.status == 200 && framing != BodyEnd::kUntilClose) break;
      }
    }
  }
}

TEST_CASE("chunks of one byte pass whole both ways, in pieces of any size") {
  for (std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    auto world = world_of(1);
    Answer answer;
    answer.body = BodyEnd::kChunked;
    answer.body_bytes = 3'000;
    answer.chunk_bytes = 1;
    answer.piece_bytes = piece;
    answer.piece_delay = microseconds(10);
    always(world->backend(0), answer);
    RequestPlan request = upload("POST", 3'000, BodyEnd::kChunked);
    request.chunk_bytes = 1;
    ClientPlan plan = plan_of({request});
    plan.piece_bytes = piece;
    plan.piece_delay = microseconds(10);
    world->add_client(plan);
    CHECK(world->run() == "");
    CHECK(world->request(0).is_whole);
    CHECK_FALSE(world->request(0).failure.has_value());
  }
}

TEST_CASE("client_gone: behind more requests than are kept a client is gone all the same (R31)") {
  for (Stop how : {Stop::kHalfClose, Stop::kReset}) {
    auto world = world_of(1);
    Answer answer;
    answer.when = Answer::When::kNever;
    always(world->backend(0), answer);
    std::vector<RequestPlan> requests(100);
    for (RequestPlan& request : requests)
      request.extra_fields = "X: " + std::string(500, 'x') + "\r\n";
    ClientPlan plan = plan_of(requests);
    plan.is_pipelining = true;
    plan.stop = how;
    plan.stop_at = 50'000;
    world->add_client(plan);
    CHECK(world->run() == "");
    CHECK(world->request(0).failure == Failure::client_gone);
    Duration fin = how == Stop::kHalfClose ? seconds(1) : Duration::zero();
    CHECK(is_about(world->request(0).took, fin));
  }
}

TEST_CASE(
    "both sides stall in the middle of both bodies: one timer ends it, no later than its limit") {
  for (bool client_reads : {true, false}) {
    auto world = world_of(1);
    Answer answer;
    answer.when = Answer::When::kAfterHead;
    answer.body_bytes = 2'000'000;
    answer.stalls_at = 0;
    always(world->backend(0), answer);
    ClientPlan plan = plan_of({upload("PUT", 2'000'000)});
    if (!client_reads) plan.read_quota = 1;
    world->add_client(plan);
    CHECK(world->run() == "");
    REQUIRE(world->request(0).failure.has_value() == !client_reads);
    if (!client_reads) {
      CHECK(world->request(0).failure == Failure::client_write_timeout);
      CHECK(world->request(0).took < seconds(31));
    }
  }
}

}  // namespace weir::sim
