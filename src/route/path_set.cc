#include "path_set.h"

#include <algorithm>

#include "weir/base/check.h"

namespace weir::route {

bool SegmentLess::operator()(std::string_view a, std::string_view b) const {
  auto [at, bt] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (bt == b.end()) return false;
  if (at == a.end()) return true;
  if (*at == '/' || *bt == '/') return *at == '/';
  return static_cast<unsigned char>(*at) < static_cast<unsigned char>(*bt);
}

PathSet::PathSet(const PathMap& paths) {
  std::size_t bytes = 0;
  for (const auto& [text, routes] : paths) bytes += text.size();
  WEIR_CHECK(bytes < kNoRouteNumber);
  texts_.reserve(bytes);
  entries_.reserve(paths.size());
  for (const auto& [text, routes] : paths) {
    // The paths that cover this one are the previous one or among those that cover that.
    std::uint32_t parent = kNoRouteNumber;
    if (!entries_.empty()) {
      parent = static_cast<std::uint32_t>(entries_.size() - 1);
      while (parent != kNoRouteNumber && !covers(text_of(entries_[parent]), text))
        parent = entries_[parent].parent;
    }
    entries_.push_back({static_cast<std::uint32_t>(texts_.size()),
                        static_cast<std::uint32_t>(text.size()), parent, routes});
    texts_ += text;
  }
}

std::uint32_t PathSet::neighbour_of(std::string_view path) const {
  auto after = std::upper_bound(entries_.begin(), entries_.end(), path,
                                [this](std::string_view wanted, const Entry& entry) {
                                  return SegmentLess()(wanted, text_of(entry));
                                });
  if (after == entries_.begin()) return kNoRouteNumber;
  return static_cast<std::uint32_t>(after - entries_.begin() - 1);
}

}  // namespace weir::route
