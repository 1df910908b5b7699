#pragma once
// Just enough of TOML's grammar to look around a mistake: lines, columns, quotation marks and
// brackets that are open at a place. Pure; views point into the text.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

// Something that was opened and not closed.
struct Opening {
  char mark = 0;              // '"', '\'', '[' or '{'
  bool is_multiline = false;  // of """ and '''
  unsigned line = 0;
  unsigned column = 0;
};

// What is open at a place of the text.
struct Open {
  std::vector<Opening> brackets;  // the innermost last
  Opening quote;                  // mark 0: none
};

// Lines without their ends; a last empty one is none.
std::vector<std::string_view> split_lines(std::string_view text);
// Of the whole text up to, not including, byte `end`. Quotation marks of one line end with it:
// `quote` is set when one was open at the end of line `line` (then scanning stops there).
Open scan(std::string_view text, std::size_t end);
// The offset of a place in `text`; its end when it lies beyond.
std::size_t offset_of(std::string_view text, unsigned line, unsigned column);
// Columns count characters, from 1.
unsigned column_at(std::string_view line, std::size_t offset);
std::size_t offset_in(std::string_view line, unsigned column);

std::string_view trim(std::string_view text);
// The line without its comment and the blanks around it.
std::string_view code_of(std::string_view line);
bool is_bare_key(std::string_view text);
// Of a line's code: the first = outside of quotation marks, or npos; whether it is a title
// ("[server]") or "key = …"; "server" of "[server]" and "[[ server ]]".
std::size_t equals_in(std::string_view code);
bool is_title(std::string_view code);
bool is_assignment(std::string_view code);
std::string_view name_of_title(std::string_view code);

}  // namespace weir::config
