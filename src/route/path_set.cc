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

bool covers(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

PathSet::Range PathSet::append(const PathMap& paths) {
  Range range{static_cast<std::uint32_t>(entries_.size()),
              static_cast<std::uint32_t>(paths.size())};
  for (const auto& [text, routes] : paths) {
    WEIR_CHECK(texts_.size() + text.size() < kNoRouteNumber);
    // The paths that cover this one are the previous one or among those that cover that.
    std::uint32_t parent = kNoRouteNumber;
    if (entries_.size() > range.begin) {
      parent = static_cast<std::uint32_t>(entries_.size() - 1);
      while (parent != kNoRouteNumber && !covers(text_of(entries_[parent]), text)) {
        parent = entries_[parent].parent;
      }
    }
    entries_.push_back({static_cast<std::uint32_t>(texts_.size()),
                        static_cast<std::uint32_t>(text.size()), parent, routes});
    texts_ += text;
  }
  return range;
}

void PathSet::finish() {
  entries_.shrink_to_fit();
  texts_.shrink_to_fit();
}

void PathSet::append_routes(Range range, std::vector<std::size_t>& numbers) const {
  for (std::uint32_t i = 0; i < range.count; ++i)
    entries_[range.begin + i].routes.append_to(numbers);
}

std::uint32_t PathSet::find(Range range, std::string_view path, http::Scheme scheme) const {
  auto first = entries_.begin() + range.begin;
  auto last = first + range.count;
  auto after =
      std::upper_bound(first, last, path, [this](std::string_view wanted, const Entry& entry) {
        return SegmentLess()(wanted, text_of(entry));
      });
  if (after == first) return kNoRouteNumber;
  auto i = static_cast<std::uint32_t>(after - entries_.begin() - 1);
  for (; i != kNoRouteNumber; i = entries_[i].parent) {
    if (!covers(text_of(entries_[i]), path)) continue;
    std::uint32_t route = entries_[i].routes.find(scheme);
    if (route != kNoRouteNumber) return route;
  }
  return kNoRouteNumber;
}

}  // namespace weir::route
