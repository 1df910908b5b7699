#include "sim/draws.h"

#include <algorithm>

namespace weir::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Mostly small, sometimes beyond every buffer that weir has.
std::size_t draw_size(Chance& chance) {
  std::uint32_t kind = chance.below(100);
  if (kind < 15) return 0;
  if (kind < 70) return chance.below(200);
  if (kind < 88) return chance.below(5'000);
  if (kind < 97) return chance.below(40'000);
  return chance.below(400'000);
}

std::size_t draw_piece(Chance& chance, std::size_t total) {
  // At most some dozens of pieces, so that a run stays short.
  return std::max<std::size_t>(1 + chance.below(3'000), total / 40 + 1);
}

// Now and then as small as they can be.
std::size_t draw_chunk(Chance& chance, std::size_t total) {
  if (total <= 3'000 && chance.percent(5)) return 1;
  return draw_piece(chance, total);
}

// One answer's own way of going wrong.
void spoil(Chance& chance, const Request& request, Answer& answer) {
  // Uploads that weir cannot keep for another attempt are rare; here they matter most.
  bool is_large = request.upload_bytes > 30'000;
  switch (is_large && chance.percent(40) ? 1 : chance.below(12)) {
    case 0:
      answer.leaves_at = 0;
      answer.leaves_by = chance.pick({Answer::Cut::kClose, Answer::Cut::kReset});
      break;
    case 1:
      answer.leaves_at = chance.below(static_cast<std::uint32_t>(request.upload_bytes) + 1);
      answer.leaves_by = chance.pick({Answer::Cut::kClose, Answer::Cut::kReset});
      break;
    case 2:
    case 3:
    case 4:
      answer.cut = chance.pick(
          {Answer::Cut::kClose, Answer::Cut::kReset, Answer::Cut::kSilence, Answer::Cut::kVanish});
      answer.cut_at = chance.below(
          chance.percent(50) ? 60 : 200 + static_cast<std::uint32_t>(answer.body_bytes));
      break;
    case 5:
      answer.when = Answer::When::kNever;
      break;
    case 6:
      answer.instead = draw_babble(chance);
      answer.keeps_alive = chance.percent(50);
      break;
    case 7:
      // Behind a body that only the end delimits nothing is extra.
      if (answer.body != BodyEnd::kUntilClose) answer.extra = draw_babble(chance);
      break;
    case 8:
      answer.stalls_at = chance.below(static_cast<std::uint32_t>(request.upload_bytes) + 1);
      if (chance.percent(60)) answer.stall = chance.between(milliseconds(1), seconds(8));
      break;
    case 10:
      answer.informational = 14 + chance.below(6);  // around the limit of 16 (R23)
      break;
    case 11:
      // A switch of protocols that nobody asked for.
      if (!request.is_upgrade)
        answer.instead =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
      break;
    case 9:
      answer.think = chance.between(milliseconds(1), seconds(8));
      answer.piece_bytes = draw_piece(chance, answer.body_bytes);
      answer.piece_delay = chance.between(microseconds(10), seconds(2));
      break;
    default:
      break;
  }
}

RequestPlan draw_request(Chance& chance, bool is_clean) {
  RequestPlan plan;
  plan.method = chance.pick<const char*>(
      {"GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "PATCH"});
  bool has_body =
      plan.method == "POST" || plan.method == "PUT" || plan.method == "PATCH" || chance.percent(5);
  if (has_body) {
    plan.body = chance.pick({BodyEnd::kLength, BodyEnd::kChunked});
    plan.body_bytes = draw_size(chance);
    // More than weir keeps for another attempt.
    if (plan.method == "PUT" && chance.percent(15))
      plan.body_bytes = chance.between(30'000, 90'000);
    plan.chunk_bytes = draw_chunk(chance, plan.body_bytes);
    plan.expects_continue = plan.body_bytes > 0 && chance.percent(10);
  } else if (chance.percent(6)) {
    plan.method = "GET";
    plan.wants_upgrade = true;
    plan.tunnel_bytes = draw_size(chance);
  }
  if (chance.percent(10) && plan.body != BodyEnd::kChunked && !plan.wants_upgrade) {
    plan.minor_version = 0;
    plan.expects_continue = false;
    plan.says_keep_alive = chance.percent(50);
  }
  if (chance.percent(10) && plan.minor_version == 1 && !plan.wants_upgrade)
    plan.extra_fields = "TE: trailers\r\nConnection: TE\r\n";
  plan.says_close = plan.extra_fields.empty() && !plan.wants_upgrade && !plan.says_keep_alive &&
                    chance.percent(8);
  if (!is_clean && chance.percent(5) && has_body) plan.malformed_body = "zz\r\nnonsense";
  if (plan.body != BodyEnd::kChunked) plan.malformed_body.clear();
  return plan;
}

const char* draw_malformed(Chance& chance) {
  return chance.pick<const char*>({
      "GET /m HTTP/1.1\r\n\r\n",
      "GET /m HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET  /m HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /m HTTP/2.0\r\nHost: a\r\n\r\n",
      "POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nabc",
      "POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nabc",
      "POST /m HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET /m HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET /m HTTP/1.1\nHost: a\n\n",
      "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense\r\n\r\n",
      "GET /m HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
  });
}

// What a client may do badly.
void spoil(Chance& chance, ClientPlan& plan) {
  plan.is_excused = true;
  switch (chance.below(4)) {
    case 0:
    case 1:
      plan.stop = chance.pick(
          {Stop::kReset, Stop::kClose, Stop::kHalfClose, Stop::kSilence, Stop::kVanish});
      plan.stop_at = chance.below(chance.percent(60) ? 120 : 20'000);
      break;
    case 2:
      plan.read_quota = 1 + chance.below(chance.percent(50) ? 300 : 30'000);
      if (chance.percent(50)) plan.read_pause = chance.between(seconds(1), seconds(40));
      break;
    default:
      plan.piece_bytes = 1 + chance.below(40);
      plan.piece_delay = chance.between(milliseconds(100), seconds(3));
      for (RequestPlan& request : plan.requests) {
        request.body_bytes = std::min<std::size_t>(request.body_bytes, 500);
        request.tunnel_bytes = std::min<std::size_t>(request.tunnel_bytes, 500);
      }
      break;
  }
}

}  // namespace

Weather draw_weather(Chance& chance) {
  Weather weather;
  weather.is_clean = chance.percent(25);
  weather.is_choppy = chance.percent(40);
  if (weather.is_clean) return weather;
  weather.backend_faults = chance.pick({0u, 10u, 30u, 60u});
  weather.dial_faults = chance.pick({0u, 0u, 10u, 40u});
  weather.client_faults = chance.pick({0u, 0u, 20u, 60u});
  return weather;
}

Nature draw_nature(Chance& chance, const Weather& weather) {
  Nature nature;
  nature.split_percent = weather.is_choppy ? chance.between(20, 90) : chance.pick({0u, 0u, 5u});
  nature.busy_percent = chance.pick({0u, 20u, 50u});
  nature.window_bytes = chance.pick({1'000u, 4'096u, 64u * 1024, 64u * 1024, 256u * 1024});
  if (chance.percent(20)) nature.max_delay = chance.between(milliseconds(1), milliseconds(30));
  return nature;
}

Dial draw_dial(Chance& chance, const Weather& weather, const Nature& nature) {
  Dial dial;
  dial.nature = nature;
  dial.after = chance.between(nature.min_delay, nature.max_delay);
  if (!chance.percent(weather.dial_faults)) return dial;
  using Error = net::ConnectError;
  dial.fate = chance.pick({Dial::Fate::kFailsLater, Dial::Fate::kFailsLater,
                           Dial::Fate::kFailsAtOnce, Dial::Fate::kNeverEnds});
  dial.error =
      dial.fate == Dial::Fate::kFailsAtOnce
          ? chance.pick({Error::kUnreachable, Error::kNoLocalPort, Error::kNoDescriptors})
          : chance.pick({Error::kRefused, Error::kUnreachable, Error::kTimedOut, Error::kOther});
  return dial;
}

Answer draw_answer(Chance& chance, const Weather& weather, const Request& request,
                   std::optional<Duration> idle_limit) {
  Answer answer;
  answer.status = chance.pick({200, 200, 200, 404, 204, 304, 500});
  answer.body = chance.pick({BodyEnd::kLength, BodyEnd::kLength, BodyEnd::kChunked,
                             BodyEnd::kChunked, BodyEnd::kUntilClose, BodyEnd::kNone});
  answer.body_bytes = draw_size(chance);
  answer.chunk_bytes = draw_chunk(chance, answer.body_bytes);
  answer.think = chance.between(microseconds(10), milliseconds(3));
  if (chance.percent(30)) {
    answer.piece_bytes = draw_piece(chance, answer.body_bytes);
    answer.piece_delay = chance.between(microseconds(10), milliseconds(5));
  }
  if (chance.percent(15)) answer.informational = 1 + chance.below(3);
  if (chance.percent(5)) answer.trailers = "X-Checksum: 1\r\nContent-Length: 3\r\n";
  if (chance.percent(10)) answer.keeps_alive = false;
  if (chance.percent(5) && answer.body != BodyEnd::kChunked) answer.minor_version = 0;
  if (chance.percent(request.upload_bytes > 5'000 ? 20 : 8)) answer.when = Answer::When::kAfterHead;
  if (chance.percent(20) && idle_limit && *idle_limit >= seconds(1))
    answer.keep_alive_seconds =
        static_cast<unsigned>(std::chrono::floor<seconds>(*idle_limit).count());
  if (request.is_upgrade && chance.percent(80)) {
    answer.upgrades = true;
    answer.minor_version = 1;
    answer.when = Answer::When::kAfterRequest;
    answer.tunnel_bytes = draw_size(chance);
  }
  if (chance.percent(weather.backend_faults)) spoil(chance, request, answer);
  return answer;
}

ClientPlan draw_client(Chance& chance, const Weather& weather) {
  ClientPlan plan;
  unsigned count = 1 + chance.below(chance.percent(30) ? 6 : 2);
  for (unsigned i = 0; i < count; ++i) {
    plan.requests.push_back(draw_request(chance, weather.is_clean));
    const RequestPlan& last = plan.requests.back();
    if (last.says_close || last.wants_upgrade || !last.malformed_body.empty() ||
        (last.minor_version == 0 && !last.says_keep_alive))
      break;
  }
  if (chance.percent(5)) plan.requests.emplace_back().malformed = draw_malformed(chance);
  bool may_pipeline = true;
  for (const RequestPlan& request : plan.requests)
    may_pipeline = may_pipeline && !request.expects_continue && !request.wants_upgrade;
  plan.is_pipelining = may_pipeline && chance.percent(20);
  plan.nature = draw_nature(chance, weather);
  plan.between = chance.pick<Duration>(
      {microseconds(20), milliseconds(2), milliseconds(700), seconds(3), seconds(17)});
  if (chance.percent(25)) {
    std::size_t largest = 0;
    for (const RequestPlan& request : plan.requests)
      largest = std::max(largest, request.body_bytes);
    plan.piece_bytes = draw_piece(chance, largest);
    plan.piece_delay = chance.between(microseconds(10), milliseconds(5));
  }
  if (chance.percent(10)) {
    plan.read_quota = 1'000 + chance.below(30'000);
    plan.read_pause = chance.between(microseconds(100), milliseconds(100));
  }
  plan.closes_when_done = !chance.percent(10);
  plan.is_clean = weather.is_clean;
  if (chance.percent(weather.client_faults)) spoil(chance, plan);
  return plan;
}

// Nothing that could pass for an answer: what arrives just when the next request was sent on that
// connection cannot be told from one.
std::string draw_babble(Chance& chance) {
  return chance.pick<const char*>(
      {"x", "\r\n", "HTTP/1.1 2",
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
       "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 999 No\r\n\r\n", "\x15\x03\x01"});
}

std::string draw_check_answer(Chance& chance) {
  switch (chance.below(8)) {
    case 0:
      return "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n";
    case 1:
      return draw_babble(chance);
    case 2:
      return "";
    case 3:
      return "HTTP/1.1 200 Up\r\nContent-Length: 10\r\n\r\ncut";
    default:
      return "HTTP/1.1 200 Up\r\nContent-Length: 2\r\n\r\nok";
  }
}

}  // namespace weir::sim
