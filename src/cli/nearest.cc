#include "nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weir::cli {
namespace {

// Insertions, deletions and substitutions.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  const std::string* best = nullptr;
  // Two letters that change places are two edits.
  std::size_t least = std::max<std::size_t>(2, word.size() / 4) + 1;
  for (const std::string& name : names) {
    std::size_t distance = edit_distance(word, name);
    if (distance >= least || distance >= std::max(word.size(), name.size())) continue;
    least = distance;
    best = &name;
  }
  return best == nullptr ? "" : "; did you mean \"" + *best + "\"?";
}

}  // namespace weir::cli
