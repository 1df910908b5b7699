// The files of [routes]: which there are, and what stands in those that have changed.
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "files.h"
#include "loader.h"
#include "syntax.h"

namespace weir::config {

namespace {

// Files' times come from a clock that stands still between ticks.
constexpr Duration kKernelTick = std::chrono::milliseconds(20);

std::int64_t nanoseconds_of(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileMark mark_of_file(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds_of(status.st_mtim),
          nanoseconds_of(status.st_ctim)};
}

bool is_settled(const FileMark& mark, WallTime read_began) {
  std::int64_t last = std::max(mark.modified_ns, mark.changed_ns);
  return last < (read_began - kKernelTick).time_since_epoch().count();
}

void for_each_text(const LastGoodFiles& files,
                   const std::function<void(const std::string& path, const std::string& text)>& visit) {
  for (const auto& [path, file] : files.files) {
    if (!file->is_clean) {
      visit(path, file->text);
      continue;
    }
    Result<std::string> text = read_file(path);
    // What was written since is looked at by the next load.
    bool is_same = file->mark.inode == 0 || mark_of_file(path) == file->mark;
    if (text.ok() && is_same && parse_toml(*text).ok()) visit(path, *text);
  }
}

void add_text(LastGoodFiles& files, const std::string& path, std::string text) {
  ReadFile file;
  file.text = std::move(text);
  files.files.try_emplace(path, std::make_shared<const ReadFile>(std::move(file)));
}

void Loader::read_route_files(const Node* patterns) {
  std::map<std::string, Place> paths;
  for (std::string& pattern : config_.routes.files) {
    Place place{main_file_, patterns->line, patterns->column};
    for (const Node& item : patterns->items) {
      if (item.text == pattern) place = {main_file_, item.line, item.column};
    }
    pattern = beside(main_file_, pattern);
    if (!is_glob(pattern)) {
      paths.emplace(pattern, place);
      continue;
    }
    Result<std::vector<std::string>> found = matches_of(pattern);
    if (!found.ok()) {
      report_.add(place, "files: " + found.error().message);
      has_unread_file_ = true;
      continue;
    }
    if (found->empty()) {
      warnings_.push_back({place, "files: nothing matches " + pattern +
                                      (exists(folder_of_glob(pattern))
                                           ? ""
                                           : ": there is no folder " + folder_of_glob(pattern))});
    }
    for (const std::string& path : *found) paths.emplace(path, place);
  }
  globs_ = config_.routes.files;
  FileMark main = mark_of_file(main_file_);
  for (const auto& [path, place] : paths) {
    FileMark mark = mark_of_file(path);
    // A glob over weir.toml's own folder means the other files in it.
    bool is_main = mark.inode != 0 && mark.inode == main.inode && mark.device == main.device;
    if (is_main) continue;
    if (!path.ends_with(".map")) {
      if (!keep_route_file(path, mark)) read_route_file(path, place, mark);
      continue;
    }
    files_.push_back(path);
    config_.maps.push_back(path);
  }
  bool has_gone = last_good_ != nullptr && last_good_->files.size() > paths.size();
  if (has_gone && !has_unread_file_)
    std::erase_if(last_good_->files, [&](const auto& file) { return !paths.contains(file.first); });
}

bool Loader::keep_route_file(const std::string& path, const FileMark& mark) {
  if (last_good_ == nullptr || mark.inode == 0) return false;
  auto known = last_good_->files.find(path);
  if (known == last_good_->files.end()) return false;
  const ReadFile& file = *known->second;
  if (!file.is_clean || file.mark != mark || file.defaults != defaults_) return false;
  files_.push_back(path);
  report_.begin_file(path);
  EntryScope entry(report_, EntryKind::kFile);
  keep_entries(file, path);
  return true;
}

// Of pools with one name the first counts, wherever it stands.
void Loader::keep_entries(const ReadFile& file, const std::string& path) {
  for (const PoolConfig& pool : file.pools) {
    EntryScope entry(report_, EntryKind::kPool);
    if (note_pool(pool.name, pool.place)) config_.pools.push_back(pool);
  }
  for (std::size_t at = 0; at < file.routes.size(); ++at) {
    config_.route_entries.push_back(file.routes[at]);
    route_pool_places_.push_back({path, file.route_pools[at].first, file.route_pools[at].second});
  }
}

void Loader::read_route_file(const std::string& path, const Place& pattern, const FileMark& mark) {
  files_.push_back(path);
  report_.begin_file(path);
  EntryScope entry(report_, EntryKind::kFile);
  bool was_unread = has_unread_file_;
  WallTime began = SystemClock().wall();
  Result<std::string> text = read_file(path);
  if (!text.ok()) {
    report_.add(pattern, "files: " + text.error().message);
    has_unread_file_ = !read_last_good(path) || was_unread;
    return;
  }
  Node root;
  if (!parse_file(*text, path, root)) {
    has_unread_file_ = !read_last_good(path) || was_unread;
    return;
  }
  std::size_t said = report_.size() + warnings_.size();
  std::size_t pools = config_.pools.size();
  std::size_t routes = config_.route_entries.size();
  check_route_file(root, path);
  read_entries(root, path);
  if (last_good_ == nullptr) return;
  ReadFile file;
  file.is_clean = report_.size() + warnings_.size() == said;
  if (!file.is_clean) {
    file.text = std::move(text).value();
  } else {
    if (is_settled(mark, began)) file.mark = mark;
    file.defaults = defaults_;
    auto from = [](auto& all, std::size_t first) {
      return all.begin() + static_cast<std::ptrdiff_t>(first);
    };
    file.pools.assign(from(config_.pools, pools), config_.pools.end());
    file.routes.assign(from(config_.route_entries, routes), config_.route_entries.end());
    for (std::size_t at = routes; at < route_pool_places_.size(); ++at)
      file.route_pools.emplace_back(route_pool_places_[at].line, route_pool_places_[at].column);
  }
  last_good_->files[path] = std::make_shared<const ReadFile>(std::move(file));
}

// One without errors is kept as what was read, with the defaults of that time.
bool Loader::read_last_good(const std::string& path) {
  if (last_good_ == nullptr) return false;
  auto known = last_good_->files.find(path);
  if (known == last_good_->files.end()) return false;
  const ReadFile& file = *known->second;
  if (file.is_clean) {
    keep_entries(file, path);
    return true;
  }
  Node root;
  bool is_read = parse_file(file.text, path, root);
  if (is_read) read_entries(root, path);
  return is_read;
}

}  // namespace weir::config
