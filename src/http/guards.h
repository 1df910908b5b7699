#pragma once
// What is refused before, beside and behind llhttp, in one place: bytes that it lets through or
// that another parser could read in a second way (DEPENDENCIES §2). Every guard says why it is
// there. Pure; each byte is looked at once, however the input is cut into pieces.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/base/failure.h"

namespace weir::http {

// Why a message is not read any further. An empty reason: it is not refused.
struct Refusal {
  std::string_view reason{};
  Failure failure = Failure::bad_request;
  explicit operator bool() const { return !reason.empty(); }
};

enum CharClass : std::uint8_t {
  kTokenChar = 1,   // RFC 9110 §5.6.2
  kTargetChar = 2,  // visible ASCII but '#' (R11)
  kHostChar = 4,    // letters, digits, '-', '.', '_'
  kDigitChar = 8,
};
extern const std::array<std::uint8_t, 256> kCharClasses;  // constant-initialised
inline bool is_char(char c, CharClass wanted) {
  return (kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}
bool is_all(std::string_view text, CharClass wanted);  // false for ""

enum class ScanStatus : std::uint8_t { kMore, kFound, kRefused };
struct Scan {
  ScanStatus status;
  std::size_t position;  // kMore: go on here; kFound: see each function
  Refusal refusal{};
};

// The CR of the first CR LF at or behind `from`. Refuses bare CR, bare LF and control bytes.
Scan find_line_end(std::string_view bytes, std::size_t from);

// Where field lines end, in their order, as far as a scan of a whole section wrote it down. Saves a
// second search; what is missing is searched again.
class LineEnds {
 public:
  void add(std::size_t position) {
    if (count_ < positions_.size()) positions_[count_++] = position;
  }
  std::size_t count() const { return count_; }
  std::size_t operator[](std::size_t line) const { return positions_[line]; }

 private:
  static constexpr std::size_t kMaxLines = 100;   // what the usual limit lets through
  std::array<std::size_t, kMaxLines> positions_;  // no initialiser: most of it is never used
  std::size_t count_ = 0;
};

// The end of the field section that begins at `begin`, behind its empty line. `from` is `begin` or
// the position of the last kMore; `fields` counts the lines begun and is refused above
// `max_fields`. `ends` gets the positions of the lines' CRs when `from` is `begin`.
Scan find_fields_end(std::string_view bytes, std::size_t begin, std::size_t from,
                     std::size_t& fields, std::size_t max_fields, LineEnds& ends);

// First bytes that cannot begin a request line, so that a wrong protocol is answered at once.
Refusal check_request_beginning(std::string_view bytes);
// The same for a status line.
Refusal check_response_beginning(std::string_view bytes);

// Follows the framing bytes of a chunked body (not the data) in step with llhttp.
class ChunkGuard {
 public:
  // Over all lines of a body (R03): nobody needs extensions, and each byte of them costs us.
  static constexpr std::size_t kMaxExtensionBytes = 16 * 1024;
  static constexpr unsigned kMaxSizeDigits = 16;
  // Consumes the end of line behind a chunk's data (but for the first) and a size line. kFound:
  // behind the line's LF. kMore: all was consumed.
  Scan next_size_line(std::string_view bytes);
  // Whether the bytes to come belong to an extension or the line end behind it.
  bool is_in_extension() const {
    return state_ == State::kExtension || (state_ == State::kLineFeed && has_extension_);
  }
  // Whether the line that was found had one.
  bool has_extension() const { return has_extension_; }

 private:
  enum class State : std::uint8_t { kSize, kExtension, kLineFeed, kDataEnd, kDataLineFeed };
  Scan next_extension_byte(char c);
  State state_ = State::kSize;
  bool has_extension_ = false;
  bool is_quoted_ = false;
  bool is_escaped_ = false;
  std::uint8_t digits_ = 0;
  std::uint16_t extension_bytes_ = 0;
};

}  // namespace weir::http
