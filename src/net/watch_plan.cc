#include "src/net/watch_plan.h"

#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <deque>
#include <memory>
#include <string_view>

namespace weir::net {
namespace {

struct Part {
  std::string name;
  NameKind kind;
};
using Parts = std::deque<Part>;

constexpr int kMaxSymlinks = 40;  // as the kernel

NameKind kind_of(std::string_view name) {
  return name.find_first_of("*?[") == name.npos ? NameKind::kLiteral : NameKind::kPattern;
}

Parts parts_of(std::string_view path, bool is_glob) {
  Parts parts;
  while (!path.empty()) {
    std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name.empty() || name == ".") continue;
    parts.push_back({std::string(name), is_glob ? kind_of(name) : NameKind::kLiteral});
  }
  return parts;
}

std::string absolute(std::string_view path) {
  if (path.starts_with('/')) return std::string(path);
  std::array<char, PATH_MAX> current{};
  std::string directory =
      ::getcwd(current.data(), current.size()) == nullptr ? "/" : current.data();
  return directory + "/" + std::string(path);
}

std::string join(const std::string& directory, std::string_view name) {
  return directory == "/" ? "/" + std::string(name) : directory + "/" + std::string(name);
}

// "" when it is no symlink.
std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  return length <= 0 ? "" : std::string(target.data(), static_cast<std::size_t>(length));
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

struct Entry {
  std::string name;
  bool is_plain;  // certainly no symlink
};

std::vector<Entry> matching_entries(const std::string& directory, const std::string& pattern) {
  std::vector<Entry> entries;
  std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
  if (open == nullptr) return entries;
  while (const dirent* entry = ::readdir(open.get())) {
    if (::fnmatch(pattern.c_str(), entry->d_name, FNM_PERIOD) == 0)
      entries.push_back({entry->d_name, entry->d_type == DT_REG});
  }
  return entries;
}

// Spreads every bit over all (the finalizer of MurmurHash3).
std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 33)) * 0xff51afd7ed558ccd;
  bits = (bits ^ (bits >> 33)) * 0xc4ceb9fe1a85ec53;
  return bits ^ (bits >> 33);
}

// Walks a path as the kernel does, part by part; `directory` never has a symlink in it.
class Walk {
 public:
  explicit Walk(const WatchEntry& watch) : watch_(watch) {}

  void go(std::string directory, Parts rest) {
    while (!rest.empty()) {
      Part part = std::move(rest.front());
      rest.pop_front();
      if (part.name == "..") {
        directory.erase(std::max<std::size_t>(directory.rfind('/'), 1));
        continue;
      }
      if (part.kind == NameKind::kPattern) return branch(directory, part.name, rest);
      std::string path = join(directory, part.name);
      // A directory on the way is not watched for its own sake: its parent may be a busy place.
      bool matters = rest.empty() || !is_directory(path);
      if (matters) watch_(directory, part.name, NameKind::kLiteral);
      std::string target = link_target(path);
      if (!target.empty()) {
        if (++symlinks_ > kMaxSymlinks) return;
        if (target.starts_with('/')) directory = "/";
        Parts parts = parts_of(target, false);
        rest.insert(rest.begin(), parts.begin(), parts.end());
      } else if (is_directory(path)) {
        directory = std::move(path);
      } else {
        return;  // the file, or the place where the way does not go on yet
      }
    }
  }

 private:
  void branch(const std::string& directory, const std::string& pattern, const Parts& rest) {
    watch_(directory, pattern, NameKind::kPattern);
    for (const auto& [name, is_plain] : matching_entries(directory, pattern)) {
      bool is_covered = rest.empty() && (is_plain || link_target(join(directory, name)).empty());
      if (is_covered) continue;
      Parts parts = rest;
      parts.push_front({name, NameKind::kLiteral});
      Walk(watch_).go(directory, std::move(parts));
    }
  }

  const WatchEntry& watch_;
  int symlinks_ = 0;
};

std::int64_t nanoseconds_of(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

FileMark mark_of(const struct stat& status) {
  return {status.st_size, nanoseconds_of(status.st_mtim), nanoseconds_of(status.st_ctim),
          status.st_ino, status.st_dev};
}

FileMark look_at(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? mark_of(status) : FileMark{};
}

template <typename Visit>
void visit_matches(const std::string& pattern, const Visit& visit) {
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) visit(std::string(found.gl_pathv[i]));
  }
  ::globfree(&found);
}

}  // namespace

std::uint64_t state_of_files(const std::vector<std::string>& files,
                             const std::vector<std::string>& globs) {
  std::uint64_t sum = 0;
  auto add = [&sum](const std::string& path) {
    FileMark mark = look_at(path);
    std::uint64_t state = std::hash<std::string>()(path);
    for (std::uint64_t part :
         {static_cast<std::uint64_t>(mark.size), static_cast<std::uint64_t>(mark.modified_ns),
          static_cast<std::uint64_t>(mark.changed_ns), mark.inode, mark.device})
      state = mix(state ^ part);
    sum += state;  // in any order
  };
  for (const std::string& file : files) add(file);
  for (const std::string& pattern : globs) visit_matches(pattern, add);
  return sum;
}

namespace {

void add_if_recent(const std::string& path, const FileMark& mark, WallTime since,
                   FileMarks& changed) {
  if (std::max(mark.modified_ns, mark.changed_ns) >= since.time_since_epoch().count())
    changed[path] = mark;
}

}  // namespace

void add_changed(const std::string& directory, const std::string& name, NameKind kind,
                 WallTime since, FileMarks& changed) {
  auto look = [&](const std::string& entry) {
    std::string path = join(directory, entry);
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return;
    add_if_recent(path, mark_of(status), since, changed);
  };
  // Of an entry that went only its directory tells.
  struct stat status {};
  std::string path = join(directory, name);
  bool may_have_gone = kind == NameKind::kPattern || ::lstat(path.c_str(), &status) != 0;
  if (may_have_gone && ::stat(directory.c_str(), &status) == 0)
    add_if_recent(path, mark_of(status), since, changed);
  if (kind == NameKind::kLiteral) return look(name);
  for (const Entry& entry : matching_entries(directory, name)) look(entry.name);
}

void plan_watches(const std::vector<std::string>& files, const std::vector<std::string>& globs,
                  const WatchEntry& watch) {
  for (const std::string& file : files) Walk(watch).go("/", parts_of(absolute(file), false));
  for (const std::string& glob : globs) Walk(watch).go("/", parts_of(absolute(glob), true));
}

}  // namespace weir::net
