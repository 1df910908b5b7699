#include "src/observe/log_file.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "log_fixture.h"

namespace weir::observe::test {

namespace {

LogFile opened(const std::string& path) {
  Result<LogFile> file = LogFile::open(path);
  REQUIRE(file.ok());
  return std::move(file).value();
}

// Makes `fd` the process's stdout for a while.
class Stdout {
 public:
  explicit Stdout(int fd) : before_(dup(STDOUT_FILENO)) { dup2(fd, STDOUT_FILENO); }
  ~Stdout() {
    dup2(before_, STDOUT_FILENO);
    close(before_);
  }

 private:
  int before_;
};

}  // namespace

TEST_CASE("a log file is created for its owner and group, and appended to") {
  Folder folder;
  mode_t mask = umask(0);
  opened(folder / "a.log").write("one\n");
  umask(mask);
  CHECK(opened(folder / "a.log").write("two\n") == 4);
  CHECK(folder.read("a.log") == "one\ntwo\n");
  CHECK(std::filesystem::status(folder / "a.log").permissions() ==
        std::filesystem::perms{std::filesystem::perms(0640)});
}

TEST_CASE("half a line that somebody left is ended before the next one begins") {
  Folder folder;
  folder.write("a.log", "whole\nhal");
  LogFile file = opened(folder / "a.log");
  file.write("one\n");
  file.write("two\n");
  CHECK(folder.read("a.log") == "whole\nhal\none\ntwo\n");
}

TEST_CASE("the half line is ended where it is when the first line is written") {
  Folder folder;
  folder.write("a.log", "whole\n");
  LogFile file = opened(folder / "a.log");
  folder.write("a.log", "hal");
  file.write("one\n");
  CHECK(folder.read("a.log") == "hal\none\n");
}

TEST_CASE("whoever opens a file that another one writes to adds no empty line") {
  Folder folder;
  std::atomic<bool> is_over{false};
  LogFile before = opened(folder / "a.log");
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += std::string(99, 'x') + "\n";
  std::thread old_log([&] {
    while (!is_over) {
      before.write(lines);
      if (std::filesystem::file_size(folder / "a.log") > 64'000'000) break;
    }
  });
  for (int i = 0; i < 300; ++i) opened(folder / "a.log").write("new\n");
  is_over = true;
  old_log.join();
  std::string text = folder.read("a.log");
  CHECK(text.find("\n\n") == std::string::npos);
  CHECK(text.find("xnew") == std::string::npos);
}

TEST_CASE("a file that cannot be opened says which and why") {
  Folder folder;
  Result<LogFile> missing = LogFile::open(folder / "no/a.log");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message ==
        "cannot open the access log " + (folder / "no/a.log") + ": No such file or directory");
  CHECK_FALSE(LogFile::open(folder / "").ok());
}

TEST_CASE("a full FIFO is told and not waited for; what was taken is whole lines") {
  Folder folder;
  Reader reader = Reader::of_fifo(folder / "fifo");
  LogFile file = opened(folder / "fifo");
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += std::string(99, 'x') + "\n";
  ssize_t taken = 0;
  for (ssize_t count = 0; count >= 0; count = file.write(lines)) taken += count;
  CHECK(file.write(lines) == -EAGAIN);
  CHECK(taken % 100 == 0);
  CHECK(taken > 40'000);
  std::string read = reader.rest();
  CHECK(read.size() == static_cast<std::size_t>(taken));
  CHECK(read.ends_with("x\n"));
  std::string long_line = std::string(10'000, 'y') + "\n";
  CHECK(file.write(long_line) == 10'001);
}

TEST_CASE("a FIFO without a reader takes lines for the one that comes") {
  Folder folder;
  { Reader nobody = Reader::of_fifo(folder / "fifo"); }
  LogFile file = opened(folder / "fifo");
  CHECK(file.write("one\n") == 4);
  Reader reader = Reader::of_fifo(folder / "fifo");
  CHECK(reader.line() == "one");
}

TEST_CASE("a full disk is an error and no line") {
  CHECK(opened("/dev/full").write("one\n") == -ENOSPC);
}

TEST_CASE("stdout as a pipe: not waited for, and its other users keep their flags") {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  Reader reader(ends[0]);
  Stdout redirected(ends[1]);
  LogFile file = opened("");
  std::string lines;
  for (int i = 0; i < 40; ++i) lines += std::string(99, 'x') + "\n";
  while (file.write(lines) > 0) {
  }
  CHECK(file.write(lines) == -EAGAIN);
  CHECK((fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0);
  CHECK(reader.rest().size() % 100 == 0);
  close(ends[1]);
}

TEST_CASE("stdout as a socket, as systemd has it") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Reader reader(ends[0]);
  Stdout redirected(ends[1]);
  LogFile file = opened("");
  CHECK(file.write("one\n") == 4);
  CHECK(reader.line() == "one");
  std::string lines = std::string(4000, 'x') + "\n";
  while (file.write(lines) > 0) {
  }
  CHECK(file.write(lines) == -EAGAIN);
  CHECK((fcntl(ends[1], F_GETFL) & O_NONBLOCK) == 0);
  close(ends[1]);
}

}  // namespace weir::observe::test
