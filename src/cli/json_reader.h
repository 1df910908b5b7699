#pragma once
// JSON read front to back, for answers of many thousand rows: no tree of them is built, and texts
// are views into the answer where they can be. What is no JSON, or not what is asked for, makes the
// reader fail for good: it reads as nothing from there on, and loops over it end.
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace weir::cli {

class JsonReader {
 public:
  // Texts with escapes are kept in `storage`. Both outlive what is read.
  JsonReader(std::string_view text, std::deque<std::string>& storage)
      : rest_(text), storage_(storage) {}
  bool has_failed() const { return has_failed_; }

  // for (in.open('{'); in.next_key(key);) …
  void open(char bracket);
  bool next_key(std::string_view& key);
  // for (in.open('['); in.next_item();) …
  bool next_item() { return next(']'); }
  // null reads as "", 0 and false.
  std::string_view text();
  std::uint64_t number();
  bool boolean();
  // Whatever comes next.
  void skip();

 private:
  static constexpr int kMaxDepth = 64;
  void skip_blanks();
  bool take(char expected);
  bool take_null();
  bool next(char close);
  bool fail();
  std::string_view unescaped(std::string_view raw);
  std::string_view rest_;
  std::deque<std::string>& storage_;
  bool is_first_ = false;  // nothing stood behind the bracket yet
  bool has_failed_ = false;
  int depth_ = 0;
};

}  // namespace weir::cli
