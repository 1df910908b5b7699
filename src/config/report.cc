#include "report.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace weir::config {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

void make_printable(std::vector<Diagnostic>& diagnostics) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (Diagnostic& diagnostic : diagnostics) {
    std::string& message = diagnostic.message;
    for (std::size_t i = 0; i < message.size(); ++i) {
      if (!is_control(message[i])) continue;
      auto byte = static_cast<unsigned char>(message[i]);
      message.replace(i, 1, {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
}

std::string Diagnostic::text() const { return "weir: " + place.text() + ": " + message; }

void Report::add(Place place, std::string message) {
  errors_.push_back({std::move(place), std::move(message), entry_});
  if (entry_) ++counts_[static_cast<std::size_t>(*entry_)];
}

std::string_view name_of(EntryKind kind) {
  constexpr std::string_view kNames[] = {"route", "pool", "backend", "file"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool Report::has_errors_of_everything() const {
  return std::any_of(errors_.begin(), errors_.end(),
                     [](const Diagnostic& error) { return !error.entry.has_value(); });
}

std::vector<Diagnostic> Report::take_sorted() {
  if (errors_.empty()) return {};
  std::unordered_map<std::string_view, std::size_t> turns;
  for (const std::string& file : files_) turns.emplace(file, turns.size());
  auto rank = [&](const Diagnostic& error) {
    auto turn = turns.find(error.place.file);
    return std::tuple(turn == turns.end() ? turns.size() : turn->second, error.place.line,
                      error.place.column);
  };
  std::stable_sort(errors_.begin(), errors_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return rank(a) < rank(b); });
  return std::move(errors_);
}

}  // namespace weir::config
