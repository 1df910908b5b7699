#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

namespace {

struct Decoded {
  std::string data;
  std::string rest;     // behind the body
  std::string outcome;  // "done", "more" or the refusal's reason
  std::string trailers;
  bool operator==(const Decoded&) const = default;
};

// Decodes `input` in pieces of at most `piece` bytes.
Decoded decode(BodyDecoder decoder, std::string_view input, std::size_t piece) {
  Decoded decoded;
  using enum BodyDecoder::Event;
  for (std::size_t at = 0; at < input.size();) {
    std::string_view part = input.substr(at, piece);
    for (;;) {
      BodyDecoder::Step step = decoder.next(part);
      REQUIRE(step.consumed <= part.size());
      part.remove_prefix(step.consumed);
      at += step.consumed;
      decoded.data += step.data;
      if (step.event == kData) {
        CHECK_FALSE(step.data.empty());
        continue;
      }
      if (step.event == kRefused) {
        CHECK_FALSE(step.reason.empty());
        decoded.outcome = step.reason;
        return decoded;
      }
      if (step.event == kNeedMore) break;
      decoded.outcome = "done";
      decoded.rest = input.substr(at);
      for (const Field& field : decoder.trailers())
        decoded.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
      CHECK(decoder.is_done());
      CHECK(decoder.finish());
      return decoded;
    }
    CHECK(part.empty());
  }
  decoded.outcome = decoder.finish() ? "done" : "more";
  return decoded;
}

Decoded decode_chunked(std::string_view input, const HeadLimits& limits = {}) {
  auto decoder = [&] { return BodyDecoder({BodyKind::kChunked, 0}, limits); };
  Decoded whole = decode(decoder(), input, input.size() + 1);
  for (std::size_t piece : {1u, 2u, 3u, 5u, 7u, 16u, 61u}) {
    CAPTURE(piece);
    Decoded in_pieces = decode(decoder(), input, piece);
    CHECK(in_pieces.outcome == whole.outcome);
    CHECK(in_pieces.rest == whole.rest);
    CHECK(in_pieces.trailers == whole.trailers);
    // Data in front of a fault is handed out when its piece comes.
    CHECK(in_pieces.data == whole.data);
  }
  return whole;
}

bool is_refused(std::string_view input, const HeadLimits& limits = {}) {
  Decoded decoded = decode_chunked(input, limits);
  return decoded.outcome != "done" && decoded.outcome != "more";
}

}  // namespace

TEST_CASE("R03: chunked bodies, whatever the pieces") {
  CHECK(decode_chunked("0\r\n\r\n") == Decoded{"", "", "done", ""});
  CHECK(decode_chunked("5\r\nhello\r\n0\r\n\r\n") == Decoded{"hello", "", "done", ""});
  CHECK(decode_chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET") ==
        Decoded{"hello world", "GET", "done", ""});
  CHECK(decode_chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n").data ==
        "01234567890123456789");
  CHECK(decode_chunked("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n").outcome == "done");
  CHECK(decode_chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n").data == "\r\n\r\n");
  CHECK(decode_chunked("5\r\nhel").outcome == "more");
  CHECK(decode_chunked("5\r\nhello\r\n0\r\n").outcome == "more");
  CHECK(decode_chunked("5\r\nhello\r\n0\r\n\r").outcome == "more");
  CHECK(decode_chunked("").outcome == "more");
}

TEST_CASE("R03: chunk sizes are hex digits, at most 16, and nothing else") {
  for (std::string_view body : {"\r\n",
                                "g\r\n",
                                "x\r\n",
                                "5 \r\nhello\r\n0\r\n\r\n",
                                " 5\r\nhello\r\n0\r\n\r\n",
                                "\t5\r\nhello",
                                "5\t\r\nhello",
                                "+5\r\nhello",
                                "-5\r\nhello",
                                "0x5\r\nhello",
                                "5h\r\nhello",
                                "5.\r\nhello",
                                "5,5\r\nhello",
                                "5_\r\nhello",
                                "00000000000000005\r\nhello",
                                "10000000000000000\r\nhello",
                                "fffffffffffffffff\r\nhello",
                                ";a\r\n",
                                "5\x80\r\nhello",
                                "\xef\xbc\x95\r\nhello",
                                "5=\r\nhello",
                                "\"5\"\r\nhello",
                                "5 ;a=b\r\nhello",
                                "5\x0b\r\n"}) {
    CAPTURE(body);
    CHECK(is_refused(body));
  }
  CHECK(is_refused("\0"s));
  CHECK(is_refused("5\0\r\nhello"s));
  CHECK(decode_chunked("ffffffffffffffff\r\nhello") == Decoded{"hello", "", "more", ""});
}

TEST_CASE("R03: every line of a chunked body ends in CR LF") {
  for (std::string_view body :
       {"5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\rhello", "5\r\rhello",
        "5\r\nhello0\r\n", "5\r\nhello\r0\r\n", "5\r\nhello\r\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello \r\n", "5\r\nhello\r\n\r\n0\r\n\r\n", "0\n\r\n", "0\r\n\n", "0\r\n\rX",
        "0\r\r\n", "0\rX", "5\r\nhello\r\n0\n\n", "4\r\nhello\r\n0\r\n\r\n", "5;a\nb\r\nhello"}) {
    CAPTURE(body);
    CHECK(is_refused(body));
  }
  CHECK(decode_chunked("6\r\nhello\r\n0\r\n\r\n").outcome != "done");
}

TEST_CASE("R03: extensions are dropped and bounded over the whole body") {
  CHECK(decode_chunked("5;a\r\nhello\r\n0;b=c\r\n\r\n") == Decoded{"hello", "", "done", ""});
  CHECK(decode_chunked("5;a=b;c=\"d;\\\"\"; e\r\nhello\r\n0;f;g\r\n\r\n").data == "hello");
  CHECK(decode_chunked("5;\r\nhello\r\n5\r\nworld\r\n0;\r\n\r\n").data == "helloworld");
  CHECK(is_refused("5;a=\"b\r\nhello"));
  CHECK(is_refused("5;a=\"b\\\"\r\nhello"));
  CHECK(is_refused("5;a\x01\r\nhello"));
  CHECK(is_refused("5;a\rb\r\nhello"));
  CHECK(is_refused("5;a=\"\r\n\"\r\nhello"));
  auto body = [](std::size_t per_chunk, int chunks) {
    std::string text;
    for (int i = 0; i < chunks; ++i) text += "1;" + std::string(per_chunk, 'a') + "\r\nx\r\n";
    return text + "0\r\n\r\n";
  };
  CHECK(decode_chunked(body(16 * 1024, 1)).outcome == "done");
  CHECK(is_refused(body(16 * 1024 + 1, 1)));
  CHECK(decode_chunked(body(1024, 16)).outcome == "done");
  CHECK(is_refused(body(1024, 17)));
}

TEST_CASE("R03: a hundred thousand tiny chunks") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "1\r\nx\r\n";
  text += "0\r\n\r\nrest";
  Decoded decoded = decode(BodyDecoder({BodyKind::kChunked, 0}, {}), text, 64 * 1024);
  CHECK(decoded.data == std::string(100'000, 'x'));
  CHECK(decoded.rest == "rest");
}

TEST_CASE("R03: chunked bodies with random faults, whatever the pieces") {
  constexpr std::string_view kBytes = "\r\n\r\n0a;\"\\ :\t\x01\x80Xg";
  std::uint32_t random = 42;
  auto below = [&](std::size_t bound) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % bound;
  };
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text = "3\r\nabc\r\n1;x=\"y\"\r\nd\r\n00\r\nA: b\r\nC: d\r\n\r\nGET";
    for (std::size_t faults = below(3); faults > 0; --faults) {
      std::size_t at = below(text.size());
      char c = kBytes[below(kBytes.size())];
      if (below(2) == 0)
        text[at] = c;
      else
        text.insert(at, 1, c);
    }
    CAPTURE(text);
    Decoded decoded = decode_chunked(text);
    refused += decoded.outcome != "done" && decoded.outcome != "more";
  }
  CHECK(refused > 500);
}

TEST_CASE("R17, R26: trailers pass, but for names that frame, route or vouch") {
  CHECK(decode_chunked("1\r\nx\r\n0\r\nA: b\r\nExpires:\t1\t\r\n\r\nGET") ==
        Decoded{"x", "GET", "done", "A=b;Expires=1;"});
  CHECK(decode_chunked("0\r\ngrpc-status: 0\r\nServer-Timing: x\r\n\r\n").trailers ==
        "grpc-status=0;Server-Timing=x;");
  for (std::string_view name : {"Content-Length",
                                "transfer-encoding",
                                "Host",
                                "Connection",
                                "Trailer",
                                "TE",
                                "Upgrade",
                                "Authorization",
                                "Cookie",
                                "Set-Cookie",
                                "Via",
                                "Forwarded",
                                "X-Forwarded-For",
                                "X-Forwarded-Whatever",
                                "X_Forwarded_For",
                                "X_Forwarded_Whatever",
                                "X-Request-Id",
                                "Expect",
                                "Max-Forwards",
                                "Keep-Alive",
                                "Proxy-Connection",
                                "Content-Type",
                                "Content-Encoding",
                                "Content-Range",
                                "Cache-Control",
                                "Date",
                                "HTTP2-Settings"}) {
    CAPTURE(name);
    std::string text = "0\r\nA: b\r\n" + std::string(name) + ": 3\r\nC: d\r\n\r\n";
    CHECK(decode_chunked(text) == Decoded{"", "", "done", "A=b;C=d;"});
  }
}

TEST_CASE("R04: trailers are read like fields") {
  for (std::string_view lines :
       {" A: b\r\n", "\tA: b\r\n", "A: b\r\n c\r\n", "A: b\r\n\tc\r\n", "A : b\r\n", ": b\r\n",
        "A\r\n", "A: b\nC: d\r\n", "A: b\rC\r\n", "A: \x01\r\n", "A: b\r\r\n", "\xc3\xa9: b\r\n"}) {
    CAPTURE(lines);
    CHECK(is_refused("1\r\nx\r\n0\r\n" + std::string(lines) + "\r\n"));
  }
  CHECK(is_refused("0\r\nA: b\r\n\n"));
  CHECK(is_refused("0\r\nA: \0\r\n\r\n"s));
}

TEST_CASE("R12: trailers are bounded like heads") {
  HeadLimits limits{.start_line_bytes = 100, .head_bytes = 64, .fields = 3};
  auto section = [](std::size_t total) { return "X: " + std::string(total - 7, 'x') + "\r\n\r\n"; };
  CHECK(decode_chunked("0\r\n" + section(64) + "GET", limits).rest == "GET");
  CHECK(is_refused("0\r\n" + section(65), limits));
  CHECK(is_refused("0\r\nX: " + std::string(100, 'x'), limits));
  CHECK(decode_chunked("0\r\nA:\r\nB:\r\nC:\r\n\r\n", limits).outcome == "done");
  CHECK(is_refused("0\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n", limits));
}

TEST_CASE("R20: bodies by length, until close, and none") {
  auto length = [](std::uint64_t bytes) { return BodyDecoder({BodyKind::kLength, bytes}, {}); };
  for (std::size_t piece : {1u, 3u, 100u}) {
    CHECK(decode(length(5), "helloGET", piece) == Decoded{"hello", "GET", "done", ""});
    CHECK(decode(length(5), "hell", piece) == Decoded{"hell", "", "more", ""});
    CHECK(decode(length(0), "GET", piece) == Decoded{"", "GET", "done", ""});
    CHECK(decode(BodyDecoder(), "GET", piece) == Decoded{"", "GET", "done", ""});
    CHECK(decode(BodyDecoder({BodyKind::kUntilClose, 0}, {}), "hello", piece) ==
          Decoded{"hello", "", "done", ""});
  }
  BodyDecoder exact = length(2);
  CHECK_FALSE(exact.is_done());
  CHECK(exact.next("ab").event == BodyDecoder::Event::kData);
  CHECK(exact.is_done());
  CHECK(exact.next("").event == BodyDecoder::Event::kDone);
  CHECK(exact.trailers().is_empty());
  CHECK(exact.kind() == BodyKind::kLength);
  CHECK(BodyDecoder().is_done());
  CHECK(BodyDecoder().finish());
}

TEST_CASE("R24: a chunked or counted body that ends early is not complete") {
  BodyDecoder chunked({BodyKind::kChunked, 0}, {});
  CHECK(chunked.next("5\r\nhel").event == BodyDecoder::Event::kData);
  CHECK_FALSE(chunked.finish());
  BodyDecoder counted({BodyKind::kLength, 5}, {});
  CHECK(counted.next("hel").event == BodyDecoder::Event::kData);
  CHECK_FALSE(counted.finish());
}

TEST_CASE("R03: a decoder moves, trailers and all") {
  BodyDecoder first({BodyKind::kChunked, 0}, {});
  CHECK(first.next("0\r\nA: b\r\n").event == BodyDecoder::Event::kNeedMore);
  BodyDecoder second = std::move(first);
  CHECK(second.next("\r\n").event == BodyDecoder::Event::kDone);
  BodyDecoder third;
  third = std::move(second);
  REQUIRE(third.trailers().size() == 1);
  CHECK(third.trailers().begin()->value == "b");
}

TEST_CASE("R03: forwarded bodies are framed anew") {
  Buffer out;
  append_chunk_line(out, 1);
  append_chunk_line(out, 255);
  append_chunk_line(out, 65536);
  CHECK(out.view() == "1\r\nff\r\n10000\r\n");
  out.clear();
  Fields trailers;
  append_last_chunk(out, trailers);
  CHECK(out.view() == "0\r\n\r\n");
  out.clear();
  trailers.add("A", "b");
  append_last_chunk(out, trailers);
  CHECK(out.view() == "0\r\nA: b\r\n\r\n");
}
