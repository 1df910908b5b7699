#pragma once
// Where in map files keys stand, for messages: looked up only when somebody has to be told, since a
// table of a million lines does not remember them. Reads each file once.
#include <map>
#include <string>

#include "map_file.h"
#include "route_book.h"

namespace weir::table {

class MapLines {
 public:
  // Keys to be looked for; before line_of().
  void want(const std::string& path, const OwnedKey& key) { files_[path].lines.emplace(key, 0); }
  // The first line of the key; 0: it is not there any more.
  unsigned line_of(const std::string& path, const OwnedKey& key);

 private:
  struct File final : MapSink {
    bool is_read = false;
    std::map<OwnedKey, unsigned> lines;
    void note(std::string_view host, std::string_view path, unsigned line);
    void on_entries(std::span<const MapEntry> entries) override;
    void on_mistake(const MapMistake& mistake) override;
  };
  std::map<std::string, File> files_;
};

}  // namespace weir::table
