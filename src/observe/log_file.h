#pragma once
// Where the access log's lines go: a file, a FIFO, or what stdout leads to. Writes never wait for a
// reader, only for a disk. The log's thread only, but for open(). Several may write to one file: a
// reload that changes the format opens it anew while the log before still flushes.
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::observe {

class LogFile {
 public:
  // `path` empty: stdout. Creates with mode 0640, appends.
  static Result<LogFile> open(const std::string& path);
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&& other) noexcept;
  ~LogFile();

  // Hands over bytes from the front of `lines`, which is not empty; returns how many were taken,
  // or the negative errno. -EAGAIN: the reader does not keep up, fd() tells when it does again.
  ssize_t write(std::string_view lines);
  int fd() const { return fd_; }
  bool is_same_file(const LogFile& other) const;
  // The file ends in the middle of a line that is known and goes on.
  void go_on() { shall_look_ = false; }

 private:
  LogFile() = default;
  void look(bool is_own);
  ssize_t write_to_disk(std::string_view lines);
  std::string_view piece_of(std::string_view lines) const;

  int fd_ = -1;
  bool owns_fd_ = false;
  bool is_socket_ = false;
  bool is_disk_ = false;     // takes any number of bytes at once, and always
  bool may_wait_ = false;    // shared with others and not non-blocking: ask before writing
  bool shall_look_ = false;  // before the first write: someone may have left half a line
  // One for all that this process has open on a disk's file, held during each write. The kernel
  // shows a file's growing size in the midst of a write; nobody may take that for half a line.
  std::shared_ptr<std::mutex> writing_;
};

}  // namespace weir::observe
