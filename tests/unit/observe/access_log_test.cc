#include "weir/observe/access_log.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "log_fixture.h"
#include "record_fixture.h"

namespace weir::observe::test {

namespace {

using std::chrono::milliseconds;

std::uint64_t count_lines(const std::string& text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

struct Logged {
  std::shared_ptr<AccessLog> open(const std::string& path, std::size_t ring_bytes = 1 << 20,
                                  Duration tick = milliseconds(1)) {
    AccessLogOptions options;
    options.path = path;
    options.workers = 2;
    options.ring_bytes = ring_bytes;
    options.tick = tick;
    options.flush_time = flush_time;
    Result<std::shared_ptr<AccessLog>> log = AccessLog::open(options, own.clock, own.log, dropped);
    REQUIRE(log.ok());
    return log.value();
  }
  RequestRecord record(const std::string& id) {
    RequestRecord made = proxied();
    id_ = id;
    made.request_id = id_;
    return made;
  }

  Folder folder;
  OwnLog own;
  DroppedLines dropped = std::make_shared<std::atomic<std::uint64_t>>();
  Duration flush_time = std::chrono::seconds(10);

 private:
  std::string id_;
};

}  // namespace

TEST_CASE("lines of all workers reach the file, at the latest when the log ends") {
  Logged logged;
  {
    auto log = logged.open(logged.folder / "a.log");
    for (int i = 0; i < 1000; ++i)
      for (unsigned worker : {0u, 1u}) CHECK(log->write(worker, logged.record("id")));
  }
  std::string text = logged.folder.read("a.log");
  CHECK(count_lines(text) == 2000);
  CHECK(text.starts_with("time=2026-11-20T06:25:33.123Z level=info msg=request "));
  CHECK(*logged.dropped == 0);
}

TEST_CASE("a line wakes the thread, wherever it is in falling asleep") {
  Logged logged;
  Reader reader = Reader::of_fifo(logged.folder / "fifo");
  auto log = logged.open(logged.folder / "fifo", 1 << 20, Duration::zero());
  for (int i = 0; i < 3000; ++i) {
    std::string id = "id" + std::to_string(i);
    REQUIRE(log->write(0, logged.record(id)));
    REQUIRE(reader.line().find("request_id=" + id + " ") != std::string::npos);
  }
}

TEST_CASE("a ring half full wakes the thread before its time") {
  Logged logged;
  Reader reader = Reader::of_fifo(logged.folder / "fifo");
  auto log = logged.open(logged.folder / "fifo", 16384, std::chrono::hours(1));
  // More than the ring holds: who finds it full waits for what the thread was woken to write.
  for (int i = 0; i < 500; ++i)
    while (!log->write(0, logged.record("id"))) reader.line();
}

TEST_CASE("a stalled reader: lines are dropped and counted, and nothing waits") {
  Logged logged;
  logged.flush_time = milliseconds(1);
  Reader reader = Reader::of_fifo(logged.folder / "fifo");
  reader.make_small();
  std::uint64_t refused = 0;
  std::uint64_t written = 0;
  {
    auto log = logged.open(logged.folder / "fifo", 16384);
    // From its first line on the pipe takes less than the ring holds.
    while (!reader.has_something() || refused == 0) {
      bool is_taken = log->write(0, logged.record("id"));
      ++(is_taken ? written : refused);
      if (!reader.has_something()) refused = 0;
    }
    CHECK(refused > 0);
    std::string said = logged.own.lines.line_with("reader is too slow");
    CHECK(said.find("level=warn") != std::string::npos);
    CHECK(said.find("dropped=") != std::string::npos);
  }
  std::string read = reader.rest();
  CHECK(read.ends_with(" proto=HTTP/1.1\n"));
  CHECK(count_lines(read) + *logged.dropped == written);
  CHECK(*logged.dropped > 0);
  logged.own.lines.line_with("were not written at the end");
}

TEST_CASE("when the reader reads again everything that waited comes, in order and whole") {
  Logged logged;
  Reader reader = Reader::of_fifo(logged.folder / "fifo");
  auto log = logged.open(logged.folder / "fifo", 1 << 17);
  int written = 0;
  while (log->write(0, logged.record("id" + std::to_string(written)))) ++written;
  logged.own.lines.line_with("reader is too slow");
  for (int i = 0; i < written; ++i)
    REQUIRE(reader.line().find("request_id=id" + std::to_string(i) + " ") != std::string::npos);
  logged.own.lines.line_with("is written again");
}

TEST_CASE("a full disk is said once, with its reason, and ends the flush at once") {
  Logged logged;
  logged.flush_time = std::chrono::hours(1);
  {
    auto log = logged.open("/dev/full");
    log->write(0, logged.record("id"));
    std::string said = logged.own.lines.line_with("cannot be written");
    CHECK(said.find("level=error") != std::string::npos);
    CHECK(said.find("error=\"No space left on device\"") != std::string::npos);
    log->write(0, logged.record("id"));
  }
  CHECK(*logged.dropped == 2);
  CHECK(logged.own.lines.rest().find("cannot be written") == std::string::npos);
}

TEST_CASE("reopened, lines go on in a new file; those before stand in the old one") {
  Logged logged;
  auto log = logged.open(logged.folder / "a.log");
  for (int i = 0; i < 100; ++i) log->write(1, logged.record("old"));
  std::filesystem::rename(logged.folder / "a.log", logged.folder / "a.log.1");
  log->reopen();
  logged.own.lines.line_with("msg=\"access log reopened\" file=");
  for (int i = 0; i < 10; ++i) log->write(1, logged.record("new"));
  log.reset();
  std::string old_text = logged.folder.read("a.log.1");
  std::string new_text = logged.folder.read("a.log");
  CHECK(count_lines(old_text) == 100);
  CHECK(count_lines(new_text) == 10);
  CHECK(old_text.find("request_id=new") == std::string::npos);
  CHECK(new_text.find("request_id=old") == std::string::npos);
}

TEST_CASE("a file that cannot be reopened is kept, and that is said") {
  Logged logged;
  std::filesystem::create_directory(logged.folder / "log");
  auto log = logged.open(logged.folder / "log/a.log");
  std::filesystem::rename(logged.folder / "log", logged.folder / "gone");
  log->reopen();
  std::string said = logged.own.lines.line_with("stays as it is");
  CHECK(said.find("level=error") != std::string::npos);
  CHECK(said.find("No such file or directory") != std::string::npos);
  log->write(0, logged.record("id"));
  log.reset();
  CHECK(count_lines(logged.folder.read("gone/a.log")) == 1);
}

TEST_CASE("of a line that a full disk took in part, the rest comes first or not at all") {
  Logged logged;
  // A pipe takes a long line in part, as a disk does that gets full.
  Reader reader = Reader::of_fifo(logged.folder / "fifo");
  auto log = logged.open(logged.folder / "fifo");
  std::string path(200'000, 'p');
  RequestRecord record = logged.record("long");
  record.path = path;
  REQUIRE(log->write(0, record));
  REQUIRE(log->write(0, logged.record("next")));
  // Under the same name there is another file now: it gets no half line.
  std::filesystem::remove(logged.folder / "fifo");
  reader.wait_for(1000);
  log->reopen();
  logged.own.lines.line_with("access log reopened");
  log.reset();
  std::string text = logged.folder.read("fifo");
  CHECK(count_lines(text) == 1);
  CHECK(text.starts_with("time="));
  CHECK(text.find("request_id=next") != std::string::npos);
  CHECK(*logged.dropped == 1);
}

TEST_CASE("a line that is larger than any file takes at once is dropped") {
  Logged logged;
  auto log = logged.open(logged.folder / "a.log");
  std::string path(300'000, 'p');
  RequestRecord record = logged.record("long");
  record.path = path;
  CHECK_FALSE(log->write(0, record));
  CHECK(log->write(0, logged.record("next")));
  log.reset();
  CHECK(count_lines(logged.folder.read("a.log")) == 1);
}

}  // namespace weir::observe::test
