// Lines that are copied as they stand make the head that fields make which are put one by one.
#include <vector>

#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;

namespace {

std::uint32_t next_random(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

// Field lines of all kinds that forwarding treats in some way, between many that it does not.
std::string random_lines(std::uint32_t& random) {
  static constexpr std::string_view kNames[] = {"Connection",
                                                "Keep-Alive",
                                                "TE",
                                                "Upgrade",
                                                "X-Own",
                                                "Via",
                                                "Forwarded",
                                                "X-Forwarded-For",
                                                "X-Forwarded-Host",
                                                "x-forwarded-port",
                                                "X-Request",
                                                "X_Forwarded_Proto",
                                                "X-Forwarded-Ssl",
                                                "Trailer",
                                                "Date",
                                                "Expect",
                                                "Max-Forwards",
                                                "X-Request-Id",
                                                "Proxy-Connection",
                                                "x"};
  static constexpr std::string_view kPlainNames[] = {"A", "Cookie", "Accept", "Sec-Fetch-Site"};
  static constexpr std::string_view kBlanks[] = {" ", " ", " ", "", "\t", "  "};
  std::string lines;
  for (std::size_t count = next_random(random) % 12; count > 0; --count) {
    bool is_plain = next_random(random) % 2 == 0;
    std::string_view name = is_plain ? kPlainNames[next_random(random) % std::size(kPlainNames)]
                                     : kNames[next_random(random) % std::size(kNames)];
    std::string value = std::to_string(next_random(random) % 100);
    if (name == "Connection") value = next_random(random) % 2 == 0 ? "x-own" : "keep-alive, close";
    if (name == "Expect") value = "100-continue";
    if (is_plain && next_random(random) % 4 == 0) value.clear();
    lines += name;
    lines += ':';
    lines += kBlanks[next_random(random) % std::size(kBlanks)];
    lines += value;
    lines += next_random(random) % 8 == 0 ? " \r\n" : "\r\n";
  }
  return lines;
}

// The same fields, each in memory of its own.
void scatter(Fields& fields, std::vector<std::string>& memory) {
  memory.clear();
  memory.reserve(2 * fields.size());
  std::vector<Field> all(fields.begin(), fields.end());
  fields.clear();
  for (const Field& field : all) {
    std::string_view name = memory.emplace_back(field.name);
    std::string_view value = memory.emplace_back(field.value);
    fields.add(name, value);
  }
}

template <typename Append>
std::string written(Append append) {
  Buffer out;
  append(out);
  return std::string(out.view());
}

}  // namespace

TEST_CASE("R14: requests with lines in one piece and with fields of their own") {
  std::uint32_t random = 5;
  int copied = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = with_fields(random_lines(random), round % 3 == 0   ? "OPTIONS * HTTP/1.1"
                                                          : round % 7 == 0 ? "GET / HTTP/1.0"
                                                                           : "GET / HTTP/1.1");
    CAPTURE(bytes);
    RequestHead head;
    if (parse(std::string_view(bytes), head).status != HeadStatus::kComplete) continue;
    RequestForwarding how = plain_forwarding();
    how.is_peer_trusted = next_random(random) % 2 == 0;
    how.body = head.body;
    for (const Field& field : head.fields) copied += field.is_verbatim;
    auto append = [&](Buffer& out) { append_request_head(out, head, how); };
    std::string whole = written(append);
    std::vector<std::string> memory;
    scatter(head.fields, memory);
    CHECK(written(append) == whole);
  }
  CHECK(copied > 5000);
}

TEST_CASE("R14: responses with lines in one piece and with fields of their own") {
  std::uint32_t random = 6;
  int copied = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = response_with(random_lines(random) + "Content-Length: 3\r\n");
    CAPTURE(bytes);
    ResponseHead head;
    if (parse(std::string_view(bytes), head).status != HeadStatus::kComplete) continue;
    ResponseForwarding how;
    how.server_name = "weir";
    how.body = head.body;
    how.sends_trailers = next_random(random) % 2 == 0;
    how.date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (const Field& field : head.fields) copied += field.is_verbatim;
    auto append = [&](Buffer& out) { append_response_head(out, head, how); };
    std::string whole = written(append);
    std::vector<std::string> memory;
    scatter(head.fields, memory);
    CHECK(written(append) == whole);
  }
  CHECK(copied > 5000);
}
