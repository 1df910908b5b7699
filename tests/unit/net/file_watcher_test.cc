#include "weir/net/file_watcher.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "src/net/watch_plan.h"
#include "tests/unit/net/net_fixture.h"

namespace weir::net {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

void write_file(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

struct Watched {
  explicit Watched(FileWatchOptions options = {milliseconds(5), milliseconds(50),
                                               std::chrono::seconds(60)})
      : watcher(std::make_unique<FileWatcher>(loop, options, [this] {
          ++changes;
          if (hook) hook();
        })) {
    char name[] = "/tmp/weir-watch-XXXXXX";
    root = fs::canonical(mkdtemp(name));
  }
  ~Watched() { fs::remove_all(root); }
  void watch(std::vector<std::string> files, std::vector<std::string> globs,
             WallTime read_began = WallTime::max()) {
    watcher->watch(std::move(files), std::move(globs), read_began);
    settle();
  }
  void settle() {
    CHECK(loop.run_until([&] { return watcher == nullptr || watcher->is_settled(); }));
  }
  bool hears() {
    int before = changes;
    bool has_heard = loop.run_until([&] { return changes > before; });
    settle();
    return has_heard;
  }
  bool stays_silent() {
    int before = changes;
    loop.turns_in(milliseconds(20));
    return changes == before;
  }
  // A time that what is written by now is clearly older than.
  WallTime later() {
    WallTime begin = TestLoop::clock().wall();
    CHECK(loop.run_until([&] { return TestLoop::clock().wall() - begin > milliseconds(100); }));
    return TestLoop::clock().wall();
  }
  TestLoop loop;
  fs::path root;
  int changes = 0;
  std::function<void()> hook;
  std::unique_ptr<FileWatcher> watcher;
};

TEST_CASE(
    "a file changes in place, by rename, by permission, by removal; neighbours do not count") {
  Watched w;
  fs::path file = w.root / "weir.toml";
  write_file(file, "1");
  w.watch({file}, {});
  CHECK(w.stays_silent());
  write_file(w.root / "other", "x");
  CHECK(w.stays_silent());
  write_file(file, "2");
  CHECK(w.hears());
  CHECK(w.stays_silent());
  write_file(w.root / "new", "3");
  fs::rename(w.root / "new", file);
  CHECK(w.hears());
  fs::permissions(file, fs::perms::owner_read);
  CHECK(w.hears());
  fs::remove(file);
  CHECK(w.hears());
  write_file(file, "4");
  CHECK(w.hears());
}

TEST_CASE("a new file is told when it is written, not when it is created") {
  Watched w;
  w.watch({w.root / "map"}, {});
  {
    std::ofstream slow(w.root / "map");
    CHECK(w.stays_silent());
    slow << "complete";
  }
  CHECK(w.hears());
  fs::create_hard_link(w.root / "map", w.root / "linked");
  w.watch({w.root / "again"}, {});
  fs::create_hard_link(w.root / "map", w.root / "again");
  CHECK(w.hears());
}

TEST_CASE("a symlink counts at both ends, also when it is a directory on the way") {
  Watched w;
  fs::create_directories(w.root / "v1");
  fs::create_directories(w.root / "v2");
  write_file(w.root / "v1/map", "1");
  write_file(w.root / "v2/map", "2");
  fs::create_symlink("v1", w.root / "current");
  fs::create_symlink("current/map", w.root / "map");
  w.watch({w.root / "map"}, {});
  write_file(w.root / "v1/map", "in place");
  CHECK(w.hears());
  write_file(w.root / "v2/map", "not yet");
  CHECK(w.stays_silent());
  fs::create_symlink("v2", w.root / "next");
  fs::rename(w.root / "next", w.root / "current");
  CHECK(w.hears());
  write_file(w.root / "v2/map", "now");
  CHECK(w.hears());
  write_file(w.root / "v1/map", "no more");
  CHECK(w.stays_silent());
  fs::create_symlink(w.root / "v1/map", w.root / "next");
  fs::rename(w.root / "next", w.root / "map");
  CHECK(w.hears());
  write_file(w.root / "v1/map", "absolute");
  CHECK(w.hears());
}

TEST_CASE("globs count what matches, through symlinks and in directories that come later") {
  Watched w;
  fs::create_directories(w.root / "conf.d/a");
  w.watch({}, {w.root / "conf.d/*/*.map"});
  write_file(w.root / "conf.d/a/one.map", "1");
  CHECK(w.hears());
  write_file(w.root / "conf.d/a/one.txt", "1");
  CHECK(w.stays_silent());
  fs::create_directory(w.root / "conf.d/b");
  CHECK(w.hears());
  write_file(w.root / "conf.d/b/two.map", "2");
  CHECK(w.hears());
  write_file(w.root / "elsewhere", "3");
  fs::create_symlink(w.root / "elsewhere", w.root / "conf.d/b/three.map");
  CHECK(w.hears());
  write_file(w.root / "elsewhere", "4");
  CHECK(w.hears());
}

TEST_CASE("directories that do not exist yet, vanish or are replaced") {
  Watched w;
  w.watch({w.root / "a/b/map"}, {});
  fs::create_directories(w.root / "a");
  CHECK(w.hears());
  fs::create_directories(w.root / "a/b");
  CHECK(w.hears());
  write_file(w.root / "a/b/map", "1");
  CHECK(w.hears());
  fs::rename(w.root / "a/b", w.root / "a/old");
  CHECK(w.hears());
  fs::rename(w.root / "a/old", w.root / "a/b");
  CHECK(w.hears());
  fs::remove_all(w.root / "a");
  CHECK(w.hears());
  write_file(w.root / "a", "a file in the way");
  CHECK(w.hears());
}

TEST_CASE("many changes are one, but not later than the longest wait") {
  Watched w({milliseconds(20), milliseconds(60), std::chrono::seconds(60)});
  fs::path file = w.root / "map";
  w.watch({file}, {});
  TimePoint start = TestLoop::clock().now();
  CHECK(w.loop.run_until([&] {
    write_file(file, "busy");
    return w.changes > 0;
  }));
  Duration waited = TestLoop::clock().now() - start;
  CHECK(waited >= milliseconds(55));
  CHECK(waited < milliseconds(500));
  CHECK(w.hears());  // what came after the first report
  CHECK(w.changes == 2);
}

TEST_CASE("the poll finds what inotify does not tell") {
  Watched w({milliseconds(1), milliseconds(10), milliseconds(20)});
  fs::create_directories(w.root / "x/y");
  fs::create_directories(w.root / "z/y");
  write_file(w.root / "x/y/map", "1");
  write_file(w.root / "z/y/map", "2");
  w.watch({w.root / "x/y/map"}, {});
  fs::rename(w.root / "x", w.root / "old");  // a directory further up: not watched
  fs::rename(w.root / "z", w.root / "x");
  CHECK(w.hears());
  CHECK(w.stays_silent());
}

TEST_CASE("changes between reading and watching are told, once") {
  Watched w;
  fs::create_directories(w.root / "v1");
  fs::create_directories(w.root / "v2");
  fs::create_directories(w.root / "conf.d");
  fs::create_symlink("v1", w.root / "current");
  for (const char* name : {"weir.toml", "v1/map", "v2/map", "conf.d/a.toml", "aside"}) {
    write_file(w.root / name, "1");
  }
  auto watch = [&](WallTime read_began) {
    w.watch({w.root / "weir.toml", w.root / "current/map"}, {w.root / "conf.d/*.toml"}, read_began);
  };
  WallTime read_began = w.later();
  bool is_change = true;
  SUBCASE("nothing") { is_change = false; }
  SUBCASE("something else") {
    is_change = false;
    write_file(w.root / "readme", "2");
  }
  SUBCASE("a file that went") { fs::remove(w.root / "weir.toml"); }
  SUBCASE("a match of a glob that went") { fs::remove(w.root / "conf.d/a.toml"); }
  SUBCASE("a file") { write_file(w.root / "weir.toml", "2"); }
  SUBCASE("an older file in its place") { fs::rename(w.root / "aside", w.root / "weir.toml"); }
  SUBCASE("behind a symlink") { write_file(w.root / "v1/map", "2"); }
  SUBCASE("a symlink on the way") {
    fs::create_symlink("v2", w.root / "next");
    fs::rename(w.root / "next", w.root / "current");
  }
  SUBCASE("a match of a glob") { write_file(w.root / "conf.d/a.toml", "2"); }
  SUBCASE("a new match of a glob") { fs::rename(w.root / "aside", w.root / "conf.d/b.toml"); }
  SUBCASE("a new match that is a symlink") {
    fs::create_symlink("../aside", w.root / "conf.d/b.toml");
  }
  watch(read_began);
  CHECK(w.changes == 0);
  if (!is_change) {
    CHECK(w.stays_silent());
    return;
  }
  CHECK(w.hears());
  watch(w.later());
  CHECK(w.stays_silent());
}

TEST_CASE("files from the future are told once, and again when they change") {
  Watched w;
  fs::path file = w.root / "weir.toml";
  auto write_in_future = [&](std::string_view text) {
    write_file(file, text);
    fs::last_write_time(file, fs::file_time_type::clock::now() + std::chrono::hours(1));
  };
  write_in_future("1");
  w.watch({file}, {}, TestLoop::clock().wall());
  CHECK(w.hears());
  w.hook = [&] { w.watcher->watch({file}, {}, TestLoop::clock().wall()); };
  w.watch({file}, {}, TestLoop::clock().wall());
  CHECK(w.stays_silent());
  w.watch({}, {});
  write_in_future("2");
  w.watch({file}, {}, TestLoop::clock().wall());
  CHECK(w.hears());
  CHECK(w.stays_silent());
}

TEST_CASE("watching something else, and odd paths") {
  Watched w;
  fs::create_symlink("loop", w.root / "loop");
  write_file(w.root / "[x]*.map", "1");
  w.watch({w.root / "loop/map", w.root / "./[x]*.map", "relative/file", w.root / "d/.."},
          {"", "/"});
  write_file(w.root / "[x]*.map", "2");
  CHECK(w.hears());
  w.watch({w.root / "next"}, {});
  write_file(w.root / "[x]*.map", "3");
  CHECK(w.stays_silent());
  write_file(w.root / "next", "1");
  CHECK(w.hears());
}

TEST_CASE("the watcher may be destroyed or changed by what it calls") {
  Watched w;
  w.watch({w.root / "map"}, {});
  SUBCASE("destroyed") {
    w.hook = [&] { w.watcher.reset(); };
  }
  SUBCASE("changed") {
    w.hook = [&] { w.watcher->watch({}, {w.root / "*.toml"}); };
  }
  write_file(w.root / "map", "1");
  CHECK(w.hears());
  write_file(w.root / "map", "2");
  CHECK(w.stays_silent());
}

// A file that is open and grows.
struct Writer {
  explicit Writer(const fs::path& path) : out(path) {}
  void write(std::string_view text) { out << text << std::flush; }
  std::ofstream out;
};

TEST_CASE("who writes in place is waited for, whoever else is ready; but not for ever") {
  Watched w({milliseconds(10), milliseconds(300), std::chrono::seconds(60)});
  write_file(w.root / "a.map", "1");
  write_file(w.root / "b.map", "1");
  w.watch({}, {w.root / "*.map"});
  TimePoint start = TestLoop::clock().now();
  auto waited = [&] { return TestLoop::clock().now() - start; };
  std::optional<Writer> writer(w.root / "a.map");
  writer->write("half");
  SUBCASE("it is told when the file is closed") {
    CHECK(w.stays_silent());
    writer.reset();
    CHECK(w.hears());
    CHECK(waited() < milliseconds(300));
  }
  SUBCASE("so is another file") {
    write_file(w.root / "b.map", "2");
    CHECK(w.stays_silent());
    writer.reset();
    CHECK(w.hears());
    CHECK(waited() < milliseconds(300));
  }
  SUBCASE("one that never closes is told after the longest wait") {
    CHECK(w.hears());
    CHECK(waited() >= milliseconds(300));
    CHECK(w.stays_silent());
    writer->write("more");
    CHECK(w.hears());
  }
}

TEST_CASE("a ConfigMap is swapped by its ..data link") {
  Watched w;
  for (const char* name : {"v1", "v2"}) {
    fs::create_directories(w.root / name);
    write_file(w.root / name / "a.map", name);
  }
  fs::create_symlink("v1", w.root / "..data");
  fs::create_symlink("..data/a.map", w.root / "a.map");
  w.watch({}, {w.root / "*.map"});
  CHECK(w.stays_silent());
  fs::create_symlink("v2", w.root / "..data_tmp");
  fs::rename(w.root / "..data_tmp", w.root / "..data");
  fs::remove_all(w.root / "v1");
  CHECK(w.hears());
  CHECK(w.stays_silent());
  write_file(w.root / "v2/a.map", "in place");
  CHECK(w.hears());
}

TEST_CASE("more events than the kernel queues are a change of everything") {
  Watched w;
  write_file(w.root / "map", "1");
  w.watch({w.root / "map"}, {});
  std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
  std::size_t most = 0;
  limit >> most;
  REQUIRE(most > 0);
  if (most > 100'000) return;  // it would take long
  // Names that do not matter fill the queue; what matters finds no place in it.
  for (std::size_t at = 0; at < most / 2 + 1; ++at) {
    write_file(w.root / ("other" + std::to_string(at % 2)), "x");
    fs::remove(w.root / ("other" + std::to_string(at % 2)));
  }
  write_file(w.root / "map", "2");
  CHECK(w.hears());
}

TEST_CASE("where the kernel watches no more the poll is left, which is said once") {
  std::vector<std::string> said;
  FileWatchOptions options{milliseconds(5), milliseconds(200), milliseconds(20)};
  options.on_poll_only = [&](std::string_view reason) { said.emplace_back(reason); };
  options.add_watch = [](int, const char*, std::uint32_t) {
    errno = ENOSPC;
    return -1;
  };
  Watched w(std::move(options));
  write_file(w.root / "map", "1");
  w.watch({w.root / "map"}, {});
  w.watch({w.root / "map"}, {});
  CHECK(said == std::vector<std::string>{"fs.inotify.max_user_watches is used up"});
  write_file(w.root / "map", "22");
  CHECK(w.hears());
  CHECK(w.stays_silent());
  // One that grows from look to look is given its time.
  Writer writer(w.root / "map");
  TimePoint start = TestLoop::clock().now();
  int before = w.changes;
  CHECK(w.loop.run_until([&] {
    writer.write("more");
    return w.changes > before;
  }));
  CHECK(TestLoop::clock().now() - start >= milliseconds(190));
}

TEST_CASE("files that a glob matches need no watch of their own") {
  CHECK(FileWatcher::without_matches({"/a/weir.toml", "/a/d/x.map", "/a/d/.x.map", "/a/d/e/x.map"},
                                     {"/a/d/*.map"}) ==
        std::vector<std::string>{"/a/weir.toml", "/a/d/.x.map", "/a/d/e/x.map"});
}

TEST_CASE("a directory on the way is not watched for its own sake") {
  std::vector<std::string> watched;
  plan_watches(
      {"/nonexistent-weir/a/b"}, {"/tmp/weir-*.none"},
      [&](const std::string& directory, const std::string& name, NameKind kind) {
        watched.push_back(directory + " " + name + (kind == NameKind::kPattern ? " pattern" : ""));
      });
  CHECK(watched == std::vector<std::string>{"/ nonexistent-weir", "/tmp weir-*.none pattern"});
}

}  // namespace
}  // namespace weir::net
