#include "scan.h"

#include <algorithm>

namespace weir::config {
namespace {

constexpr std::string_view kBlanks = " \t\r";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The end of the string that begins at `at` in one line, or npos.
std::size_t end_of_string(std::string_view line, std::size_t at) {
  char mark = line[at];
  for (std::size_t i = at + 1; i < line.size(); ++i) {
    if (line[i] == '\\' && mark == '"') {
      ++i;
    } else if (line[i] == mark) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Open run() {
    while (at_ < text_.size() && open_.quote.mark == 0) step();
    return std::move(open_);
  }

 private:
  void step() {
    char c = text_[at_];
    if (c == '\n') return end_line();
    if (c == '#') return skip_to_line_end();
    if (c == '"' || c == '\'') return take_string(c);
    bool is_header = c == '[' && open_.brackets.empty() && !has_seen_;
    if (is_header) return skip_to_line_end();
    if (c == '[' || c == '{') open_.brackets.push_back(opening(c));
    if ((c == ']' || c == '}') && !open_.brackets.empty()) open_.brackets.pop_back();
    if (kBlanks.find(c) == std::string_view::npos) has_seen_ = true;
    ++at_;
  }

  void end_line() {
    ++at_;
    ++line_;
    line_begin_ = at_;
    has_seen_ = false;
  }

  void skip_to_line_end() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  void take_string(char mark) {
    has_seen_ = true;
    std::string fence(3, mark);
    if (text_.substr(at_).starts_with(fence)) return take_long_string(fence);
    std::string_view line = text_.substr(0, std::min(text_.find('\n', at_), text_.size()));
    std::size_t end = end_of_string(line, at_);
    if (end == std::string_view::npos) {
      open_.quote = opening(mark);
    } else {
      at_ = end;
    }
  }

  void take_long_string(const std::string& fence) {
    std::size_t close = text_.find(fence, at_ + 3);
    if (close == std::string_view::npos) {
      open_.quote = opening(fence[0]);
      open_.quote.is_multiline = true;
      return;
    }
    for (; at_ < close + 3; ++at_) {
      if (text_[at_] != '\n') continue;
      ++line_;
      line_begin_ = at_ + 1;
    }
  }

  Opening opening(char mark) const {
    return {mark, false, line_, column_at(text_.substr(line_begin_), at_ - line_begin_)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  unsigned line_ = 1;
  bool has_seen_ = false;  // anything but blanks in this line
  Open open_;
};

}  // namespace

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    begin = end + 1;
  }
  return lines;
}

Open scan(std::string_view text, std::size_t end) { return Scanner(text.substr(0, end)).run(); }

std::size_t offset_of(std::string_view text, unsigned line, unsigned column) {
  std::size_t begin = 0;
  for (unsigned passed = 1; passed < line && begin < text.size(); ++passed) {
    begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  }
  return begin + offset_in(text.substr(begin), column);
}

unsigned column_at(std::string_view line, std::size_t offset) {
  std::string_view before = line.substr(0, offset);
  auto continued = std::count_if(before.begin(), before.end(), is_continuation);
  return static_cast<unsigned>(before.size() - static_cast<std::size_t>(continued) + 1);
}

std::size_t offset_in(std::string_view line, unsigned column) {
  std::size_t offset = 0;
  for (unsigned passed = 1; passed < column && offset < line.size(); ++passed) {
    ++offset;
    while (offset < line.size() && is_continuation(line[offset])) ++offset;
  }
  return offset;
}

std::string_view trim(std::string_view text) {
  std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

std::string_view code_of(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#') return trim(line.substr(0, i));
    if (line[i] != '"' && line[i] != '\'') continue;
    std::size_t end = end_of_string(line, i);
    if (end == std::string_view::npos) break;
    i = end - 1;
  }
  return trim(line);
}

bool is_bare_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

// The first = outside of quotation marks, or npos.
std::size_t equals_in(std::string_view code) {
  char quote = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (quote != 0) {
      if (code[i] == quote) quote = 0;
    } else if (code[i] == '"' || code[i] == '\'') {
      quote = code[i];
    } else if (code[i] == '=') {
      return i;
    }
  }
  return std::string_view::npos;
}

bool is_title(std::string_view code) {
  std::size_t brackets = std::min(code.find_first_not_of('['), code.size());
  std::string_view name = name_of_title(code);
  return (brackets == 1 || brackets == 2) && is_bare_key(name.substr(0, 1)) &&
         code.ends_with(']') && code.find('=') == std::string_view::npos;
}

bool is_assignment(std::string_view code) {
  std::size_t equals = code.find('=');
  return equals != std::string_view::npos && is_bare_key(trim(code.substr(0, equals)));
}

// "server" of "[server]" and "[[ server ]]".
std::string_view name_of_title(std::string_view code) {
  std::size_t begin = std::min(code.find_first_not_of("[ \t"), code.size());
  std::size_t end = std::min(code.find(']', begin), code.size());
  return trim(code.substr(begin, end - begin));
}

}  // namespace weir::config
