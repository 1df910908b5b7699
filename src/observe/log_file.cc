#include "log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <map>
#include <utility>

namespace weir::observe {
namespace {

constexpr mode_t kMode = 0640;

std::string path_of(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

int open_path(const std::string& path) {
  constexpr int kFlags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  int fd = ::open(path.c_str(), O_WRONLY | kFlags, kMode);
  // A FIFO that nobody reads yet: as its own reader we may wait for the real one.
  if (fd < 0 && errno == ENXIO) fd = ::open(path.c_str(), O_RDWR | kFlags, kMode);
  return fd;
}

// The end of a process, or of a machine, may have left half a line.
bool ends_within_line(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0 || info.st_size == 0) return false;
  int reader = ::open(path_of(fd).c_str(), O_RDONLY | O_CLOEXEC);
  if (reader < 0) return false;
  char last = '\n';
  bool is_read = pread(reader, &last, 1, info.st_size - 1) == 1;
  close(reader);
  return is_read && last != '\n';
}

// The mutex that everybody in this process gets for that file.
std::shared_ptr<std::mutex> mutex_of(const struct stat& info) {
  static std::mutex guard;
  static std::map<std::pair<dev_t, ino_t>, std::weak_ptr<std::mutex>> all;
  std::lock_guard lock(guard);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<std::mutex>& known = all[{info.st_dev, info.st_ino}];
  std::shared_ptr<std::mutex> mutex = known.lock();
  if (mutex == nullptr) known = mutex = std::make_shared<std::mutex>();
  return mutex;
}

}  // namespace

Result<LogFile> LogFile::open(const std::string& path) {
  LogFile file;
  file.fd_ = path.empty() ? STDOUT_FILENO : open_path(path);
  if (file.fd_ < 0) {
    char buffer[128];
    return Err{Error{"cannot open the access log " + path + ": " +
                     strerror_r(errno, buffer, sizeof buffer)}};
  }
  file.owns_fd_ = !path.empty();
  file.look(file.owns_fd_);
  return file;
}

void LogFile::look(bool is_own) {
  struct stat info {};
  if (fstat(fd_, &info) != 0) return;
  is_socket_ = S_ISSOCK(info.st_mode);
  is_disk_ = S_ISREG(info.st_mode);
  if (is_disk_) writing_ = mutex_of(info);
  shall_look_ = is_disk_ && is_own;
  if (is_own || is_socket_ || is_disk_) return;
  // Non-blocking through an open file of our own: the flag of a shared one would hit its other
  // users. Where that is not allowed (another user's pipe), poll() says before each write.
  int own = ::open(path_of(fd_).c_str(), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  may_wait_ = own < 0;
  if (own < 0) return;
  fd_ = own;
  owns_fd_ = true;
}

LogFile::LogFile(LogFile&& other) noexcept { *this = std::move(other); }

LogFile& LogFile::operator=(LogFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(owns_fd_, other.owns_fd_);
  std::swap(is_socket_, other.is_socket_);
  std::swap(is_disk_, other.is_disk_);
  std::swap(may_wait_, other.may_wait_);
  std::swap(shall_look_, other.shall_look_);
  std::swap(writing_, other.writing_);
  return *this;
}

LogFile::~LogFile() {
  if (owns_fd_) close(fd_);
}

bool LogFile::is_same_file(const LogFile& other) const {
  struct stat left {};
  struct stat right {};
  return fstat(fd_, &left) == 0 && fstat(other.fd_, &right) == 0 && left.st_dev == right.st_dev &&
         left.st_ino == right.st_ino;
}

// Of a pipe or a socket only as many whole lines as the kernel takes at once or not at all, so that
// others who write there (weir's own log, a second weir) never stand within a line.
std::string_view LogFile::piece_of(std::string_view lines) const {
  if (lines.size() <= PIPE_BUF) return lines;
  std::size_t last = lines.rfind('\n', PIPE_BUF - 1);
  if (last != std::string_view::npos) return lines.substr(0, last + 1);
  std::size_t line = lines.find('\n') + 1;
  return lines.substr(0, may_wait_ ? PIPE_BUF : line);
}

ssize_t LogFile::write_to_disk(std::string_view lines) {
  std::lock_guard lock(*writing_);
  if (shall_look_ && ends_within_line(fd_) && ::write(fd_, "\n", 1) != 1) return -errno;
  shall_look_ = false;
  ssize_t taken = ::write(fd_, lines.data(), lines.size());
  if (taken >= 0) return taken;
  return errno == EINTR ? 0 : -errno;
}

ssize_t LogFile::write(std::string_view lines) {
  if (is_disk_) return write_to_disk(lines);
  if (may_wait_) {
    pollfd ready{fd_, POLLOUT, 0};
    if (poll(&ready, 1, 0) == 0) return -EAGAIN;
  }
  std::string_view piece = piece_of(lines);
  ssize_t taken = is_socket_ ? send(fd_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                             : ::write(fd_, piece.data(), piece.size());
  if (taken >= 0) return taken;
  return errno == EINTR ? 0 : -errno;
}

}  // namespace weir::observe
