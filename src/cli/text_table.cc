#include "text_table.h"

#include <algorithm>

namespace weir::cli {
namespace {

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::kGood:
      return "\x1b[32m";
    case Colour::kCareful:
      return "\x1b[33m";
    case Colour::kBad:
      return "\x1b[31m";
    case Colour::kFaint:
      return "\x1b[2m";
    case Colour::kNone:
      break;
  }
  return {};
}

// Columns of a terminal, as far as UTF-8's letters are one column each.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string painted(std::string_view text, Colour colour, bool has_colours) {
  std::string clean(text);
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  std::string_view code = has_colours && !clean.empty() ? code_of(colour) : std::string_view();
  return code.empty() ? clean : std::string(code) + clean + "\x1b[0m";
}

std::string TextTable::take_text() {
  for (const std::vector<Cell>& row : rows_) {
    if (widths_.size() < row.size()) widths_.resize(row.size());
    for (std::size_t i = 0; i < row.size(); ++i)
      widths_[i] = std::max(widths_[i], width_of(row[i].text));
  }
  std::string out;
  for (const std::vector<Cell>& row : rows_) {
    std::size_t owed = 0;  // spaces that are only written when something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::size_t gap = widths_[i] - width_of(row[i].text);
      if (row[i].is_right) owed += gap;
      if (!row[i].text.empty()) {
        out.append(owed, ' ').append(painted(row[i].text, row[i].colour, has_colours_));
        owed = 0;
      }
      owed += (row[i].is_right ? 0 : gap) + 2;
    }
    out += '\n';
  }
  rows_.clear();
  return out;
}

}  // namespace weir::cli
