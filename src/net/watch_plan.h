#pragma once
// Where changes of a set of paths and patterns would show: which names in which directories. A name
// counts where it is looked up by, so both ends of a symlink count, directories on the way that are
// symlinks or not there yet, and every place where a pattern may match something new. Looks at the
// file system; no state between calls.
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "weir/base/time.h"

namespace weir::net {

// Size, times and identity of a file; all zero when it is not there.
struct FileMark {
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // content, name, owner or permissions
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  bool operator==(const FileMark&) const = default;
};
using FileMarks = std::map<std::string, FileMark>;

// Of the marks of `files` and of what matches `globs` now: another number when one of them is
// another.
std::uint64_t state_of_files(const std::vector<std::string>& files,
                             const std::vector<std::string>& globs);

enum class NameKind { kLiteral, kPattern };

// Called for each directory and the name, or pattern, of an entry in it that matters. Must begin to
// watch before it returns: what the directory holds is looked at afterwards.
using WatchEntry =
    std::function<void(const std::string& directory, const std::string& name, NameKind kind)>;

// Adds to `changed` the entry of `directory`, or those that match, that were changed at `since` or
// later by the file system's clock; symlinks themselves, and no directories. One that is not there
// any more cannot tell: then a change of the directory since is one of it. A time in the future is
// such a change each time one asks.
void add_changed(const std::string& directory, const std::string& name, NameKind kind,
                 WallTime since, FileMarks& changed);

void plan_watches(const std::vector<std::string>& files, const std::vector<std::string>& globs,
                  const WatchEntry& watch);

}  // namespace weir::net
