#include "weir/observe/request_record.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "weir/base/log.h"

namespace {

using namespace std::chrono_literals;
using weir::Failure;
using weir::IpAddress;
using weir::WallTime;
using weir::observe::append_access_line;
using weir::observe::Phase;
using weir::observe::RequestRecord;

std::string line_of(const RequestRecord& record) {
  std::string line;
  append_access_line(line, record);
  return line;
}

bool has(const std::string& line, std::string_view part) {
  return (" " + line).find(" " + std::string(part) + " ") != std::string::npos;
}

RequestRecord proxied() {
  RequestRecord record;
  record.finished = WallTime(1795155933123456789ns);
  record.listener_name = "public";
  record.client = IpAddress::v4(0xc0000201, 4711);
  record.method = "POST";
  record.scheme = "https";
  record.host = "www.example.com";
  record.path = "/api/orders";
  record.status = 201;
  record.bytes_in = 42;
  record.bytes_out = 8192;
  record.duration = 1234567us;
  record.connect = 312us;
  record.response_head = 900999ns;
  record.route = "api";
  record.pool = "web";
  record.backend = "[::1]:9002";
  record.tries = 2;
  record.request_id = "5f0a";
  record.user_agent = "curl/8.0";
  record.referer = "https://www.example.com/";
  return record;
}

TEST_CASE("the access line of a proxied request") {
  CHECK(line_of(proxied()) ==
        "time=2026-11-20T06:25:33.123Z level=info msg=request listener=public client=192.0.2.1 "
        "method=POST scheme=https host=www.example.com path=/api/orders status=201 bytes_in=42 "
        "bytes_out=8192 duration=1.234567 connect=0.000312 response_head=0.000900 route=api "
        "pool=web backend=[::1]:9002 tries=2 reused=false request_id=5f0a user_agent=curl/8.0 "
        "referer=https://www.example.com/ proto=HTTP/1.1\n");
}

TEST_CASE("the access line of a request whose head was never understood") {
  RequestRecord record;
  record.finished = WallTime(1795155933000ms);
  record.listener_name = "public";
  record.client = IpAddress::v4(0x7f000001, 4711);
  record.status = 400;
  record.failure = Failure::bad_request;
  record.phase = Phase::kHead;
  CHECK(line_of(record) ==
        "time=2026-11-20T06:25:33.000Z level=info msg=request listener=public client=127.0.0.1 "
        "status=400 bytes_in=0 bytes_out=0 duration=0.000000 tries=0 side=client phase=head "
        "reason=bad_request\n");
}

TEST_CASE("lines are appended") {
  std::string lines = "before\n";
  append_access_line(lines, proxied());
  append_access_line(lines, proxied());
  CHECK(lines == "before\n" + line_of(proxied()) + line_of(proxied()));
}

TEST_CASE("a client that went away unanswered is a 499") {
  RequestRecord record = proxied();
  record.failure = Failure::client_gone;
  record.phase = Phase::kResponse;
  CHECK(has(line_of(record), "status=201"));
  record.status = 0;
  CHECK(has(line_of(record), "status=499"));
  CHECK(has(line_of(record), "side=client phase=response reason=client_gone"));
  record.failure = Failure::drain_deadline;
  CHECK(has(line_of(record), "status=0"));
}

TEST_CASE("every failure names its side and itself") {
  for (std::size_t i = 0; i < weir::kFailureCount; ++i) {
    RequestRecord record = proxied();
    record.failure = static_cast<Failure>(i);
    const weir::FailureRow& row = weir::row_of(*record.failure);
    CHECK(has(line_of(record), "side=" + std::string(name_of(row.side)) +
                                   " phase=done reason=" + std::string(row.name)));
  }
}

TEST_CASE("every phase has its name") {
  std::string names;
  for (Phase phase : {Phase::kHead, Phase::kRouting, Phase::kConnect, Phase::kRequest,
                      Phase::kResponse, Phase::kTunnel, Phase::kDone}) {
    names += std::string(name_of(phase)) + " ";
  }
  CHECK(names == "head routing connect request response tunnel done ");
}

TEST_CASE("versions and kept-open connections") {
  RequestRecord record = proxied();
  record.minor_version = 0;
  record.is_reused = true;
  std::string line = line_of(record);
  CHECK(has(line, "reused=true"));
  CHECK(line.ends_with(" proto=HTTP/1.0\n"));
  record.tries = 0;
  CHECK(line_of(record).find("reused=") == std::string::npos);
}

TEST_CASE("a Unix socket's client has no address, an IPv6 one no brackets") {
  RequestRecord record = proxied();
  record.client = IpAddress();
  CHECK(line_of(record).find("client=") == std::string::npos);
  record.client = IpAddress::parse("2001:db8::7", 80).value();
  CHECK(has(line_of(record), "client=2001:db8::7"));
}

TEST_CASE("nothing in a request can end or forge a line") {
  std::string every_byte = "start";
  for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
  for (std::string evil : {std::string("a\ntime=2026 level=info msg=request status=200"),
                           std::string("a\" status=200 b=\""), std::string("a\\\" status=200"),
                           std::string("a status=200"), std::string("\r\n\t\0\x1b[2J", 8),
                           std::string("=x"), every_byte}) {
    for (auto field :
         {&RequestRecord::method, &RequestRecord::host, &RequestRecord::path,
          &RequestRecord::request_id, &RequestRecord::user_agent, &RequestRecord::referer}) {
      RequestRecord record = proxied();
      record.*field = evil;
      std::string line = line_of(record);
      CHECK(std::count(line.begin(), line.end(), '\n') == 1);
      CHECK(std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= ' ' && c < 127; }));

      // As a reader of logfmt sees it: outside of quotes, every key stands once.
      std::string outside;
      bool is_quoted = false;
      for (std::size_t i = 0; i < line.size(); ++i) {
        if (is_quoted && line[i] == '\\') {
          ++i;
        } else if (line[i] == '"') {
          is_quoted = !is_quoted;
        } else if (!is_quoted) {
          outside += line[i];
        }
      }
      CHECK_FALSE(is_quoted);
      CHECK(outside.find(" status=201") != std::string::npos);
      CHECK(outside.find(" status=200") == std::string::npos);
      CHECK(std::count(outside.begin(), outside.end(), '=') ==
            std::count(outside.begin(), outside.end(), ' ') + 1);
    }
  }
}

TEST_CASE("the short ways of a line write what base's functions write") {
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    RequestRecord record = proxied();
    std::string value = "a" + std::string(1, static_cast<char>(c)) + "b";
    record.path = value;
    std::string expected = " ";
    weir::append_logfmt(expected, "path", value);
    CHECK(line_of(record).find(expected.substr(1) + " status=") != std::string::npos);
  }
  for (auto time : {0ms, 951782399999ms, 951827696789ms, 1709164800001ms, 4102444799050ms}) {
    RequestRecord record = proxied();
    record.finished = WallTime(time);
    std::string expected = "time=";
    weir::append_rfc3339(expected, record.finished);
    CHECK(line_of(record).starts_with(expected + " "));
  }
}

TEST_CASE("numbers of any size") {
  RequestRecord record = proxied();
  record.bytes_out = std::numeric_limits<std::uint64_t>::max();
  record.duration = 100h + 999999999ns;
  record.connect = -1ms;
  std::string line = line_of(record);
  CHECK(has(line, "bytes_out=18446744073709551615"));
  CHECK(has(line, "duration=360000.999999"));
  CHECK(has(line, "connect=0.000000"));
}

}  // namespace
