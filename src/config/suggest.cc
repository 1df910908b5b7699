#include "suggest.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace weir::config {
namespace {

struct Word {
  std::string_view theirs;
  std::string_view ours;
};

constexpr Word kOtherProxiesWords[] = {
#define WORD(theirs, ours) {theirs, ours},
#include "words.def"
#undef WORD
};

// Spellings and words around the same word, so that the table needs it once.
constexpr std::string_view kPrefixes[] = {"timeout_", "option_", "proxy_", "max_"};
constexpr std::string_view kSuffixes[] = {"_timeout", "timeout", "_secs", "_ms", "s"};

std::string_view find(std::string_view word, std::span<const std::string_view> legal) {
  auto at = std::find(legal.begin(), legal.end(), word);
  return at == legal.end() ? std::string_view() : *at;
}

std::string_view find_or_translate(std::string_view word, std::span<const std::string_view> legal) {
  if (std::string_view same = find(word, legal); !same.empty()) return same;
  for (const Word& row : kOtherProxiesWords) {
    if (row.theirs != word) continue;
    if (std::string_view ours = find(row.ours, legal); !ours.empty()) return ours;
  }
  return {};
}

// The words that are tried in turn: as written, then without the usual ornaments.
std::vector<std::string> variants(std::string_view word) {
  std::vector<std::string> all = {normal_form(word)};
  for (std::string_view prefix : kPrefixes) {
    if (all[0].size() > prefix.size() && all[0].starts_with(prefix)) {
      all.push_back(all[0].substr(prefix.size()));
    }
  }
  for (std::size_t i = 0, count = all.size(); i < count; ++i) {
    for (std::string_view suffix : kSuffixes) {
      if (all[i].size() <= suffix.size() || !all[i].ends_with(suffix)) continue;
      std::string shorter = all[i].substr(0, all[i].size() - suffix.size());
      all.push_back(std::move(shorter));
    }
  }
  return all;
}

// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t substitution = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string normal_form(std::string_view word) {
  std::string out;
  for (char c : word) {
    bool is_gap = c == '-' || c == ' ' || c == '_';
    if (is_gap && !out.empty() && out.back() == '_') continue;
    out += is_gap ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string_view translate(std::string_view word, std::span<const std::string_view> legal) {
  if (word.size() > 64) return {};
  if (std::string_view same = find(word, legal); !same.empty()) return same;
  for (const std::string& variant : variants(word)) {
    if (std::string_view found = find_or_translate(variant, legal); !found.empty()) return found;
  }
  return {};
}

std::string_view suggest(std::string_view word, std::span<const std::string_view> legal) {
  if (word.size() > 64) return {};
  if (std::string_view found = translate(word, legal); !found.empty()) return found;
  std::string normal = normal_form(word);
  std::size_t best_distance = std::min<std::size_t>(3, 1 + normal.size() / 4);
  std::string_view best;
  for (std::string_view candidate : legal) {
    std::size_t distance = edit_distance(normal, candidate);
    // One letter for another is no typing error in words as short as "fd" and "ip".
    if (distance >= std::max(normal.size(), candidate.size()) - 1) continue;
    if (distance < best_distance || (best.empty() && distance == best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace weir::config
