#include "weir/proxy/pages.h"

#include <utility>

#include "weir/route/covering.h"

namespace weir::proxy {

Pages::Pages(std::vector<config::PageEntry> entries) : entries_(std::move(entries)) {
  for (const config::PageEntry& entry : entries_) {
    Choice& choice = entry.host.empty() ? every_host_ : hosts_[entry.host];
    for (Failure failure : entry.failures) {
      const config::PageEntry*& chosen = choice[static_cast<std::size_t>(failure)];
      if (chosen == nullptr || chosen->key < entry.key) chosen = &entry;
    }
  }
}

const std::vector<config::PageFile>* Pages::find(Failure failure, std::string_view host) const {
  auto index = static_cast<std::size_t>(failure);
  if (!hosts_.empty()) {
    for (const std::string& pattern : route::patterns_covering(host)) {
      auto found = hosts_.find(pattern);
      if (found == hosts_.end() || found->second[index] == nullptr) continue;
      return &found->second[index]->files;
    }
  }
  return every_host_[index] == nullptr ? nullptr : &every_host_[index]->files;
}

}  // namespace weir::proxy
