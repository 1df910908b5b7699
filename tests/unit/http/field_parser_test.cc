// llhttp is shown the names only; here it reads whole sections, and has to come to the same fields.
#include "src/http/field_parser.h"

#include <llhttp.h>

#include <optional>

#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;

namespace {

struct WholeReading {
  std::string fields{};
  std::string value{};
  bool is_complete = false;
};

WholeReading* reading_of(llhttp_t* parser) { return static_cast<WholeReading*>(parser->data); }

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// "name=value|" of each field, or nothing when llhttp refuses the section.
std::optional<std::string> read_by_llhttp(std::string_view section) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) {
    reading_of(parser)->fields.append(at, size);
    parser->header_state = 0;  // its own reading of framing fields is not weir's
    return 0;
  };
  settings.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) {
    reading_of(parser)->value.append(at, size);
    return 0;
  };
  settings.on_header_value_complete = [](llhttp_t* parser) {
    WholeReading& reading = *reading_of(parser);
    reading.fields += "=" + std::string(trimmed(reading.value)) + "|";
    reading.value.clear();
    return 0;
  };
  settings.on_headers_complete = [](llhttp_t* parser) {
    reading_of(parser)->is_complete = true;
    return 0;
  };
  std::string bytes = "GET / HTTP/1.1\r\n" + std::string(section);
  WholeReading reading;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &reading;
  if (llhttp_execute(&parser, bytes.data(), bytes.size()) != HPE_OK) return std::nullopt;
  REQUIRE(reading.is_complete);
  return reading.fields;
}

// The same by weir.
std::optional<std::string> read_by_weir(std::string_view section, const LineEnds& ends) {
  Fields fields;
  if (parse_fields(section, 0, ends, fields)) return std::nullopt;
  std::string text;
  for (const Field& field : fields)
    text += std::string(field.name) + "=" + std::string(field.value) + "|";
  return text;
}

// Whether each line that is said to be verbatim is.
void check_verbatim(std::string_view section, const LineEnds& ends) {
  Fields fields;
  parse_fields(section, 0, ends, fields);
  for (const Field& field : fields) {
    std::string line = std::string(field.name) + ": " + std::string(field.value) + "\r\n";
    std::string_view rest =
        section.substr(static_cast<std::size_t>(field.name.data() - section.data()));
    CHECK(field.is_verbatim == rest.starts_with(line));
  }
}

// Whether both readings of a section that passes the guards took it.
bool check_readings(std::string_view bytes) {
  CAPTURE(bytes);
  std::size_t count = 0;
  LineEnds ends;
  Scan scan = find_fields_end(bytes, 0, 0, count, 100, ends);
  if (scan.status != ScanStatus::kFound) return false;
  std::string_view section = bytes.substr(0, scan.position);
  std::optional<std::string> read = read_by_weir(section, ends);
  CHECK(read == read_by_llhttp(section));
  CHECK(read == read_by_weir(section, LineEnds()));
  check_verbatim(section, ends);
  return read.has_value();
}

std::uint32_t next_random(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

}  // namespace

TEST_CASE("R04: every byte in a name, behind it, and in a value") {
  for (int c = 0; c < 256; ++c)
    for (const char* shape :
         {"a@b: c\r\n\r\n", "@: c\r\n\r\n", "Content@: 1\r\n\r\n", "Connection@: close\r\n\r\n",
          "a:@\r\n\r\n", "a: b@c\r\n\r\n", "a: @\r\nb: c\r\n\r\n", "a:b@\r\n\r\n", "ab@\r\n\r\n"}) {
      std::string section = shape;
      section[section.find('@')] = static_cast<char>(c);
      check_readings(section);
    }
}

TEST_CASE("R04: fields that llhttp has an opinion on") {
  for (std::string_view section :
       {"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length: \r\n\r\n",
        "Content-Length:\t5\t\r\n\r\n", "content-length: x\r\nA: b\r\n\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding:\r\nA: b\r\n\r\n", "Transfer-Encoding: chunked, x\r\nA: b\r\n\r\n",
        "Upgrade: x\r\nConnection: upgrade, close\r\n\r\n", "Proxy-Connection:close \r\n\r\n",
        "C: 1\r\nCo: 2\r\nCon: 3\r\nConn: 4\r\nP: 5\r\nT: 6\r\nU: 7\r\n\r\n"}) {
    CAPTURE(section);
    CHECK(check_readings(section));
  }
}

TEST_CASE("R04: random sections read by llhttp as a whole") {
  static constexpr std::string_view kPieces[] = {"A",
                                                 "Content-Length",
                                                 "connection",
                                                 "x_y",
                                                 "Transfer-Encoding",
                                                 "",
                                                 ":",
                                                 ":",
                                                 ": ",
                                                 ":\t",
                                                 " ",
                                                 "\t",
                                                 "b",
                                                 "c d",
                                                 "\xe9",
                                                 "\"q\"",
                                                 "5",
                                                 "chunked",
                                                 "close",
                                                 ",",
                                                 "@",
                                                 "\r\n",
                                                 "\r\n",
                                                 "\r\n"};
  std::uint32_t random = 99;
  int taken = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string section;
    for (std::size_t lines = next_random(random) % 4; lines > 0; --lines) {
      section += kPieces[next_random(random) % 5];
      section += kPieces[6 + next_random(random) % 4];
      for (std::size_t count = next_random(random) % 4; count > 0; --count)
        section += kPieces[next_random(random) % std::size(kPieces)];
      section += "\r\n";
    }
    taken += check_readings(section + "\r\n");
  }
  CHECK(taken > 5000);
}

TEST_CASE("R14: which lines may be copied as they stand") {
  auto flags = [](std::string_view section) {
    Fields fields;
    CHECK_FALSE(parse_fields(section, 0, LineEnds(), fields));
    std::string text;
    for (const Field& field : fields) text += field.is_verbatim ? '1' : '0';
    return text;
  };
  CHECK(flags("A: b\r\nA:b\r\nA:  b\r\nA: b \r\nA:\tb\r\nA: \r\nA:\r\nA:  \r\nA: b\tc\r\n\r\n") ==
        "100001001");
  CHECK(flags("\r\n") == "");
}
