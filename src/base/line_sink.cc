#include "weir/base/line_sink.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {

LineSink::LineSink(int fd) : fd_(fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return;
  is_socket_ = S_ISSOCK(info.st_mode);
  // Non-blocking through an open file of our own: the flag of a shared one would hit its other
  // users. A regular file never blocks, and a second open would have an offset of its own.
  if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode)) return;
  std::string path = "/proc/self/fd/" + std::to_string(fd);
  int own = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (own < 0) return;
  fd_ = own;
  owns_fd_ = true;
}

LineSink::~LineSink() {
  if (owns_fd_) close(fd_);
}

std::size_t LineSink::put(std::string_view bytes) {
  ssize_t taken = is_socket_ ? send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                             : write(fd_, bytes.data(), bytes.size());
  return taken < 0 ? 0 : static_cast<std::size_t>(taken);
}

bool LineSink::write_line(std::string_view line) {
  std::lock_guard lock(mutex_);
  if (!rest_.empty()) {
    rest_.erase(0, put(rest_));
    if (!rest_.empty()) return false;
  }
  std::size_t taken = put(line);
  if (taken == 0) return false;
  rest_ = line.substr(taken);
  return true;
}

}  // namespace weir
