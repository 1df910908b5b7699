#pragma once
// Writes through a raw pointer into memory that was reserved for an upper bound before. The caller
// computes the bound; finish() checks it.
#include <charconv>
#include <cstring>
#include <string_view>

#include "weir/base/buffer.h"
#include "weir/base/check.h"
#include "weir/http/fields.h"

namespace weir::http {

class Writer {
 public:
  Writer(Buffer& out, std::size_t bound)
      : out_(out), begin_(out.reserve(bound)), at_(begin_), end_(begin_ + bound) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void put(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(char c) { *at_++ = c; }
  void put_number(std::uint64_t number) { at_ = std::to_chars(at_, end_, number).ptr; }
  void put_field(std::string_view name, std::string_view value) {
    put(name);
    put(": ");
    put(value);
    put("\r\n");
  }
  void put_field(std::string_view name, std::uint64_t value) {
    put(name);
    put(": ");
    put_number(value);
    put("\r\n");
  }
  char* cursor() { return at_; }
  void advance(std::size_t count) { at_ += count; }
  void finish() {
    WEIR_CHECK(at_ <= end_);
    out_.commit(static_cast<std::size_t>(at_ - begin_));
  }

 private:
  Buffer& out_;
  char* begin_;
  char* at_;
  char* end_;
};

// Puts fields as they are; lines that follow one another where they were parsed, in one piece.
// To be finished before anything else is put.
class LineRun {
 public:
  explicit LineRun(Writer& writer) : writer_(writer) {}
  void put(const Field& field) {
    if (!field.is_verbatim) {
      finish();
      return writer_.put_field(field.name, field.value);
    }
    const char* begin = field.name.data();
    if (begin != end_) {
      finish();
      begin_ = begin;
    }
    end_ = field.value.data() + field.value.size() + 2;
  }
  void finish() {
    writer_.put({begin_, end_});
    begin_ = end_ = nullptr;
  }

 private:
  Writer& writer_;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace weir::http
