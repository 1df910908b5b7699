// One rule a function, tried in turn (kRules); longer than other files, so that all of them can be
// read in one place.
#include "syntax.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <utility>

#include "keys.h"
#include "scan.h"
#include "weir/base/ascii.h"

namespace weir::config {
namespace {

constexpr std::string_view kTypographic[] = {"“", "”", "„", "«", "»", "‘", "’"};

bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// toml++ names the grammar rule that it was in and starts with a capital: "Error while parsing
// decimal integer: expected digit, saw 's'".
std::string in_our_words(std::string_view message) {
  constexpr std::string_view kPrefix = "Error while parsing ";
  std::string text(message.starts_with(kPrefix) ? message.substr(kPrefix.size()) : message);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return "not TOML: " + text;
}

class Explainer {
 public:
  Explainer(std::string_view text, const SyntaxError& complaint)
      : text_(text), complaint_(complaint), lines_(split_lines(text)), number_(complaint.line) {
    if (number_ >= 1 && number_ <= lines_.size()) line_ = lines_[number_ - 1];
    at_ = offset_in(line_, complaint.column);
    code_ = code_of(line_);
    code_begin_ = code_.empty() ? 0 : static_cast<std::size_t>(code_.data() - line_.data());
    open_ = scan(text, offset_of(text, complaint.line, complaint.column)).brackets;
  }

  Explained run() {
    using Rule = bool (Explainer::*)();
    constexpr Rule kRules[] = {
        &Explainer::is_line_end,  &Explainer::is_quotation,  &Explainer::is_typography,
        &Explainer::is_invisible, &Explainer::is_unclosed,   &Explainer::is_duplicate,
        &Explainer::is_bad_title, &Explainer::is_list_slip,  &Explainer::is_no_assignment,
        &Explainer::is_leftover,  &Explainer::is_bare_value, &Explainer::is_escape,
        &Explainer::is_stray};
    for (Rule rule : kRules) {
      if ((this->*rule)()) return std::move(found_);
    }
    // The parser's column may lie behind the line's end.
    tell_at(at_, in_our_words(complaint_.message));
    return std::move(found_);
  }

 private:
  bool says(std::string_view words) const {
    return complaint_.message.find(words) != std::string::npos;
  }
  char char_at(std::size_t offset) const { return offset < line_.size() ? line_[offset] : '\0'; }

  bool tell(unsigned line, unsigned column, std::string message) {
    found_.error = {line, column, std::move(message)};
    return true;
  }
  bool tell_at(std::size_t offset, std::string message) {
    return tell(number_, column_at(line_, offset), std::move(message));
  }
  // With `meant` in place of `length` bytes at `offset`.
  void mend(std::size_t offset, std::size_t length, std::string meant) {
    found_.meant = std::move(meant);
    if (!open_.empty() && open_.front().line != number_) return;
    for (unsigned above = number_ - 1; above > 0 && found_.title.empty(); --above) {
      std::string_view code = code_of(lines_[above - 1]);
      if (is_title(code)) found_.title = code;
    }
    found_.mended_line = std::string(line_.substr(0, offset)) + found_.meant;
    if (offset + length < line_.size()) found_.mended_line += line_.substr(offset + length);
  }

  bool is_line_end() {
    std::size_t at = text_.find('\r');
    while (at != std::string_view::npos && text_.substr(at).starts_with("\r\n"))
      at = text_.find('\r', at + 1);
    if (at == std::string_view::npos) return false;
    auto line = static_cast<unsigned>(
        std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    return tell(line + 1, 1, "a line ends in a carriage return alone (expected LF or CRLF)");
  }

  // A text that is not closed.
  bool is_quotation() {
    std::size_t line_end = offset_of(text_, number_, 1) + line_.size();
    Opening quote = scan(text_, line_end).quote;
    if (quote.mark == 0) return false;
    std::string mark(quote.is_multiline ? 3 : 1, quote.mark);
    if (quote.is_multiline)
      return tell(quote.line, quote.column,
                  "this " + mark + " is not closed (expected " + mark + " at its end)");
    if (quote.line != number_) return false;
    std::size_t begin = offset_in(line_, quote.column);
    // An apostrophe or a closing mark within a bare word is no opening one.
    bool is_inside =
        begin > 0 && std::string_view(" \t,[{=").find(line_[begin - 1]) == std::string_view::npos;
    if (is_inside) return false;
    for (std::string_view typographic : kTypographic) {
      if (line_.substr(begin).ends_with(typographic)) {
        return tell(quote.line, quote.column,
                    "this text ends with " + std::string(typographic) + " (expected the plain " +
                        mark + ")");
      }
    }
    return tell(quote.line, quote.column,
                "this quotation mark is not closed (expected a second " + mark + " on the line)");
  }

  bool is_typography() {
    for (std::string_view mark : kTypographic) {
      std::size_t begin = line_.find(mark);
      if (begin == std::string_view::npos || begin > at_) continue;
      std::size_t inner = begin + mark.size();
      std::size_t end = line_.size();
      for (std::string_view closing : kTypographic) end = std::min(end, line_.find(closing, inner));
      tell_at(begin, std::string(mark) + " is no quotation mark of TOML (expected the plain \")");
      std::size_t closed = end;
      for (std::string_view closing : kTypographic)
        if (line_.substr(end).starts_with(closing)) closed = end + closing.size();
      mend(begin, closed - begin, in_quotes(line_.substr(inner, end - inner)));
      return true;
    }
    return false;
  }

  bool is_invisible() {
    std::size_t at = complaint_.message.find("saw '\\u");
    if (at == std::string::npos) return false;
    std::string code = complaint_.message.substr(at + 7, 4);
    return tell_at(at_,
                   "an invisible character, U+" + code + " (delete it, or type a plain space)");
  }

  // A bracket that the next section or key runs into.
  bool is_unclosed() {
    if (open_.empty()) return false;
    const Opening& last = open_.back();
    char close = last.mark == '[' ? ']' : '}';
    bool is_at_end = number_ >= lines_.size() && at_ >= line_.size();
    bool is_next = last.line < number_ && (is_title(code_) || is_assignment(code_));
    std::string what = std::string("this ") + last.mark;
    if (last.mark == '{' && at_ >= line_.size()) {
      return tell(last.line, last.column,
                  what + " is not closed on its line (a table in braces stands on one line)");
    }
    if (is_next || (last.mark == '[' && is_at_end)) {
      std::string where = is_next ? " before line " + std::to_string(number_) : "";
      return tell(last.line, last.column, what + " is not closed (expected " + close + where + ")");
    }
    char here = char_at(at_);
    if ((here == ']' || here == '}') && here != close) {
      return tell(last.line, last.column,
                  what + " is closed by " + here + " (expected " + close + ")");
    }
    return false;
  }

  bool is_duplicate() {
    if (!says("cannot redefine")) return false;
    unsigned first = is_title(code_) ? first_title() : first_key();
    std::string name(is_title(code_) ? name_of_title(code_)
                                     : trim(code_.substr(0, equals_in(code_))));
    std::string place = first == 0 ? "" : ", first in line " + std::to_string(first);
    std::string_view before = first == 0 ? std::string_view() : code_of(lines_[first - 1]);
    std::string shown_before = is_title(before) ? std::string(before) : name + " = …";
    bool is_other_form =
        first != 0 && is_title(code_) && before.starts_with("[[") != code_.starts_with("[[");
    if (is_other_form || (first != 0 && is_title(code_) && !is_title(before))) {
      bool is_list = name == "route";
      return tell_at(code_begin_,
                     shown_before + " in line " + std::to_string(first) + " and " +
                         std::string(code_) + " here exclude each other (" +
                         (is_list ? "each route is a [[route]]" : "expected [" + name + "] once") +
                         ")");
    }
    std::string cure = is_title(code_) ? " (put their keys together)" : " (delete one)";
    if (is_title(code_) && name == "route") cure = " (each route is a [[route]])";
    std::string shown = is_title(code_) ? "[" + name + "]" : name;
    return tell_at(code_begin_, shown + " stands here twice" + place + cure);
  }

  unsigned first_title() const {
    for (unsigned line = 1; line < number_; ++line) {
      std::string_view code = code_of(lines_[line - 1]);
      bool is_same = is_title(code) && name_of_title(code) == name_of_title(code_);
      bool is_short_form =
          is_assignment(code) && trim(code.substr(0, code.find('='))) == name_of_title(code_);
      bool is_below = is_title(code) &&
                      name_of_title(code).starts_with(std::string(name_of_title(code_)) + ".");
      if (is_same || is_short_form || (is_below && code_.starts_with("[["))) return line;
    }
    return 0;
  }

  unsigned first_key() const {
    std::string_view key = trim(code_.substr(0, equals_in(code_)));
    for (unsigned line = number_ - 1; line > 0; --line) {
      std::string_view code = code_of(lines_[line - 1]);
      if (is_title(code)) return 0;
      std::size_t equals = equals_in(code);
      if (equals != std::string_view::npos && trim(code.substr(0, equals)) == key) return line;
    }
    return 0;
  }

  bool is_bad_title() {
    bool has_equals = equals_in(code_) != std::string_view::npos;
    bool is_open_line = open_.empty() || open_.front().line == number_;
    if (!is_open_line) return false;
    if (!code_.starts_with('[')) {
      if (!code_.ends_with(']') || has_equals || !is_alnum(code_[0])) return false;
      std::string name(code_.substr(0, code_.find(']')));
      return tell_at(code_begin_,
                     "the [ of this title is missing (did you mean " + title_for(name) + "?)");
    }
    std::string name(name_of_title(code_));
    std::size_t close = code_.find(']');
    if (name.empty())
      return tell_at(code_begin_, "a section without name (expected one such as [server])");
    if (close == std::string_view::npos ||
        (code_.starts_with("[[") && !code_.substr(close).starts_with("]]"))) {
      if (has_equals || name.find_first_of("\"'") != std::string::npos) return false;
      return tell_at(code_begin_, "the " + std::string(code_.starts_with("[[") ? "]]" : "]") +
                                      " of this title is missing (did you mean " + title_for(name) +
                                      "?)");
    }
    if (name.find_first_of(" \t") != std::string::npos && is_bare_key(squeezed(name)))
      return tell_at(code_begin_, "a title is one word, its parts joined by dots (did you mean " +
                                      title_for(name) + "?)");
    std::string_view rest = trim(code_.substr(close).substr(
        std::min(code_.size() - close, code_.substr(close).find_first_not_of(']'))));
    if (rest.empty())
      return tell_at(code_begin_, "more ] than [ (did you mean " + title_for(name) + "?)");
    return tell_at(code_begin_ + static_cast<std::size_t>(rest.data() - code_.data()),
                   "something stands behind the title (put it on the next line)");
  }

  static std::string squeezed(std::string_view text) {
    std::string out;
    for (char c : text)
      if (c != ' ' && c != '\t') out += c;
    return out;
  }

  // "pool web" and "backend web": [pool.web].
  static std::string title_for(std::string_view words) {
    std::string name(words);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ' ' || c == '\t'; }, '.');
    return meant_title(name);
  }

  // Commas of lists and of tables in braces.
  bool is_list_slip() {
    if (says("dangling comma"))
      return tell_at(
          at_, "a comma before the } (expected none behind the last key of a table in braces)");
    if (says("expected comma or closing") && char_at(at_) == ';')
      return tell_at(at_, "a ; between two items (expected a comma)");
    if (!says("expected comma or closing") ||
        std::string_view("\"'{[").find(char_at(at_)) == std::string_view::npos)
      return false;
    return tell_at(at_, "a comma is missing before this (expected one between two items)");
  }

  bool is_no_assignment() {
    if (code_.starts_with("//") || code_.starts_with(';') || code_.starts_with("/*") ||
        code_.starts_with("--"))
      return tell_at(code_begin_, std::string(code_.substr(0, code_[0] == ';' ? 1 : 2)) +
                                      " begins no comment (expected #)");
    if (code_.starts_with('='))
      return tell_at(code_begin_, "no key before the = (expected KEY = VALUE)");
    std::size_t equals = equals_in(code_);
    if (equals != std::string_view::npos && code_begin_ + equals < at_ &&
        code_.substr(equals).starts_with("==")) {
      tell_at(code_begin_ + equals, "== between key and value (expected one =)");
      mend(code_begin_ + equals, 2, "=");
      found_.meant.clear();
      return true;
    }
    if (equals != std::string_view::npos && code_.substr(equals).starts_with("=>"))
      return tell_at(code_begin_ + equals, "=> between key and value (expected =)");
    if (equals != std::string_view::npos && trim(code_.substr(equals + 1)).empty())
      return tell_at(code_begin_ + equals,
                     "no value behind the = (expected one, or delete the line)");
    if (!says("expected '='")) return false;
    if (char_at(at_) == ':') return tell_at(at_, ": between key and value (expected =)");
    if (!open_.empty() && open_.front().line == number_)
      return tell_at(at_, "no = behind the key (expected { key = value })");
    return tell_words(equals);
  }

  // "timeout connect 5s", "balance leastconn", "timeout http-request = …".
  bool tell_words(std::size_t equals) {
    bool has_equals = equals != std::string_view::npos;
    std::string_view key = trim(code_.substr(0, has_equals ? equals : code_.size()));
    std::string message = has_equals ? "blanks in a key (expected one word"
                                     : "no = between key and value (expected KEY = VALUE";
    for (std::size_t end = key.size(); end != std::string_view::npos && end > 0;) {
      std::string meant = meant_anywhere(trim(key.substr(0, end)));
      if (!meant.empty()) {
        message += "; did you mean " + meant + "?";
        break;
      }
      end = key.substr(0, end).find_last_of(" \t");
    }
    return tell_at(code_begin_, message + ")");
  }

  // Something behind a value.
  bool is_leftover() {
    if (!says("expected a comment or whitespace")) return false;
    std::string_view rest = line_.substr(at_);
    if (rest.starts_with(';')) {
      tell_at(at_, "a ; at the end of the line (expected none)");
      mend(at_, 1, "");
      return true;
    }
    if (rest.starts_with("//")) return tell_at(at_, "// begins no comment (expected #)");
    if (rest.starts_with('"') || rest.starts_with('\'') || rest.starts_with('['))
      return tell_at(at_, "a second value on the line (expected [ ] around several, with commas)");
    bool is_quote_before = at_ > 0 && line_[at_ - 1] == '"';
    if (is_quote_before && rest.find('"') != std::string_view::npos && rest[0] != ',' &&
        rest[0] != ' ')
      return tell_at(
          at_ - 1,
          "a quotation mark within a text (expected \\\", or single quotes around the text)");
    if (rest.starts_with(',')) {
      bool has_more = !trim(rest.substr(1)).empty();
      return tell_at(at_, has_more
                              ? "a comma outside of a list (expected [ ] around several values, "
                                "and each key on its own line)"
                              : "a comma at the end of the line (expected none outside of a list)");
    }
    if (rest.find('=') != std::string_view::npos)
      return tell_at(at_, "a second key on one line (expected each on its own)");
    return is_bare_value();
  }

  // A value that wants quotation marks, or that looks like another language's.
  bool is_bare_value() {
    std::size_t equals = equals_in(code_);
    bool is_behind_equals = equals != std::string_view::npos && code_begin_ + equals < at_;
    if (!is_behind_equals && open_.empty()) return false;
    std::size_t begin = std::min(at_, line_.size());
    while (begin > 0 &&
           std::string_view(" \t,[{=").find(line_[begin - 1]) == std::string_view::npos)
      --begin;
    // A value of several words, outside of any bracket, is one text.
    if (open_.empty() && is_behind_equals)
      begin = line_.find_first_not_of(" \t", code_begin_ + equals + 1);
    if (begin >= line_.size() ||
        std::string_view("\"'[{").find(line_[begin]) != std::string_view::npos)
      return false;
    std::string_view stops = open_.empty() ? "#;" : " \t,]}#";
    std::string_view token = trim(line_.substr(begin, line_.substr(begin).find_first_of(stops)));
    if (token.empty()) return false;
    return tell_bare(begin, token);
  }

  bool tell_bare(std::size_t begin, std::string_view token) {
    std::string word = lower_case(token);
    std::string shown(token.substr(0, offset_in(token, 61)));
    if (is_one_of(word, {"null", "none", "nil", "~", "undefined"}))
      return tell_at(begin,
                     "there is no " + shown + " in TOML (leave the line out for the default)");
    if (says("not representable")) return tell_at(begin, shown + " is too large a number");
    bool is_number =
        token.find_first_not_of("0123456789+-_.eExX") == std::string_view::npos &&
        (token[0] < 'A' || token.find_first_of("0123456789") != std::string_view::npos);
    std::size_t digit = token.find_first_not_of('0');
    if (is_number && says("leading zero") && digit != std::string_view::npos) {
      tell_at(begin, shown + " has a leading zero");
      mend(begin, token.size(), std::string(token.substr(digit)));
      return true;
    }
    if (is_number) return tell_at(begin, shown + " is no number as TOML writes it");
    if (word == "true" || word == "false") {
      tell_at(begin, shown + " is written in lower case");
      mend(begin, token.size(), word);
      return true;
    }
    std::string text(token);
    std::erase(text, '"');
    std::erase(text, '`');
    bool has_half = token.ends_with('"');
    tell_at(begin, has_half ? "this text has no quotation mark in front"
                            : shown + " stands without quotation marks");
    mend(begin, token.size(), in_quotes(text));
    return true;
  }

  // Nothing that is known; at least what may stand there.
  bool is_stray() {
    std::string_view rest = line_.substr(std::min(at_, line_.size()));
    std::string here(rest.substr(0, offset_in(rest, 2)));
    if (says("expected a comment or whitespace"))
      return tell_at(at_,
                     here + " behind the value (expected the end of the line, or a # comment)");
    if (!says("expected keys, tables") || here.empty()) return false;
    return tell_at(at_, "a line that begins with " + here +
                            " (expected a key, the title of a section, or a # comment)");
  }

  bool is_escape() {
    if (!says("escape")) return false;
    return tell_at(
        at_ > 0 ? at_ - 1 : 0,
        "a \\ within \"…\" begins an escape (expected \\\\, or single quotes around the text)");
  }

  std::string_view text_;
  const SyntaxError& complaint_;
  std::vector<std::string_view> lines_;
  unsigned number_;
  std::string_view line_;       // where the parser was stuck
  std::size_t at_ = 0;          // in line_
  std::string_view code_;       // line_ without its comment
  std::size_t code_begin_ = 0;  // in line_
  std::vector<Opening> open_;
  Explained found_;
};

}  // namespace

Explained explain_syntax(std::string_view text, const SyntaxError& complaint) {
  return Explainer(text, complaint).run();
}

}  // namespace weir::config
