#include "guards.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

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

constexpr std::size_t kVector = 16;
constexpr std::size_t kBlock = 64;  // bits of a mask

// One bit per byte of a vector that is a control or DEL. HTAB is one of them, being rare.
#ifdef __SSE2__
std::uint64_t controls_in_vector(const char* bytes) {
  __m128i v;
  std::memcpy(&v, bytes, kVector);
  __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
  __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, del)));
}
#else
std::uint64_t controls_in_vector(const char* bytes) {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < kVector; ++i) {
    auto c = static_cast<unsigned char>(bytes[i]);
    if (c < 0x20 || c == 0x7f) mask |= std::uint64_t{1} << i;
  }
  return mask;
}
#endif

// The same of the block at `at`, where fewer than kBlock bytes are left. The last vector is looked
// at with what stands before it, so that nothing has to be copied.
std::uint64_t controls_in_rest(std::string_view bytes, std::size_t at) {
  std::size_t left = bytes.size() - at;
  std::uint64_t mask = 0;
  std::size_t done = 0;
  for (; done + kVector <= left; done += kVector)
    mask |= controls_in_vector(bytes.data() + at + done) << done;
  if (done == left) return mask;
  if (bytes.size() >= kVector) {
    std::uint64_t last = controls_in_vector(bytes.data() + bytes.size() - kVector);
    return mask | last >> (kVector - (left - done)) << done;
  }
  char padded[kVector];
  std::memset(padded, 'x', kVector);
  std::memcpy(padded, bytes.data() + at, left);
  return controls_in_vector(padded);
}

inline std::uint64_t controls_in_block(std::string_view bytes, std::size_t at) {
  if (bytes.size() - at < kBlock) return controls_in_rest(bytes, at);
  const char* block = bytes.data() + at;
  return controls_in_vector(block) | controls_in_vector(block + kVector) << kVector |
         controls_in_vector(block + 2 * kVector) << 2 * kVector |
         controls_in_vector(block + 3 * kVector) << 3 * kVector;
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
  if (text.empty()) return false;
  unsigned common = wanted;
  const char* at = text.data();
  const char* end = at + text.size();
  auto class_of = [](char c) { return kCharClasses[static_cast<unsigned char>(c)]; };
  for (; end - at >= 4; at += 4)
    common &= class_of(at[0]) & class_of(at[1]) & class_of(at[2]) & class_of(at[3]);
  for (; at < end; ++at) common &= class_of(*at);
  return common != 0;
}

namespace {

// What the control byte at `at` does to a line: kFound where it ends it.
Scan judge_control(std::string_view bytes, std::size_t at) {
  if (bytes[at] != '\r') return refuse_special(bytes[at]);
  if (at + 1 == bytes.size()) return {ScanStatus::kMore, at};
  if (bytes[at + 1] != '\n') return refuse_special('\r');
  return {ScanStatus::kFound, at};
}

// What stands at `at`, where a line begins: kFound behind the empty line, kMore when that may still
// come; nothing for a field line, which is counted.
std::optional<Scan> judge_line_beginning(std::string_view bytes, std::size_t at, bool is_first,
                                         std::size_t& fields, std::size_t max_fields) {
  if (at == bytes.size()) return Scan{ScanStatus::kMore, at};
  char first = bytes[at];
  if (first == '\r') {
    if (at + 1 == bytes.size()) return Scan{ScanStatus::kMore, at};
    if (bytes[at + 1] != '\n') return refuse_special('\r');
    return Scan{ScanStatus::kFound, at + 2};
  }
  // llhttp joins folded lines (and obeys "Transfer-Encoding:\r\n chunked"); most others do not, or
  // read the line as a field of its own.
  if (first == ' ' || first == '\t')
    return refuse(is_first ? "white space before the first field" : "a folded field line");
  // llhttp takes a field without a name.
  if (first == ':') return refuse("a field without a name");
  if (fields == max_fields) return refuse("too many fields", Failure::head_too_large);
  ++fields;
  return std::nullopt;
}

// Whether at `at` a line ends and a further field plainly begins: the two functions above would
// say kFound and nothing.
inline bool is_field_border(std::string_view bytes, std::size_t at) {
  if (bytes.size() - at < 3) return false;
  const char* end = bytes.data() + at;
  return end[0] == '\r' && end[1] == '\n' && static_cast<unsigned char>(end[2]) > ' ' &&
         end[2] != ':';
}

}  // namespace

Scan find_line_end(std::string_view bytes, std::size_t from) {
  for (std::size_t block = from; block < bytes.size(); block += kBlock) {
    std::uint64_t controls = controls_in_block(bytes, block);
    for (; controls != 0; controls &= controls - 1) {
      std::size_t at = block + static_cast<unsigned>(std::countr_zero(controls));
      if (bytes[at] != '\t') return judge_control(bytes, at);
    }
  }
  return {ScanStatus::kMore, bytes.size()};
}

Scan find_fields_end(std::string_view bytes, std::size_t begin, std::size_t from,
                     std::size_t& fields, std::size_t max_fields, LineEnds& ends) {
  if (from == begin || bytes[from - 1] == '\n')
    if (auto end = judge_line_beginning(bytes, from, from == begin, fields, max_fields))
      return *end;
  std::uint64_t is_lf_judged = 0;  // 1: that of a CR at the end of the block before
  for (std::size_t block = from; block < bytes.size(); block += kBlock) {
    std::uint64_t controls = controls_in_block(bytes, block) & ~is_lf_judged;
    is_lf_judged = 0;
    while (controls != 0) {
      auto bit = static_cast<unsigned>(std::countr_zero(controls));
      std::size_t at = block + bit;
      if (bytes[at] == '\t') {
        controls &= controls - 1;
        continue;
      }
      if (is_field_border(bytes, at) && fields < max_fields) {
        ++fields;
        if (from == begin) ends.add(at);
      } else {
        Scan line = judge_control(bytes, at);
        if (line.status != ScanStatus::kFound) return line;
        if (from == begin) ends.add(at);
        if (auto end = judge_line_beginning(bytes, at + 2, false, fields, max_fields)) return *end;
      }
      controls &= ~(std::uint64_t{3} << bit);
      is_lf_judged = bit == kBlock - 1 ? 1 : 0;
    }
  }
  return {ScanStatus::kMore, bytes.size()};
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
