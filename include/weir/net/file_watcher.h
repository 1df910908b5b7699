#pragma once
// Tells when something about a set of files may have changed: inotify on their directories, and a
// slow poll of size, time and inode behind it. Debounced, and a file that is being written is given
// time to become whole. One loop, one thread; the file system is looked at on the background
// thread, because there may be a hundred thousand files.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/time.h"
#include "weir/net/loop.h"

namespace weir::net {

struct FileWatchOptions {
  Duration debounce = std::chrono::milliseconds(200);  // quiet for this long …
  Duration max_debounce = std::chrono::seconds(1);     // … or this long after the first change
  Duration poll = std::chrono::seconds(10);
  // Called once, on the loop, when the kernel will not watch (fs.inotify.max_user_watches, …) and
  // the poll is all there is. May be empty.
  std::function<void(std::string_view reason)> on_poll_only = {};
  // inotify_add_watch(2), for tests of its limit.
  int (*add_watch)(int fd, const char* path, std::uint32_t mask) = nullptr;
};

class FileWatcher {
 public:
  // `on_change` runs on the loop, never inside a call made here.
  FileWatcher(Loop& loop, FileWatchOptions options, std::function<void()> on_change);
  ~FileWatcher();
  // Replaces what is watched, in the background. `files`: paths that exist or may come; `globs`:
  // patterns (glob(7)) whose matching files count, in directories that exist or may come. Symlinks
  // are followed and watched at both ends. What changed after `read_began`, the wall time before
  // the files were read, is told too, so that nothing is lost between reading and watching. A file
  // written just before it may be told as well; the same state of a file is never told by two
  // calls.
  void watch(std::vector<std::string> files, std::vector<std::string> globs,
             WallTime read_began = WallTime::max());
  // Everything that was asked for is watched.
  bool is_settled() const;

  // Those of `files` that no glob matches: who watches the globs needs no others.
  static std::vector<std::string> without_matches(const std::vector<std::string>& files,
                                                  const std::vector<std::string>& globs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::net
