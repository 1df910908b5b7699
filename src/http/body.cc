#include "weir/http/body.h"

#include <llhttp.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "guards.h"
#include "weir/base/check.h"

namespace weir::http {
namespace {

// llhttp says the size of each chunk in on_chunk_header.
struct ChunkHeader {
  std::uint64_t size = 0;
  bool is_complete = false;
};

int on_chunk_header(llhttp_t* parser) {
  auto* header = static_cast<ChunkHeader*>(parser->data);
  header->size = parser->content_length;
  header->is_complete = true;
  return 0;
}

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_chunk_header = on_chunk_header;
  return settings;
}

const llhttp_settings_t kSettings = make_settings();

// Behind a head of ours, where a chunk is expected.
llhttp_t make_start() {
  constexpr std::string_view kHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &kSettings);
  llhttp_errno_t error = llhttp_execute(&parser, kHead.data(), kHead.size());
  WEIR_CHECK(error == HPE_OK);
  return parser;
}

const llhttp_t kStart = make_start();

}  // namespace

// Framing bytes but extensions pass the guard first, then llhttp, which counts; data passes llhttp
// only. The trailers never reach it: it would take them for fields of the head, framing included.
struct BodyDecoder::Chunked {
  explicit Chunked(const HeadLimits& its_limits) : limits(its_limits) {}
  llhttp_t parser = kStart;
  ChunkGuard guard;
  HeadLimits limits;
  bool is_in_trailers = false;
  std::string trailer_bytes;
  HeadProgress trailer_progress;
  Fields trailers;

  // Of a size line's bytes; sets `size` when the line is complete.
  Step read_size_line(std::string_view input, std::uint64_t& size, bool& is_complete);
  Step read_trailers(std::string_view input);
  bool feed(std::string_view bytes, ChunkHeader& header) {
    parser.data = &header;
    return llhttp_execute(&parser, bytes.data(), bytes.size()) == HPE_OK;
  }
};

namespace {

BodyDecoder::Step refused(std::string_view reason) {
  return {BodyDecoder::Event::kRefused, 0, {}, reason};
}

}  // namespace

BodyDecoder::Step BodyDecoder::Chunked::read_size_line(std::string_view input, std::uint64_t& size,
                                                       bool& is_complete) {
  bool begins_in_extension = guard.is_in_extension();
  Scan line = guard.next_size_line(input);
  if (line.status == ScanStatus::kRefused) return refused(line.refusal.reason);
  is_complete = line.status == ScanStatus::kFound;
  std::string_view bytes = input.substr(0, line.position);
  if (guard.has_extension()) bytes = bytes.substr(0, begins_in_extension ? 0 : bytes.find(';'));
  ChunkHeader header;
  if (!feed(bytes, header)) return refused("a malformed chunk");
  if (is_complete && guard.has_extension() && !feed("\r\n", header))
    return refused("a malformed chunk");
  // Guard and llhttp disagree about where a line ends: two readings.
  if (is_complete != header.is_complete) return refused("a malformed chunk size line");
  size = header.size;
  return {Event::kNeedMore, line.position, {}, {}};
}

BodyDecoder::Step BodyDecoder::Chunked::read_trailers(std::string_view input) {
  if (trailer_bytes.empty() && input.starts_with("\r\n")) return {Event::kDone, 2, {}, {}};
  std::size_t before = trailer_bytes.size();
  std::size_t room = limits.head_bytes - std::min(limits.head_bytes, before);
  std::size_t taken = std::min(input.size(), room);
  trailer_bytes.append(input.substr(0, taken));
  std::size_t section_bytes = 0;
  HeadResult result =
      parse_trailers(trailer_bytes, limits, trailer_progress, trailers, section_bytes);
  if (result.status == HeadStatus::kRefused) return refused(result.reason);
  if (result.status == HeadStatus::kIncomplete) return {Event::kNeedMore, taken, {}, {}};
  return {Event::kDone, section_bytes - before, {}, {}};
}

BodyDecoder::BodyDecoder() = default;
BodyDecoder::~BodyDecoder() = default;
BodyDecoder::BodyDecoder(BodyDecoder&&) noexcept = default;
BodyDecoder& BodyDecoder::operator=(BodyDecoder&&) noexcept = default;

BodyDecoder::BodyDecoder(const BodyFraming& framing, const HeadLimits& limits)
    : kind_(framing.kind), done_(!framing.has_body()), left_(framing.length) {
  if (kind_ == BodyKind::kChunked) {
    left_ = 0;
    chunked_ = std::make_unique<Chunked>(limits);
  }
}

BodyDecoder::Step BodyDecoder::next(std::string_view input) {
  if (done_) return {Event::kDone, 0, {}, {}};
  if (kind_ == BodyKind::kUntilClose) {
    if (input.empty()) return {Event::kNeedMore, 0, {}, {}};
    return {Event::kData, input.size(), input, {}};
  }
  std::size_t consumed = 0;
  while (left_ == 0) {
    std::string_view rest = input.substr(consumed);
    if (rest.empty()) return {Event::kNeedMore, consumed, {}, {}};
    if (chunked_->is_in_trailers) {
      Step step = chunked_->read_trailers(rest);
      step.consumed += consumed;
      done_ = step.event == Event::kDone;
      return step;
    }
    bool is_complete = false;
    Step step = chunked_->read_size_line(rest, left_, is_complete);
    if (step.event == Event::kRefused) return step;
    consumed += step.consumed;
    chunked_->is_in_trailers = is_complete && left_ == 0;
  }
  std::string_view rest = input.substr(consumed);
  if (rest.empty()) return {Event::kNeedMore, consumed, {}, {}};
  std::string_view data = rest.substr(0, std::min<std::uint64_t>(left_, rest.size()));
  left_ -= data.size();
  if (chunked_) {
    ChunkHeader none;
    if (!chunked_->feed(data, none)) return refused("a malformed chunk");
  } else {
    done_ = left_ == 0;
  }
  return {Event::kData, consumed + data.size(), data, {}};
}

bool BodyDecoder::finish() {
  if (kind_ == BodyKind::kUntilClose) done_ = true;
  return done_;
}

const Fields& BodyDecoder::trailers() const {
  static const Fields kNoFields;
  return chunked_ ? chunked_->trailers : kNoFields;
}

void append_chunk_line(Buffer& out, std::size_t size) {
  constexpr std::size_t kMaxLine = 18;
  char* begin = out.reserve(kMaxLine);
  char* at = std::to_chars(begin, begin + kMaxLine, size, 16).ptr;
  *at++ = '\r';
  *at++ = '\n';
  out.commit(static_cast<std::size_t>(at - begin));
}

void append_last_chunk(Buffer& out, const Fields& trailers) {
  out.append("0\r\n");
  for (const Field& field : trailers) {
    out.append(field.name);
    out.append(": ");
    out.append(field.value);
    out.append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace weir::http
