#include "src/observe/access_line.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "record_fixture.h"
#include "weir/base/json_text.h"
#include "weir/base/log.h"
#include "weir/base/rng.h"

namespace {

using namespace std::chrono_literals;
using weir::Failure;
using weir::IpAddress;
using weir::WallTime;
using weir::observe::AccessFormat;
using weir::observe::AccessLine;
using weir::observe::Phase;
using weir::observe::RequestRecord;
using weir::observe::test::proxied;

std::string line_of(const RequestRecord& record, AccessFormat format = AccessFormat::kLogfmt) {
  return std::string(AccessLine(format).format(record));
}

bool has(const std::string& line, std::string_view part) {
  return (" " + line).find(" " + std::string(part) + " ") != std::string::npos;
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
  record.listener = "public";
  record.client = IpAddress::v4(0x7f000001, 4711);
  record.status = 400;
  record.failure = Failure::bad_request;
  record.phase = Phase::kHead;
  CHECK(line_of(record) ==
        "time=2026-11-20T06:25:33.000Z level=info msg=request listener=public client=127.0.0.1 "
        "status=400 bytes_in=0 bytes_out=0 duration=0.000000 tries=0 side=client phase=head "
        "reason=bad_request\n");
}

TEST_CASE("a line maker forgets the line before") {
  AccessLine line(AccessFormat::kLogfmt);
  RequestRecord other = proxied();
  other.path = "/a/much/longer/path/that/the/next/line/does/not/have";
  line.format(other);
  CHECK(line.format(proxied()) == line_of(proxied()));
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
  for (Phase phase : {Phase::kHead, Phase::kRouting, Phase::kHold, Phase::kConnect, Phase::kRequest,
                      Phase::kResponse, Phase::kTunnel, Phase::kDone}) {
    names += std::string(name_of(phase)) + " ";
  }
  CHECK(names == "head routing hold connect request response tunnel done ");
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

constexpr std::string_view RequestRecord::*kTexts[] = {
    &RequestRecord::method,     &RequestRecord::host,    &RequestRecord::path,
    &RequestRecord::request_id, &RequestRecord::referer, &RequestRecord::user_agent};

std::vector<std::string> hostile_texts() {
  std::string every_byte = "start";
  for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
  std::vector<std::string> texts = {"a\ntime=2026 level=info msg=request status=200",
                                    "a\" status=200 b=\"",
                                    "a\\\" status=200",
                                    "a\",\"status\":200,\"b\":\"",
                                    "\" 200 17 \"-\" \"-\"\n127.0.0.1 - - [",
                                    "a status=200",
                                    std::string("\r\n\t\0\x1b[2J", 8),
                                    "=x",
                                    "\xff\xfe ok \xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa9 \xc2\x9b",
                                    "\xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80 \xe2\x82",
                                    every_byte};
  weir::Rng rng(7);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    std::size_t size = rng.next() % 70;
    // Half of the bytes from the few that matter.
    constexpr std::string_view kSpecial = "\"\\\n\r= {},:[]\x1b\x7f\x80\xc3\xa9x0";
    for (std::size_t at = 0; at < size; ++at)
      text += rng.next() % 2 == 0 ? kSpecial[rng.next() % kSpecial.size()]
                                  : static_cast<char>(rng.next() & 255);
    texts.push_back(std::move(text));
  }
  return texts;
}

bool is_one_clean_line(const std::string& line) {
  return line.ends_with('\n') &&
         std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= ' ' && c < 127; });
}

// What a careful reader of each format finds in a line; "" as a name: it does not read.
using Fields = std::map<std::string, std::string>;

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    char kind = text[++i];
    if (kind == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind == 't' ? '\t' : kind;
    }
  }
  return out;
}

// The string in quotes at the front of `rest`, which moves behind it.
std::string_view take_quoted(std::string_view& rest) {
  std::size_t end = 1;
  while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
  REQUIRE(rest.front() == '"');
  REQUIRE(end < rest.size());
  std::string_view inside = rest.substr(1, end - 1);
  rest.remove_prefix(end + 1);
  return inside;
}

Fields read_logfmt(std::string_view rest) {
  Fields fields;
  while (rest != "\n") {
    if (rest.front() == ' ') rest.remove_prefix(1);
    std::size_t equals = rest.find('=');
    REQUIRE(equals != std::string_view::npos);
    std::string name(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    bool is_new = false;
    if (rest.front() == '"') {
      is_new = fields.emplace(name, unescaped(take_quoted(rest))).second;
    } else {
      std::size_t end = rest.find_first_of(" \n");
      is_new = fields.emplace(name, rest.substr(0, end)).second;
      rest.remove_prefix(end);
    }
    CHECK(is_new);
  }
  return fields;
}

// Strings stay escaped as they are.
Fields read_json(std::string_view rest) {
  Fields fields;
  REQUIRE(rest.front() == '{');
  while (rest.front() == '{' || rest.front() == ',') {
    rest.remove_prefix(1);
    std::string name(take_quoted(rest));
    REQUIRE(rest.front() == ':');
    rest.remove_prefix(1);
    bool is_new = false;
    if (rest.front() == '"') {
      is_new = fields.emplace(name, take_quoted(rest)).second;
    } else {
      std::size_t end = rest.find_first_of(",}");
      is_new = fields.emplace(name, rest.substr(0, end)).second;
      rest.remove_prefix(end);
    }
    CHECK(is_new);
  }
  CHECK(rest == "}\n");
  return fields;
}

Fields read_combined(std::string_view rest) {
  Fields fields;
  std::size_t bracket = rest.find('[');
  fields["client"] = rest.substr(0, rest.find(' '));
  rest.remove_prefix(rest.find("] ", bracket) + 2);
  fields["request"] = unescaped(take_quoted(rest));
  rest.remove_prefix(1);
  std::size_t quote = rest.find('"');
  fields["status"] = rest.substr(0, rest.find(' '));
  rest.remove_prefix(quote);
  fields["referer"] = unescaped(take_quoted(rest));
  REQUIRE(rest.front() == ' ');
  rest.remove_prefix(1);
  fields["user_agent"] = unescaped(take_quoted(rest));
  CHECK(rest == "\n");
  return fields;
}

std::string json_text(std::string_view text) {
  std::string out;
  weir::append_json_text(out, text);
  return out;
}

std::string value_of(const Fields& fields, const std::string& name) {
  auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

TEST_CASE("nothing in a request can end or forge a line: each reads back as it was") {
  Fields before = read_logfmt(line_of(proxied()));
  for (const std::string& evil : hostile_texts()) {
    for (auto field : kTexts) {
      RequestRecord record = proxied();
      record.*field = evil;
      for (AccessFormat format :
           {AccessFormat::kLogfmt, AccessFormat::kJson, AccessFormat::kCombined})
        REQUIRE(is_one_clean_line(line_of(record, format)));

      Fields logfmt = read_logfmt(line_of(record));
      Fields json = read_json(line_of(record, AccessFormat::kJson));
      CHECK(value_of(logfmt, "path") == record.path);
      CHECK(value_of(logfmt, "user_agent") == record.user_agent);
      CHECK(value_of(json, "path") == json_text(record.path));
      CHECK(value_of(json, "request_id") == json_text(record.request_id));
      CHECK(value_of(json, "status") == "201");
      std::size_t known = 0;
      for (const auto& [name, value] : logfmt) known += before.count(name);
      // Nothing beside what an honest request has; less where a text is empty.
      CHECK(known == logfmt.size());
      bool has_less = evil.empty();
      CHECK(logfmt.size() + has_less + (has_less && field == &RequestRecord::method) ==
            before.size());
      CHECK(json.size() == logfmt.size());

      Fields combined = read_combined(line_of(record, AccessFormat::kCombined));
      CHECK(value_of(combined, "status") == "201");
      CHECK(value_of(combined, "client") == "192.0.2.1");
      CHECK(value_of(combined, "user_agent") ==
            (record.user_agent.empty() ? "-" : record.user_agent));
      CHECK(value_of(combined, "referer") == (record.referer.empty() ? "-" : record.referer));
    }
  }
}

TEST_CASE("json: the same names, numbers as numbers") {
  RequestRecord record = proxied();
  record.failure = Failure::response_cut;
  record.phase = Phase::kResponse;
  CHECK(line_of(record, AccessFormat::kJson) ==
        "{\"time\":\"2026-11-20T06:25:33.123Z\",\"level\":\"info\",\"msg\":\"request\","
        "\"listener\":\"public\",\"client\":\"192.0.2.1\",\"method\":\"POST\","
        "\"scheme\":\"https\",\"host\":\"www.example.com\",\"path\":\"/api/orders\","
        "\"status\":201,\"bytes_in\":42,\"bytes_out\":8192,\"duration\":1.234567,"
        "\"connect\":0.000312,\"response_head\":0.000900,\"route\":\"api\",\"pool\":\"web\","
        "\"backend\":\"[::1]:9002\",\"tries\":2,\"reused\":false,\"side\":\"backend\","
        "\"phase\":\"response\",\"reason\":\"response_cut\",\"request_id\":\"5f0a\","
        "\"user_agent\":\"curl/8.0\",\"referer\":\"https://www.example.com/\","
        "\"proto\":\"HTTP/1.1\"}\n");
}

TEST_CASE("combined is Apache's") {
  RequestRecord record = proxied();
  CHECK(line_of(record, AccessFormat::kCombined) ==
        "192.0.2.1 - - [20/Nov/2026:06:25:33 +0000] \"POST /api/orders HTTP/1.1\" 201 8192 "
        "\"https://www.example.com/\" \"curl/8.0\"\n");
  record.referer = record.user_agent = {};
  record.bytes_out = 0;
  record.minor_version = 0;
  CHECK(line_of(record, AccessFormat::kCombined) ==
        "192.0.2.1 - - [20/Nov/2026:06:25:33 +0000] \"POST /api/orders HTTP/1.0\" 201 - \"-\" "
        "\"-\"\n");
}

TEST_CASE("combined, of a request that was not understood, or of which only the method was") {
  RequestRecord record;
  record.finished = WallTime(1795155933000ms);
  record.status = 408;
  record.bytes_out = 12;
  CHECK(line_of(record, AccessFormat::kCombined) ==
        "- - - [20/Nov/2026:06:25:33 +0000] \"-\" 408 12 \"-\" \"-\"\n");
  record.method = "GET";
  record.minor_version = -1;
  record.status = 0;
  CHECK(line_of(record, AccessFormat::kCombined) ==
        "- - - [20/Nov/2026:06:25:33 +0000] \"GET -\" - 12 \"-\" \"-\"\n");
  CHECK(line_of(record).ends_with(" tries=0\n"));
}

TEST_CASE("the second is written anew when it changes, forwards and backwards") {
  AccessLine line(AccessFormat::kLogfmt);
  RequestRecord record = proxied();
  for (auto time : {1795155933000ms, 1795155933999ms, 1795155934000ms, 1795155933999ms, -1ms}) {
    record.finished = WallTime(time);
    CHECK(line.format(record) == line_of(record));
  }
  CHECK(line_of(record).starts_with("time=1969-12-31T23:59:59.999Z "));
}

TEST_CASE("the short ways of a line write what base's functions write") {
  for (int c = 0; c < 256; ++c) {
    CAPTURE(c);
    RequestRecord record = proxied();
    // Behind so many others: values are copied sixteen bytes at a time.
    for (std::size_t before : {0, 1, 2, 3, 5, 6, 7, 12, 13, 14, 15, 16, 30, 31, 40}) {
      std::string value = std::string(before, 'a') + static_cast<char>(c) + "b";
      if (before % 2 == 0) value.pop_back();
      record.path = value;
      std::string expected = " ";
      weir::append_logfmt(expected, "path", value);
      CHECK(line_of(record).find(expected.substr(1) + " status=") != std::string::npos);
    }
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
