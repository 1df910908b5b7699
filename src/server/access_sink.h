#pragma once
// Access log lines to the standard output, whole and never waiting: a line that the reader does not
// take at once is dropped and counted. Shared by all workers.
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::server {

class AccessSink {
 public:
  // Writes to a descriptor of its own that leads where `fd` leads.
  explicit AccessSink(int fd);
  ~AccessSink();
  AccessSink(const AccessSink&) = delete;
  AccessSink& operator=(const AccessSink&) = delete;

  // Any thread. False: the line was dropped.
  bool write_line(std::string_view line);

 private:
  std::string_view::size_type put(std::string_view bytes);
  std::mutex mutex_;
  int fd_;
  bool is_socket_ = false;
  bool owns_fd_ = false;
  std::string rest_;  // of a line that was taken in part; goes out before any other
};

}  // namespace weir::server
