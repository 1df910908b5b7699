#include "weir/table/stale.h"

#include <algorithm>
#include <set>

#include "guard.h"
#include "table_hosts.h"

namespace weir::table {
namespace {

constexpr std::size_t kMaxFilesTold = 3;

// "3,000"
std::string text_of(std::size_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return text_of(count).append(" ").append(noun).append(count == 1 ? "" : "s");
}

// Rounded up: "more than 20 %" of something that is 20.4 % reads as 21 %.
std::size_t percent_of(std::size_t lost, std::size_t left) {
  std::size_t had = lost + left;
  return had == 0 ? 0 : (lost * 100 + had - 1) / had;
}

std::size_t percent_of(const StaleFile& file) {
  return std::max(percent_of(file.hosts, file.hosts_left),
                  percent_of(file.backends, file.backends_left));
}

bool has_lost_too_much(const StaleFile& file, unsigned max_percent) {
  return is_too_much(file.hosts, file.hosts + file.hosts_left, max_percent) ||
         is_too_much(file.backends, file.backends + file.backends_left, max_percent);
}

// "hosts.map lost 60 %"; of several those that lost most.
std::string who_lost(const Stale& stale) {
  std::vector<const StaleFile*> files;
  for (const StaleFile& file : stale.files)
    if (has_lost_too_much(file, stale.max_percent)) files.push_back(&file);
  if (files.empty()) {
    std::size_t percent = std::max(percent_of(stale.hosts, stale.hosts_left),
                                   percent_of(stale.backends, stale.backends_left));
    return "all files together lost " + std::to_string(percent) + " %";
  }
  std::stable_sort(files.begin(), files.end(), [](const StaleFile* a, const StaleFile* b) {
    return a->hosts + a->backends > b->hosts + b->backends;
  });
  std::string text;
  for (std::size_t at = 0; at < std::min(files.size(), kMaxFilesTold); ++at) {
    const std::string& path = files[at]->path;
    text.append(text.empty() ? "" : ", ")
        .append(path.substr(path.rfind('/') + 1))
        .append(" lost ")
        .append(std::to_string(percent_of(*files[at])))
        .append(" %");
  }
  if (files.size() > kMaxFilesTold)
    text += " and " + counted(files.size() - kMaxFilesTold, "more file");
  return text;
}

// Keeps the first few in order of their bytes.
void add_example(std::set<std::string>& examples, const std::string& text) {
  if (examples.size() == Stale::kMaxExamples) {
    if (text >= *examples.rbegin()) return;
    examples.erase(std::prev(examples.end()));
  }
  examples.insert(text);
}

struct Found {
  StaleFile file;
  std::set<std::string> examples;
};

}  // namespace

bool Stale::is_stale(std::string_view pool, std::string_view address) const {
  auto found = addresses.find(pool);
  return found != addresses.end() &&
         std::find(found->second.begin(), found->second.end(), address) != found->second.end();
}

std::string Stale::text() const {
  if (size() == 0) return {};
  std::string text;
  if (hosts > 0) text = counted(hosts, "host");
  if (backends > 0) text += (text.empty() ? "" : " and ") + counted(backends, "backend");
  return text + " held back (" + who_lost(*this) + ", more than " + std::to_string(max_percent) +
         " %): --force lets them go";
}

Stale list_stale(const route::RouteTable& routes, const PoolBook& pools, const BackendGuard& guard,
                 const std::function<const std::string&(SourceNumber)>& path_of,
                 unsigned max_percent) {
  Stale stale;
  stale.max_percent = max_percent;
  std::map<SourceNumber, Found> found;
  for_each_host(routes, [&](const std::string& host, const std::vector<SourceNumber>& origins) {
    bool is_stale = has_stale(origins);
    is_stale ? ++stale.hosts : ++stale.hosts_left;
    for (SourceNumber origin : origins) {
      if (is_stale != is_stale_origin(origin)) continue;
      Found& entry = found[origin & ~kStaleOrigin];
      is_stale ? ++entry.file.hosts : ++entry.file.hosts_left;
      if (is_stale) add_example(entry.examples, host);
    }
  });
  pools.for_each_defined([&](const backend::PoolSpec& pool) {
    auto held = guard.held().find(pool.name.str());
    std::size_t count = held == guard.held().end() ? 0 : held->second.size();
    Found& entry = found[guard.source_of(pool.id)];
    entry.file.backends += count;
    entry.file.backends_left += pool.backends.size() - count;
    stale.backends += count;
    stale.backends_left += pool.backends.size() - count;
    if (count == 0) return;
    for (const Endpoint& backend : held->second) {
      stale.addresses[pool.name.str()].push_back(backend.text());
      add_example(entry.examples, backend.text() + " (pool " + pool.name.str() + ")");
    }
  });
  for (auto& [source, entry] : found) {
    if (entry.file.hosts + entry.file.backends == 0) continue;
    entry.file.path = path_of(source);
    entry.file.examples.assign(entry.examples.begin(), entry.examples.end());
    stale.files.push_back(std::move(entry.file));
  }
  std::sort(stale.files.begin(), stale.files.end(),
            [](const StaleFile& a, const StaleFile& b) { return a.path < b.path; });
  return stale;
}

}  // namespace weir::table
