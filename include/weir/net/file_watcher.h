#pragma once
// Tells when something about a set of files may have changed: inotify on their directories, and a
// slow poll of size, time and inode behind it. Debounced. One loop, one thread.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/time.h"
#include "weir/net/loop.h"

namespace weir::net {

struct FileWatchOptions {
  Duration debounce = std::chrono::milliseconds(200);  // quiet for this long …
  Duration max_debounce = std::chrono::seconds(1);     // … or this long after the first change
  Duration poll = std::chrono::seconds(10);
};

class FileWatcher {
 public:
  // `on_change` runs on the loop, never inside a call made here.
  FileWatcher(Loop& loop, FileWatchOptions options, std::function<void()> on_change);
  ~FileWatcher();
  // Replaces what is watched. `files`: paths that exist or may come; `globs`: patterns (glob(7))
  // whose matching files count, in directories that exist or may come. Symlinks are followed and
  // watched at both ends. What changed after `read_began`, the wall time before the files were
  // read, is told too, so that nothing is lost between reading and watching. A file written just
  // before it may be told as well; the same state of a file is never told by two calls.
  void watch(std::vector<std::string> files, std::vector<std::string> globs,
             WallTime read_began = WallTime::max());

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::net
