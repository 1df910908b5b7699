#pragma once
// The administrator's own pages as they are looked up: by host and failure. Immutable, shared by
// workers; asked only when a request has failed.
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/failure.h"
#include "weir/config/pages.h"

namespace weir::proxy {

class Pages {
 public:
  explicit Pages(std::vector<config::PageEntry> entries);
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  // Of the most specific host (CONTRACT §2) that has some for this failure, those of its closest
  // key, in the order of their list; null: weir's own it is. `host` as RequestHead::host.
  const std::vector<config::PageFile>* find(Failure failure, std::string_view host) const;

 private:
  // What answers each failure; null: nothing of one's own.
  using Choice = std::array<const config::PageEntry*, kFailureCount>;

  std::vector<config::PageEntry> entries_;
  std::map<std::string, Choice, std::less<>> hosts_;  // by pattern
  Choice every_host_{};
};

}  // namespace weir::proxy
