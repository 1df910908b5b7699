// A head means the same however its bytes were cut into pieces.
#include <vector>

#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

namespace {

template <typename Head>
HeadResult parse_more(std::string_view bytes, const HeadLimits& limits, HeadProgress& progress,
                      Head& head) {
  if constexpr (std::is_same_v<Head, RequestHead>)
    return parse_request_head(bytes, limits, progress, head);
  else
    return parse_response_head(bytes, limits, progress, Method::kGet, head);
}

template <typename Head>
std::string described(const HeadResult& result, const Head& head) {
  std::string text = outcome(result) + " " + std::string(result.reason);
  if (result.status != HeadStatus::kComplete) return text;
  text += std::to_string(head.head_bytes) + " " + std::to_string(head.body.length);
  for (const Field& field : head.fields)
    text += "|" + std::string(field.name) + "=" + std::string(field.value);
  if constexpr (std::is_same_v<Head, RequestHead>)
    text += "|" + std::string(head.method_text) + std::string(head.target) +
            std::string(head.authority) + std::string(head.host);
  else
    text += "|" + std::to_string(head.status) + std::string(head.reason);
  return text;
}

// Bytes arrive up to each of `ends`, each time at another place of memory.
template <typename Head>
std::string parse_in_pieces(std::string_view bytes, const std::vector<std::size_t>& ends,
                            const HeadLimits& limits) {
  Head head;
  HeadProgress progress;
  HeadResult result;
  std::string copy;
  for (std::size_t end : ends) {
    copy = std::string(bytes.substr(0, end));
    copy.shrink_to_fit();
    result = parse_more(copy, limits, progress, head);
    if (result.status != HeadStatus::kIncomplete) break;
  }
  return described(result, head);
}

template <typename Head>
void check_all_splits(std::string_view bytes, const HeadLimits& limits) {
  CAPTURE(bytes);
  std::string whole = parse_in_pieces<Head>(bytes, {bytes.size()}, limits);
  std::vector<std::size_t> single;
  for (std::size_t i = 0; i <= bytes.size(); ++i) single.push_back(i);
  CHECK(parse_in_pieces<Head>(bytes, single, limits) == whole);
  for (std::size_t i = 0; i <= bytes.size(); ++i)
    CHECK(parse_in_pieces<Head>(bytes, {i, bytes.size()}, limits) == whole);
}

std::uint32_t next_random(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

}  // namespace

TEST_CASE("R04, R05, R12: any split of a request head gives the same result") {
  HeadLimits limits{.start_line_bytes = 60, .head_bytes = 160, .fields = 6};
  for (const std::string& bytes : {
           with_fields(""),
           "\r\n" + with_fields("A: b\r\nC:\r\nContent-Length: 3\r\n") + "abc",
           "\r\n\r\n" + with_fields(""),
           with_fields("A: b\r\n c\r\n"),
           with_fields("A: b\rC\r\n"),
           with_fields("A: b\nC: d\r\n"),
           with_fields("A\r\n\r\nX: \x01"),
           with_fields("Host: b\r\n"),
           with_fields("A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\n"),
           with_fields("A: " + std::string(200, 'x') + "\r\n"),
           with_fields("", "GET http://B.c:80?x HTTP/1.1"),
           with_fields("", "GET / HTTP/2.0"),
           with_fields("", "GET /" + std::string(80, 'x') + " HTTP/1.1"),
           with_fields("", "GET /" + std::string(80, 'x') + "\x01 HTTP/1.1"),
           with_fields("", "G@T /\x01 HTTP/1.1"),
           with_fields("", "GET / HTTP/1.1\r"),
           with_fields("", "METHOD-OF-MORE-THAN-TWENTY-FOUR@ /"),
           "GET / HTTP/1.1\r\n\r\n"s,
           "GET / HTTP/1.0\r\n\r\n"s,
           "GET / HTTP/1.1\r\n X: y\r\n\r\n"s,
           "\x16\x03\x01\x02"s,
           "GET /\r\n"s,
       })
    check_all_splits<RequestHead>(bytes, limits);
}

TEST_CASE("R21: any split of a response head gives the same result") {
  HeadLimits limits{.start_line_bytes = 60, .head_bytes = 160, .fields = 6};
  for (const std::string& bytes : {
           response_with(""),
           response_with("Content-Length: 3\r\n") + "abc",
           response_with("A: b\r\n", "HTTP/1.1 200"),
           response_with("A: b\r\n", "HTTP/1.1 2000"),
           response_with("A: b\r\n", "HTTP/2.0 200"),
           response_with("A: b\r\n c\r\n"),
           response_with("A: b\nc\r\n"),
           response_with("A: " + std::string(200, 'x') + "\r\n"),
           response_with("", "HTTP/1.1 200 " + std::string(200, 'x')),
           response_with("A: b\r\r\n"),
           "\r\n" + response_with(""),
       })
    check_all_splits<ResponseHead>(bytes, limits);
}

TEST_CASE("R04, R12: heads with random faults, in random pieces") {
  constexpr std::string_view kBytes =
      "\r\n\r\n :\t\x01"
      "Aa/\x80,\"0#";
  HeadLimits limits{.start_line_bytes = 50, .head_bytes = 150, .fields = 6};
  std::uint32_t random = 4711;
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = with_fields("Content-Length: 3\r\nX-Y: some value\r\nConnection: close\r\n",
                                    "POST /path?query HTTP/1.1");
    std::size_t faults = next_random(random) % 3;
    for (std::size_t i = 0; i < faults; ++i) {
      std::size_t at = next_random(random) % bytes.size();
      char c = kBytes[next_random(random) % kBytes.size()];
      if (next_random(random) % 2 == 0)
        bytes[at] = c;
      else
        bytes.insert(at, 1, c);
    }
    std::vector<std::size_t> ends;
    for (std::size_t end = 0; end < bytes.size(); end += 1 + next_random(random) % 40)
      ends.push_back(end);
    ends.push_back(bytes.size());
    CAPTURE(bytes);
    std::string whole = parse_in_pieces<RequestHead>(bytes, {bytes.size()}, limits);
    CHECK(parse_in_pieces<RequestHead>(bytes, ends, limits) == whole);
    refused += !whole.starts_with("ok");
  }
  CHECK(refused > 500);
}

TEST_CASE("R32: a head that trickles is scanned once") {
  HeadLimits limits;
  std::string bytes = with_fields("A: " + std::string(30'000, 'x') + "\r\n");
  RequestHead head;
  HeadProgress progress;
  for (std::size_t end = 0; end < bytes.size(); ++end) {
    REQUIRE(parse_request_head({bytes.data(), end}, limits, progress, head).status ==
            HeadStatus::kIncomplete);
    REQUIRE(progress.scanned + 2 >= end);
  }
  CHECK(parse_request_head(bytes, limits, progress, head).status == HeadStatus::kComplete);
  CHECK(progress.scanned == 0);
}
