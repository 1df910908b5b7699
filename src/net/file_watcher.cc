// inotify on the directories of watch_plan, a slow poll behind it, and one quiet period after the
// last change before it is told. Every report plans the watches anew: what changed may be a
// directory or a symlink on the way. Looking at the file system is a survey, made on the background
// thread; what it found is taken over on the loop.
//
// Who writes a file in place is waited for: IN_MODIFY says that it is at it, IN_CLOSE_WRITE that
// the file is whole. Where there is no inotify, a survey that differs from the last one says the
// same.
#include "weir/net/file_watcher.h"

#include <fnmatch.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "src/net/loop_impl.h"
#include "src/net/watch_plan.h"

namespace weir::net {
namespace {

// Files' times come from a clock that stands still between ticks (10 ms at most, and ticks come
// late on a machine that is busy).
constexpr Duration kKernelTick = std::chrono::milliseconds(20);
constexpr std::uint32_t kSelfEvents = IN_MOVE_SELF | IN_DELETE_SELF | IN_UNMOUNT;
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM |
                                  IN_CREATE | IN_DELETE | IN_ATTRIB | IN_MOVE_SELF |
                                  IN_DELETE_SELF | IN_ONLYDIR;

// A new file is told when it is written; a link, symlink or directory is complete at once.
bool is_unwritten_file(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
}

bool is_match(const std::string& pattern, const std::string& name, int flags) {
  return ::fnmatch(pattern.c_str(), name.c_str(), flags | FNM_PERIOD) == 0;
}

struct WatchedDirectory {
  std::string path;
  std::set<std::string> names;
  std::set<std::string> patterns;

  bool has(const std::string& name, NameKind kind) const {
    return (kind == NameKind::kLiteral ? names : patterns).contains(name);
  }
  bool matters(const std::string& name) const {
    if (names.contains(name)) return true;
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return is_match(pattern, name, 0); });
  }
};
using Directories = std::map<int, WatchedDirectory>;  // by watch descriptor

struct Descriptor {
  explicit Descriptor(int of) : fd(of) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd); }
  int fd;
};

struct Paths {
  std::vector<std::string> files;
  std::vector<std::string> globs;
};

// One look at everything, and what came of it.
struct Survey {
  std::shared_ptr<const Paths> paths;
  std::shared_ptr<Descriptor> inotify;  // null: only polling
  int (*add_watch)(int, const char*, std::uint32_t) = nullptr;
  std::shared_ptr<const Directories> before;
  std::optional<WallTime> read_began;

  Directories directories;
  std::uint64_t state = 0;
  FileMarks changed;  // since read_began, where nobody watched
  int problem = 0;    // why something is not watched

  void make();
};

void Survey::make() {
  std::map<std::string, int> known;
  FileMarks unwatched;
  auto watch = [&](const std::string& path, const std::string& name, NameKind kind) {
    auto [entry, is_new] = known.try_emplace(path, -1);
    if (is_new && inotify != nullptr) {
      entry->second = add_watch(inotify->fd, path.c_str(), kEvents);
      if (entry->second < 0 && (errno == ENOSPC || errno == ENOMEM)) problem = errno;
    }
    bool was_watched = false;
    if (entry->second >= 0) {
      auto known_before = before->find(entry->second);
      was_watched = known_before != before->end() && known_before->second.has(name, kind);
      WatchedDirectory& directory = directories[entry->second];
      directory.path = path;
      (kind == NameKind::kLiteral ? directory.names : directory.patterns).insert(name);
    }
    if (!was_watched && read_began)
      add_changed(path, name, kind, *read_began - kKernelTick, changed);
  };
  plan_watches(paths->files, paths->globs, watch);
  state = state_of_files(paths->files, paths->globs);
}

}  // namespace

struct FileWatcher::Impl {
  Impl(Loop& on, FileWatchOptions how, std::function<void()> what);
  ~Impl();
  void watch(std::vector<std::string> new_files, std::vector<std::string> new_globs,
             WallTime read_began);
  void open_inotify();
  void read_events();
  void read_event(const inotify_event& event);
  bool is_relevant(const inotify_event& event) const;
  // Why one looks, and what of several is done when they come together: the last.
  enum class Purpose : std::uint8_t { kPoll, kWatch, kTell };
  void survey(Purpose purpose);
  void take_over(Survey& made, Purpose purpose);
  void say_poll_only(int number);
  void note_change();
  void note_writing();
  void on_quiet();
  void on_poll();
  void tell(bool has_moved);

  // The descriptor; the loop's until the end of the turn in which it closed.
  struct InotifyNode final : Pollable {
    InotifyNode(Impl& of, int descriptor)
        : owner(of), inotify(std::make_shared<Descriptor>(descriptor)) {}
    void on_events(std::uint32_t) override {
      EventScope event(owner.loop);
      owner.read_events();
    }
    void release() override { delete this; }
    Impl& owner;
    std::shared_ptr<Descriptor> inotify;
  };

  Loop::Impl& loop;
  FileWatchOptions options;
  std::function<void()> on_change;
  std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);  // null in there: it is gone
  std::shared_ptr<const Paths> paths = std::make_shared<Paths>();
  std::shared_ptr<const Directories> directories = std::make_shared<Directories>();
  std::optional<WallTime> read_began;  // of the paths that no survey has seen yet
  std::uint64_t state = 0;             // of all files, as last seen
  FileMarks earlier;                   // what was found changed since reading began
  InotifyNode* node = nullptr;         // null: only polling
  bool is_blind = false;               // something is not watched, and only the poll finds it
  bool has_said_poll_only = false;
  bool is_surveying = false;
  std::optional<Purpose> next_survey;
  // Files that are being written, by watch descriptor and name, and when that was last noticed.
  std::map<std::pair<int, std::string>, TimePoint> writing;
  TimePoint first_change{};
  Timer quiet{Timer::bind<&Impl::on_quiet>(this)};
  Timer poll{Timer::bind<&Impl::on_poll>(this)};
};

FileWatcher::Impl::Impl(Loop& on, FileWatchOptions how, std::function<void()> what)
    : loop(on.impl()), options(std::move(how)), on_change(std::move(what)) {
  if (options.add_watch == nullptr) options.add_watch = ::inotify_add_watch;
  open_inotify();
  loop.scheduler.arm(poll, options.poll);
}

FileWatcher::Impl::~Impl() {
  *self = nullptr;
  if (node == nullptr) return;
  // A survey may hold the descriptor longer.
  loop.poller.remove(node->inotify->fd);
  loop.poller.retire(*node);
}

void FileWatcher::Impl::open_inotify() {
  int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  is_blind = fd < 0;
  if (is_blind) return;
  auto made = std::make_unique<InotifyNode>(*this, fd);
  is_blind = loop.poller.add(fd, EPOLLIN, *made) != 0;
  if (!is_blind) node = made.release();
}

void FileWatcher::Impl::read_events() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  ssize_t count = ::read(node->inotify->fd, buffer.data(), buffer.size());
  for (ssize_t at = 0; at < count;) {
    const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
    read_event(event);
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
}

void FileWatcher::Impl::read_event(const inotify_event& event) {
  if (!is_relevant(event)) return;
  std::pair<int, std::string> file{event.wd, event.len > 0 ? event.name : ""};
  if ((event.mask & IN_MODIFY) != 0) {
    writing[std::move(file)] = loop.scheduler.now();
    return note_writing();
  }
  writing.erase(file);
  note_change();
}

bool FileWatcher::Impl::is_relevant(const inotify_event& event) const {
  if ((event.mask & IN_Q_OVERFLOW) != 0) return true;
  if ((event.mask & IN_IGNORED) != 0) return false;
  auto found = directories->find(event.wd);
  // A survey under way watches already what is not taken over yet.
  if (found == directories->end()) return is_surveying;
  if ((event.mask & kSelfEvents) != 0) return true;
  if (event.len == 0) return false;
  const WatchedDirectory& directory = found->second;
  std::string name = event.name;
  if (!directory.matters(name)) return is_surveying;
  return (event.mask & IN_CREATE) == 0 || !is_unwritten_file(directory.path + "/" + name);
}

void FileWatcher::Impl::watch(std::vector<std::string> new_files,
                              std::vector<std::string> new_globs, WallTime began) {
  paths = std::make_shared<Paths>(Paths{std::move(new_files), std::move(new_globs)});
  if (began != WallTime::max()) read_began = read_began ? std::min(*read_began, began) : began;
  survey(Purpose::kWatch);
}

// One at a time; each is of the newest paths.
void FileWatcher::Impl::survey(Purpose purpose) {
  if (is_surveying) {
    next_survey = std::max(next_survey.value_or(purpose), purpose);
    return;
  }
  is_surveying = true;
  auto made = std::make_shared<Survey>();
  made->paths = paths;
  made->inotify = node == nullptr ? nullptr : node->inotify;
  made->add_watch = options.add_watch;
  made->before = directories;
  made->read_began = std::exchange(read_began, std::nullopt);
  loop.run_in_background([made] { made->make(); },
                         [made, purpose, alive = self] {
                           if (*alive != nullptr) (*alive)->take_over(*made, purpose);
                         });
}

void FileWatcher::Impl::take_over(Survey& made, Purpose purpose) {
  is_surveying = false;
  for (const auto& [descriptor, directory] : *directories)
    if (!made.directories.contains(descriptor)) ::inotify_rm_watch(made.inotify->fd, descriptor);
  std::erase_if(writing,
                [&](const auto& file) { return !made.directories.contains(file.first.first); });
  directories = std::make_shared<Directories>(std::move(made.directories));
  if (made.problem != 0) say_poll_only(made.problem);
  is_blind = node == nullptr || made.problem != 0;
  bool has_moved = std::exchange(state, made.state) != made.state;
  if (made.read_began) {
    // What an earlier call told already is read by now; it comes again only when its time is in the
    // future, and would come for ever.
    FileMarks told = std::exchange(earlier, std::move(made.changed));
    bool is_new = std::any_of(earlier.begin(), earlier.end(), [&](const auto& entry) {
      auto found = told.find(entry.first);
      return found == told.end() || found->second != entry.second;
    });
    if (is_new) note_change();
  }
  if (purpose == Purpose::kPoll && has_moved) note_change();
  if (next_survey) survey(*std::exchange(next_survey, std::nullopt));
  if (purpose == Purpose::kTell) tell(has_moved);
}

void FileWatcher::Impl::say_poll_only(int number) {
  if (std::exchange(has_said_poll_only, true) || !options.on_poll_only) return;
  options.on_poll_only(number == ENOSPC ? "fs.inotify.max_user_watches is used up"
                                        : strerrordesc_np(number));
}

void FileWatcher::Impl::note_change() {
  TimePoint now = loop.scheduler.now();
  if (!quiet.is_armed()) first_change = now;
  Duration left = first_change + options.max_debounce - now;
  loop.scheduler.arm(quiet, std::min(options.debounce, left));
}

// Told when the file is closed; who never does is read all the same, after the longest wait.
void FileWatcher::Impl::note_writing() {
  if (quiet.is_armed()) return;
  first_change = loop.scheduler.now();
  loop.scheduler.arm(quiet, options.max_debounce);
}

void FileWatcher::Impl::on_quiet() {
  TimePoint now = loop.scheduler.now();
  TimePoint last = first_change + options.max_debounce;
  std::erase_if(writing,
                [&](const auto& file) { return now - file.second >= options.max_debounce; });
  if (!writing.empty() && now < last) {
    loop.scheduler.arm(quiet, last - now);
    return;
  }
  // What may come while the change is read is watched before it is.
  survey(Purpose::kTell);
}

void FileWatcher::Impl::tell(bool has_moved) {
  TimePoint now = loop.scheduler.now();
  TimePoint last = first_change + options.max_debounce;
  // Nothing but the next look shows whether somebody is still writing.
  if (is_blind && has_moved && now < last) {
    loop.scheduler.arm(quiet, std::min(options.debounce, last - now));
    return;
  }
  std::function<void()> call = on_change;  // it may destroy the watcher
  call();
}

void FileWatcher::Impl::on_poll() {
  loop.scheduler.arm(poll, options.poll);
  if (!is_surveying && !quiet.is_armed()) survey(Purpose::kPoll);
}

FileWatcher::FileWatcher(Loop& loop, FileWatchOptions options, std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(on_change))) {}

FileWatcher::~FileWatcher() = default;

void FileWatcher::watch(std::vector<std::string> files, std::vector<std::string> globs,
                        WallTime read_began) {
  impl_->watch(std::move(files), std::move(globs), read_began);
}

bool FileWatcher::is_settled() const { return !impl_->is_surveying; }

std::vector<std::string> FileWatcher::without_matches(const std::vector<std::string>& files,
                                                      const std::vector<std::string>& globs) {
  std::vector<std::string> rest;
  for (const std::string& file : files)
    if (std::none_of(globs.begin(), globs.end(),
                     [&](const std::string& glob) { return is_match(glob, file, FNM_PATHNAME); }))
      rest.push_back(file);
  return rest;
}

}  // namespace weir::net
