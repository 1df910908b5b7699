// The guards look at blocks of bytes; here a plain reading, byte by byte, is held against them.
#include "src/http/guards.h"

#include <array>
#include <optional>
#include <vector>

#include "support.h"

using namespace weir;
using namespace weir::http;

namespace {

bool is_refused_byte(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
}

Scan plainly_refused(std::string_view reason, Failure failure = Failure::bad_request) {
  return {ScanStatus::kRefused, 0, {reason, failure}};
}

Scan plain_line_end(std::string_view bytes, std::size_t from) {
  for (std::size_t at = from; at < bytes.size(); ++at) {
    if (!is_refused_byte(bytes[at])) continue;
    if (bytes[at] == '\n') return plainly_refused("bare LF in the head");
    if (bytes[at] != '\r') return plainly_refused("control byte in the head");
    if (at + 1 == bytes.size()) return {ScanStatus::kMore, at};
    if (bytes[at + 1] != '\n') return plainly_refused("bare CR in the head");
    return {ScanStatus::kFound, at};
  }
  return {ScanStatus::kMore, bytes.size()};
}

struct PlainSection {
  Scan scan;
  std::size_t fields = 0;
  std::vector<std::size_t> ends{};
};

PlainSection plain_section(std::string_view bytes, std::size_t begin, std::size_t max_fields) {
  PlainSection section{{ScanStatus::kMore, begin}};
  auto finish = [&](Scan scan) {
    section.scan = scan;
    return section;
  };
  for (std::size_t at = begin;;) {
    if (at == bytes.size()) return finish({ScanStatus::kMore, at});
    if (bytes[at] == '\r') {
      if (at + 1 == bytes.size()) return finish({ScanStatus::kMore, at});
      if (bytes[at + 1] != '\n') return finish(plainly_refused("bare CR in the head"));
      return finish({ScanStatus::kFound, at + 2});
    }
    if (bytes[at] == ' ' || bytes[at] == '\t')
      return finish(plainly_refused(at == begin ? "white space before the first field"
                                                : "a folded field line"));
    if (bytes[at] == ':') return finish(plainly_refused("a field without a name"));
    if (section.fields == max_fields)
      return finish(plainly_refused("too many fields", Failure::head_too_large));
    ++section.fields;
    Scan line = plain_line_end(bytes, at);
    if (line.status != ScanStatus::kFound) return finish(line);
    section.ends.push_back(line.position);
    at = line.position + 2;
  }
}

void check_equal(const Scan& scan, const Scan& plain) {
  CHECK(scan.status == plain.status);
  CHECK(scan.position == plain.position);
  CHECK(scan.refusal.reason == plain.refusal.reason);
  CHECK(scan.refusal.failure == plain.refusal.failure);
}

// In one go, and in two with a cut at `cut`.
void check_section(std::string_view bytes, std::size_t begin, std::size_t max_fields,
                   std::size_t cut) {
  CAPTURE(bytes);
  CAPTURE(begin);
  CAPTURE(cut);
  PlainSection plain = plain_section(bytes, begin, max_fields);
  std::size_t fields = 0;
  LineEnds ends;
  check_equal(find_fields_end(bytes, begin, begin, fields, max_fields, ends), plain.scan);
  CHECK(fields == plain.fields);
  if (plain.scan.status == ScanStatus::kFound) {
    REQUIRE(ends.count() == plain.ends.size());
    for (std::size_t i = 0; i < ends.count(); ++i) CHECK(ends[i] == plain.ends[i]);
  }
  // A copy of its own, so that a look behind the cut is one behind the memory.
  std::string first(bytes.substr(0, cut));
  first.shrink_to_fit();
  fields = 0;
  LineEnds none;
  Scan scan = find_fields_end(first, begin, begin, fields, max_fields, none);
  check_equal(scan, plain_section(first, begin, max_fields).scan);
  if (scan.status != ScanStatus::kMore) return;
  CHECK(scan.position + 1 >= cut);
  LineEnds rest;
  check_equal(find_fields_end(bytes, begin, scan.position, fields, max_fields, rest), plain.scan);
  CHECK(fields == plain.fields);
  if (scan.position != begin) CHECK(rest.count() == 0);
}

std::uint32_t next_random(std::uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

// Pieces that sections are made of, more or less.
std::string random_section(std::uint32_t& random) {
  static const std::vector<std::string> kPieces = {"A: b\r\n",
                                                   "Name: value\r\n",
                                                   "\r\n",
                                                   "x:\r\n",
                                                   ":",
                                                   " ",
                                                   "\t",
                                                   "Long-Name-Of-A-Field: with\ta tab\r\n",
                                                   "\r",
                                                   "\n",
                                                   std::string(1, '\0'),
                                                   "\x7f",
                                                   "\x80\xff: \xe9\r\n",
                                                   "\r\n\r\n",
                                                   "a",
                                                   std::string(40, 'y') + "\r\n",
                                                   std::string(63, 'z') + "\r\n",
                                                   std::string(16, '\t')};
  std::string bytes;
  for (std::size_t count = next_random(random) % 12; count > 0; --count) {
    // Mostly whole lines, else nothing gets far.
    std::size_t kinds = next_random(random) % 4 == 0 ? kPieces.size() : 2;
    bytes += kPieces[next_random(random) % kinds];
  }
  return bytes + (next_random(random) % 2 == 0 ? "\r\n" : "");
}

}  // namespace

TEST_CASE("R04, R12: each byte value at each place of a block") {
  for (unsigned value = 0; value < 256; ++value)
    for (std::size_t size : {1u, 15u, 16u, 17u, 63u, 64u, 65u, 127u, 128u, 130u})
      for (std::size_t at = 0; at<size; at += size> 65 ? 3 : 1) {
        std::string bytes(size, 'x');
        bytes[at] = static_cast<char>(value);
        Scan scan = find_line_end(bytes, 0);
        Scan plain = plain_line_end(bytes, 0);
        if (scan.status == plain.status && scan.position == plain.position &&
            scan.refusal.reason == plain.refusal.reason)
          continue;
        CAPTURE(value);
        CAPTURE(size);
        CAPTURE(at);
        check_equal(scan, plain);
      }
}

TEST_CASE("R04, R12: line ends, empty lines and folds across the borders of blocks") {
  for (std::size_t size = 0; size < 140; ++size)
    for (std::string_view end :
         {"\r\n\r\n", "\r\nB: c\r\n\r\n", "\r\n \r\n", "\r\n\tx", "\r\n:x", "\r\r\n", "\n\r\n",
          "\r\n\r", "\r\n\rx", "\r\n\n", "\r", "\r\n", "\t\r\n\r\n", "\r\n\x01\r\n\r\n"}) {
      std::string bytes = "GET" + std::string(size, 'a') + std::string(end);
      for (std::size_t cut = 3; cut <= bytes.size(); cut += cut + 8 < 3 + size ? 7 : 1)
        check_section(bytes, 3, 100, cut);
    }
}

TEST_CASE("R04, R12: random sections, cut anywhere") {
  std::uint32_t random = 815;
  std::array<int, 3> outcomes{};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = "st" + random_section(random);
    std::size_t cut = 2 + next_random(random) % (bytes.size() - 1);
    check_section(bytes, 2, 6, cut);
    ++outcomes[static_cast<std::size_t>(plain_section(bytes, 2, 6).scan.status)];
  }
  for (int count : outcomes) CHECK(count > 1000);
}

TEST_CASE("R04, R12: more lines than are written down") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += "A: b\r\n";
  bytes += "\r\n";
  std::size_t fields = 0;
  LineEnds ends;
  check_equal(find_fields_end(bytes, 0, 0, fields, 300, ends), {ScanStatus::kFound, bytes.size()});
  CHECK(fields == 300);
  CHECK(ends.count() < 300);
  for (std::size_t i = 0; i < ends.count(); ++i) CHECK(ends[i] == 6 * i + 4);
}
