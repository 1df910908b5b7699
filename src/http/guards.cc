#include "guards.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weir::http {
namespace {

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0x21; c < 0x7f; ++c)
    if (c != '#') classes[c] = kTargetChar;
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  for (char c : kTokenMarks) classes[static_cast<unsigned char>(c)] |= kTokenChar;
  for (unsigned c = 0; c < 128; ++c) {
    bool is_digit = c >= '0' && c <= '9';
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (is_digit) classes[c] |= kDigitChar;
    if (is_digit || is_letter) classes[c] |= kTokenChar | kHostChar;
  }
  for (char c : {'-', '.', '_'}) classes[static_cast<unsigned char>(c)] |= kHostChar;
  return classes;
}

constexpr std::size_t kStride = 16;

// One bit per byte that may not stand in a line: controls but HTAB.
#ifdef __SSE2__
unsigned specials_of(const char* bytes) {
  __m128i v;
  std::memcpy(&v, bytes, kStride);
  __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
  __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(tab, _mm_or_si128(low, del))));
}
#else
unsigned specials_of(const char* bytes) {
  unsigned mask = 0;
  for (unsigned i = 0; i < kStride; ++i) {
    auto c = static_cast<unsigned char>(bytes[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) mask |= 1u << i;
  }
  return mask;
}
#endif

// The next control byte but HTAB, or the size.
std::size_t next_special(std::string_view bytes, std::size_t from) {
  const char* data = bytes.data();
  std::size_t at = from;
  for (; at + kStride <= bytes.size(); at += kStride) {
    unsigned mask = specials_of(data + at);
    if (mask != 0) return at + static_cast<unsigned>(std::countr_zero(mask));
  }
  if (at == bytes.size()) return at;
  char tail[kStride];
  std::memset(tail, 'x', kStride);
  std::memcpy(tail, data + at, bytes.size() - at);
  unsigned mask = specials_of(tail);
  return mask == 0 ? bytes.size() : at + static_cast<unsigned>(std::countr_zero(mask));
}

Scan refuse(std::string_view reason, Failure failure = Failure::bad_request) {
  return {ScanStatus::kRefused, 0, {reason, failure}};
}

// llhttp takes LF alone for a line end after the request line and as the last line, and its loose
// mode takes CR and any byte; a backend or a front that does not is desynchronised by that. NUL and
// other controls end strings early in C, or split lines in logs.
Scan refuse_special(char c) {
  if (c == '\r') return refuse("bare CR in the head");
  if (c == '\n') return refuse("bare LF in the head");
  return refuse("control byte in the head");
}

}  // namespace

constinit const std::array<std::uint8_t, 256> kCharClasses = make_classes();

bool is_all(std::string_view text, CharClass wanted) {
  unsigned common = wanted;
  for (char c : text) common &= kCharClasses[static_cast<unsigned char>(c)];
  return common != 0 && !text.empty();
}

Scan find_line_end(std::string_view bytes, std::size_t from) {
  std::size_t at = next_special(bytes, from);
  if (at == bytes.size()) return {ScanStatus::kMore, at};
  if (bytes[at] != '\r') return refuse_special(bytes[at]);
  if (at + 1 == bytes.size()) return {ScanStatus::kMore, at};
  if (bytes[at + 1] != '\n') return refuse_special('\r');
  return {ScanStatus::kFound, at};
}

Scan find_fields_end(std::string_view bytes, std::size_t begin, std::size_t from,
                     std::size_t& fields, std::size_t max_fields) {
  std::size_t at = from;
  bool is_line_start = at == begin || bytes[at - 1] == '\n';
  for (;; is_line_start = true) {
    if (is_line_start) {
      if (at == bytes.size()) return {ScanStatus::kMore, at};
      char first = bytes[at];
      if (first == '\r') {
        if (at + 1 == bytes.size()) return {ScanStatus::kMore, at};
        if (bytes[at + 1] != '\n') return refuse_special('\r');
        return {ScanStatus::kFound, at + 2};
      }
      // llhttp joins folded lines (and obeys "Transfer-Encoding:\r\n chunked"); most others do not,
      // or read the line as a field of its own.
      if (first == ' ' || first == '\t')
        return refuse(at == begin ? "white space before the first field" : "a folded field line");
      // llhttp takes a field without a name.
      if (first == ':') return refuse("a field without a name");
      if (fields == max_fields) return refuse("too many fields", Failure::head_too_large);
      ++fields;
    }
    Scan line = find_line_end(bytes, at);
    if (line.status != ScanStatus::kFound) return line;
    at = line.position + 2;
  }
}

Refusal check_request_beginning(std::string_view bytes) {
  // Long enough for every method in use; a longer one is judged when its line is complete.
  constexpr std::size_t kLooked = 24;
  if (bytes[0] == '\x16') return {"a TLS handshake where HTTP is spoken"};
  std::string_view beginning = bytes.substr(0, kLooked);
  for (std::size_t i = 0; i < beginning.size(); ++i) {
    char c = beginning[i];
    if (is_char(c, kTokenChar)) continue;
    if (i > 0 && (c == ' ' || c == '\r')) break;
    return {"the method is not a token"};
  }
  return {};
}

Refusal check_response_beginning(std::string_view bytes) {
  constexpr std::string_view kBeginning = "HTTP/1.";
  std::size_t size = std::min(bytes.size(), kBeginning.size());
  if (bytes.substr(0, size) != kBeginning.substr(0, size)) return {"the answer is not HTTP/1.x"};
  return {};
}

// Extensions never reach llhttp, which refuses a second one in a line.
Scan ChunkGuard::next_extension_byte(char c) {
  if (c == '\r') {
    // Where the line ends depends on whether one minds quotation marks.
    if (is_quoted_) return refuse("an open quotation mark in a chunk extension");
    state_ = State::kLineFeed;
    return {ScanStatus::kMore, 0};
  }
  if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f')
    return refuse("control byte in a chunk extension");
  if (++extension_bytes_ > kMaxExtensionBytes) return refuse("chunk extensions too long");
  if (c == '"' && !is_escaped_) is_quoted_ = !is_quoted_;
  is_escaped_ = is_quoted_ && c == '\\' && !is_escaped_;
  return {ScanStatus::kMore, 0};
}

Scan ChunkGuard::next_size_line(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char c = bytes[i];
    switch (state_) {
      case State::kDataEnd:
        if (c != '\r') return refuse("no CR LF behind a chunk's data");
        state_ = State::kDataLineFeed;
        break;
      case State::kDataLineFeed:
        if (c != '\n') return refuse("no CR LF behind a chunk's data");
        state_ = State::kSize;
        digits_ = 0;
        has_extension_ = false;
        break;
      case State::kSize:
        // Signs, "0x", spaces and the like are read by strtol and its kin, and by llhttp's elders.
        if (is_char(c, kDigitChar) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) {
          // Leading zeros without end are a way to stay busy, and overflow lesser parsers.
          if (++digits_ > kMaxSizeDigits) return refuse("a chunk size of more than 16 digits");
          break;
        }
        if (digits_ == 0 || (c != '\r' && c != ';'))
          return refuse("a chunk size is not hex digits");
        has_extension_ = c == ';';
        state_ = has_extension_ ? State::kExtension : State::kLineFeed;
        break;
      case State::kExtension:
        if (Scan scan = next_extension_byte(c); scan.refusal) return scan;
        break;
      case State::kLineFeed:
        if (c != '\n') return refuse("bare CR in a chunk size line");
        state_ = State::kDataEnd;
        return {ScanStatus::kFound, i + 1};
    }
  }
  return {ScanStatus::kMore, bytes.size()};
}

}  // namespace weir::http
