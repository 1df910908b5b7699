#pragma once
// Text in aligned columns, and colours for terminals. Pure.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

enum class Colour : std::uint8_t { kNone, kGood, kCareful, kBad, kFaint };

struct Cell {
  std::string text;
  Colour colour = Colour::kNone;
  bool is_right = false;  // of a column of numbers
};

// What would disturb a terminal is shown as '?'.
std::string painted(std::string_view text, Colour colour, bool has_colours);

class TextTable {
 public:
  explicit TextTable(bool has_colours) : has_colours_(has_colours) {}
  void add_row(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  // The rows since the last call; columns never become narrower from call to call, so that pages
  // of one table fit under each other.
  std::string take_text();

 private:
  bool has_colours_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace weir::cli
