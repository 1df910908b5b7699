#pragma once
// Why a text is not TOML, in the words of the person who wrote it: the parser says in which rule of
// the grammar it was stuck, this says which quotation mark is missing and where. Pure.
#include <string>
#include <string_view>

#include "tree.h"

namespace weir::config {

// What another kind of file this is ("an nginx configuration, …"), at its first telling line; an
// empty message when it looks like none.
SyntaxError foreign_format(std::string_view text);

struct Explained {
  SyntaxError error;
  std::string meant;  // what could stand there: `"30s"`; may be empty
  // The line with `meant` in place, and the title of its section, to see whether that is accepted;
  // empty when it cannot be told from one line.
  std::string title;
  std::string mended_line;
};
// A better place and better words for the parser's complaint.
Explained explain_syntax(std::string_view text, const SyntaxError& complaint);

}  // namespace weir::config
