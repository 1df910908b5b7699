#pragma once
// A folder that goes away, FIFOs and the log of weir itself, for tests of what is written where.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "weir/base/log.h"

namespace weir::observe::test {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/weir-log-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string read(const std::string& name) const {
    std::ifstream file(*this / name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name) << text;
  }

 private:
  std::string path_;
};

// The reading end of a FIFO or a pipe; reads wait for what must come, and not for ever.
class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) { REQUIRE(fd >= 0); }
  ~Reader() { close(fd_); }
  static Reader of_fifo(const std::string& path) {
    mkfifo(path.c_str(), 0600);
    return Reader(open(path.c_str(), O_RDONLY | O_NONBLOCK));
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // The next line, without its end.
  std::string line() {
    for (;;) {
      std::size_t end = text_.find('\n');
      if (end != std::string::npos) {
        std::string found = text_.substr(0, end);
        text_.erase(0, end + 1);
        return found;
      }
      REQUIRE(receive(20'000));
    }
  }
  // Until a line has this in it.
  std::string line_with(const std::string& part) {
    for (;;) {
      std::string found = line();
      if (found.find(part) != std::string::npos) return found;
    }
  }
  // Waits until so many bytes of a line are there, and leaves them.
  void wait_for(std::size_t bytes) {
    while (text_.size() < bytes) REQUIRE(receive(20'000));
  }
  // The pipe holds a page and no more.
  void make_small() { REQUIRE(fcntl(fd_, F_SETPIPE_SZ, 4096) == 4096); }
  bool has_something() const {
    pollfd event{fd_, POLLIN, 0};
    return poll(&event, 1, 0) == 1 && (event.revents & POLLIN) != 0;
  }
  // Everything that is there now.
  std::string rest() {
    while (receive(0)) {
    }
    return std::exchange(text_, {});
  }

 private:
  bool receive(int timeout_ms) {
    pollfd event{fd_, POLLIN, 0};
    if (poll(&event, 1, timeout_ms) != 1) return false;
    char piece[16384];
    ssize_t count = ::read(fd_, piece, sizeof piece);
    if (count <= 0) return false;
    text_.append(piece, static_cast<std::size_t>(count));
    return true;
  }
  int fd_;
  std::string text_;
};

// weir's own log, and what it says.
class OwnLog {
 public:
  OwnLog() : ends_(make()), log(LogLevel::kDebug, ends_.second, clock), lines(ends_.first) {}
  ~OwnLog() { close(ends_.second); }

 private:
  static std::pair<int, int> make() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    return {ends[0], ends[1]};
  }
  std::pair<int, int> ends_;

 public:
  SystemClock clock;
  Log log;
  Reader lines;
};

}  // namespace weir::observe::test
