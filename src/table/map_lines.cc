#include "map_lines.h"

namespace weir::table {

void MapLines::File::note(std::string_view host, std::string_view path, unsigned line) {
  auto wanted = lines.find(OwnedKey({host, path, std::nullopt}));
  if (wanted != lines.end() && wanted->second == 0) wanted->second = line;
}

void MapLines::File::on_entries(std::span<const MapEntry> entries) {
  for (const MapEntry& entry : entries) note(entry.host, entry.path, entry.line);
}

void MapLines::File::on_mistake(const MapMistake& mistake) {
  note(mistake.host, mistake.path, mistake.line);
}

unsigned MapLines::line_of(const std::string& path, const OwnedKey& key) {
  auto file = files_.find(path);
  if (file == files_.end()) return 0;
  if (!file->second.is_read) {
    file->second.is_read = true;
    // A file that cannot be read any more has no lines.
    static_cast<void>(read_map(path, file->second));
  }
  auto found = file->second.lines.find(key);
  return found == file->second.lines.end() ? 0 : found->second;
}

}  // namespace weir::table
