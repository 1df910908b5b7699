#pragma once
// Log lines to a descriptor, whole and never waiting: a line that the reader does not take at once
// is dropped. Any thread; a regular file is the one thing that may take its time.
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace weir {

class LineSink {
 public:
  // Writes to a descriptor of its own that leads where `fd` leads.
  explicit LineSink(int fd);
  ~LineSink();
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;

  // Any thread. False: the line was dropped.
  bool write_line(std::string_view line);

 private:
  std::size_t put(std::string_view bytes);
  std::mutex mutex_;
  int fd_;
  bool is_socket_ = false;
  bool owns_fd_ = false;
  std::string rest_;  // of a line that was taken in part; goes out before any other
};

}  // namespace weir
