#include "report.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::config {

std::string Diagnostic::text() const { return "weir: " + place.text() + ": " + message; }

void Report::add(Place place, std::string message) {
  errors_.push_back({std::move(place), std::move(message)});
}

std::size_t Report::turn_of(const std::string& file) const {
  return static_cast<std::size_t>(std::find(files_.begin(), files_.end(), file) - files_.begin());
}

std::vector<Diagnostic> Report::take_sorted() {
  auto rank = [this](const Diagnostic& error) {
    return std::tuple(turn_of(error.place.file), error.place.line, error.place.column);
  };
  std::stable_sort(errors_.begin(), errors_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return rank(a) < rank(b); });
  return std::move(errors_);
}

}  // namespace weir::config
