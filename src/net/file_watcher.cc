// inotify on the directories of watch_plan, a slow poll behind it, and one quiet period after the
// last change before it is told. Every report plans the watches anew: what changed may be a
// directory or a symlink on the way.
#include "weir/net/file_watcher.h"

#include <fnmatch.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "src/net/loop_impl.h"
#include "src/net/watch_plan.h"

namespace weir::net {
namespace {

// Files' times come from a clock that stands still between ticks (10 ms at most, and ticks come
// late on a machine that is busy).
constexpr Duration kKernelTick = std::chrono::milliseconds(20);
constexpr std::uint32_t kSelfEvents = IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT;
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF |
                                  IN_ONLYDIR;

// A new file is told when it is written; a link, symlink or directory is complete at once.
bool is_unwritten_file(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
}

struct WatchedDirectory {
  std::string path;
  std::set<std::string> names;
  std::set<std::string> patterns;

  bool matters(const std::string& name) const {
    if (names.contains(name)) return true;
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
      return ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0;
    });
  }
};

}  // namespace

struct FileWatcher::Impl {
  Impl(Loop& on, FileWatchOptions how, std::function<void()> what);
  ~Impl();
  void watch(std::vector<std::string> new_files, std::vector<std::string> new_globs,
             WallTime read_began);
  void note_earlier_changes(WallTime read_began);
  void open_inotify();
  void read_events();
  bool is_relevant(const inotify_event& event) const;
  void plan();
  void note_change();
  void on_quiet();
  void on_poll();

  // The descriptor; the loop's until the end of the turn in which it closed.
  struct InotifyNode final : Pollable {
    InotifyNode(Impl& of, int descriptor) : owner(of), fd(descriptor) {}
    void on_events(std::uint32_t) override {
      EventScope event(owner.loop);
      owner.read_events();
    }
    void release() override { delete this; }
    Impl& owner;
    int fd;
  };

  Loop::Impl& loop;
  FileWatchOptions options;
  std::function<void()> on_change;
  std::vector<std::string> files;
  std::vector<std::string> globs;
  FileMarks marks;
  FileMarks earlier;                            // what watch() found changed since reading began
  std::map<int, WatchedDirectory> directories;  // by watch descriptor
  InotifyNode* inotify = nullptr;               // null: only polling
  TimePoint first_change{};
  Timer quiet{Timer::bind<&Impl::on_quiet>(this)};
  Timer poll{Timer::bind<&Impl::on_poll>(this)};
};

FileWatcher::Impl::Impl(Loop& on, FileWatchOptions how, std::function<void()> what)
    : loop(on.impl()), options(how), on_change(std::move(what)) {
  open_inotify();
  loop.scheduler.arm(poll, options.poll);
}

FileWatcher::Impl::~Impl() {
  if (inotify == nullptr) return;
  ::close(inotify->fd);
  loop.poller.retire(*inotify);
}

void FileWatcher::Impl::open_inotify() {
  int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return;
  auto node = std::make_unique<InotifyNode>(*this, fd);
  if (loop.poller.add(fd, EPOLLIN, *node) != 0) {
    ::close(fd);
    return;
  }
  inotify = node.release();
}

void FileWatcher::Impl::read_events() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  ssize_t count = ::read(inotify->fd, buffer.data(), buffer.size());
  bool has_changed = false;
  for (ssize_t at = 0; at < count;) {
    const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
    has_changed = has_changed || is_relevant(event);
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
  if (has_changed) note_change();
}

bool FileWatcher::Impl::is_relevant(const inotify_event& event) const {
  if ((event.mask & IN_Q_OVERFLOW) != 0) return true;
  auto found = directories.find(event.wd);
  if (found == directories.end()) return false;
  if ((event.mask & kSelfEvents) != 0) return true;
  if (event.len == 0) return false;
  const WatchedDirectory& directory = found->second;
  std::string name = event.name;
  if (!directory.matters(name)) return false;
  return (event.mask & IN_CREATE) == 0 || !is_unwritten_file(directory.path + "/" + name);
}

void FileWatcher::Impl::plan() {
  if (inotify == nullptr) return;
  std::map<int, WatchedDirectory> planned;
  std::map<std::string, int> known;
  plan_watches(files, globs, [&](const std::string& path, const std::string& name, NameKind kind) {
    auto [entry, is_new] = known.try_emplace(path, -1);
    if (is_new) entry->second = ::inotify_add_watch(inotify->fd, path.c_str(), kEvents);
    if (entry->second < 0) return;  // unreadable, or too many watches: polling remains
    WatchedDirectory& directory = planned[entry->second];
    directory.path = path;
    (kind == NameKind::kLiteral ? directory.names : directory.patterns).insert(name);
  });
  for (const auto& [descriptor, directory] : directories) {
    if (!planned.contains(descriptor)) ::inotify_rm_watch(inotify->fd, descriptor);
  }
  directories = std::move(planned);
}

void FileWatcher::Impl::watch(std::vector<std::string> new_files,
                              std::vector<std::string> new_globs, WallTime read_began) {
  files = std::move(new_files);
  globs = std::move(new_globs);
  plan();
  marks = look_at_files(files, globs);
  if (read_began != WallTime::max()) note_earlier_changes(read_began);
}

// What an earlier call told already is read by now; it comes again only when its time is in the
// future, and would come for ever.
void FileWatcher::Impl::note_earlier_changes(WallTime read_began) {
  FileMarks told = std::exchange(earlier, changed_since(files, globs, read_began - kKernelTick));
  bool is_new = std::any_of(earlier.begin(), earlier.end(), [&](const auto& entry) {
    auto found = told.find(entry.first);
    return found == told.end() || found->second != entry.second;
  });
  if (is_new) note_change();
}

void FileWatcher::Impl::note_change() {
  TimePoint now = loop.scheduler.now();
  if (!quiet.is_armed()) first_change = now;
  Duration left = first_change + options.max_debounce - now;
  loop.scheduler.arm(quiet, std::min(options.debounce, left));
}

void FileWatcher::Impl::on_quiet() {
  plan();
  marks = look_at_files(files, globs);
  std::function<void()> call = on_change;  // it may destroy the watcher
  call();
}

void FileWatcher::Impl::on_poll() {
  loop.scheduler.arm(poll, options.poll);
  FileMarks before = std::exchange(marks, look_at_files(files, globs));
  if (marks != before) note_change();
}

FileWatcher::FileWatcher(Loop& loop, FileWatchOptions options, std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(loop, options, std::move(on_change))) {}

FileWatcher::~FileWatcher() = default;

void FileWatcher::watch(std::vector<std::string> files, std::vector<std::string> globs,
                        WallTime read_began) {
  impl_->watch(std::move(files), std::move(globs), read_began);
}

}  // namespace weir::net
