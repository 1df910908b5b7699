#pragma once
// A finished request as a line of text (CONTRACT §6). Nothing in a request can end or forge a line:
// control bytes, quotes, backslashes and whatever is not ASCII are escaped in all three formats.
//
// logfmt   key=value; names whose feature is not in this version are left out, and so is what a
//          request does not have: empty texts, `connect` and `response_head` when unset, `reused`
//          without a try, `side`, `phase` and `reason` without a failure, `proto` without a head.
//          Times are seconds with six decimals.
// json     the same names; numbers and booleans as such. Bytes that are not UTF-8 become U+FFFD.
// combined Apache's: %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i", times in UTC.
#include <array>
#include <cstdint>
#include <string_view>

#include "weir/base/buffer.h"
#include "weir/observe/request_record.h"

namespace weir::observe {

// Makes lines. One per worker: it keeps its memory, and the text of the present second.
class AccessLine {
 public:
  explicit AccessLine(AccessFormat format) : format_(format) {}
  // With its newline; valid until the next call.
  std::string_view format(const RequestRecord& record);
  // The same into room of at least longest(record) bytes; returns the line's end.
  char* format(char* to, const RequestRecord& record);
  // More than the record's line can have.
  static std::size_t longest(const RequestRecord& record);

 private:
  char* append_logfmt(char* to, const RequestRecord& record);
  char* append_json(char* to, const RequestRecord& record);
  char* append_combined(char* to, const RequestRecord& record);
  // The record's time up to its second, as this format writes it.
  std::string_view second_of(WallTime time);

  AccessFormat format_;
  Buffer line_;
  std::int64_t second_ = INT64_MIN;  // what time_text_ shows
  std::array<char, 32> time_text_{};
  std::size_t time_bytes_ = 0;
};

}  // namespace weir::observe
