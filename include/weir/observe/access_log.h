#pragma once
// The access log: one line per finished request (CONTRACT §6). Workers format a line and put it
// into a ring of their own; a thread of the log's takes the lines of all rings in large pieces and
// writes them to a file or to stdout. No worker ever waits: when its ring is full, because the
// reader or the disk does not keep up, the line is dropped and counted.
//
// The thread looks every 50 ms while there are lines, earlier when a ring is half full. After a
// second without lines it sleeps until the next one wakes it. Lines are written whole: the rest of
// one that was taken in part goes out before any other.
//
// Immutable but for reopen(); a reload that changes the log makes another one and ends this one
// when the last worker has let go. Owned by the versions of the configuration that share it.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "weir/base/log.h"
#include "weir/base/result.h"
#include "weir/base/time.h"
#include "weir/observe/request_record.h"

namespace weir::observe {

// Lines that the thread itself gave up, of all logs that the process had, which share it; any
// thread reads.
using DroppedLines = std::shared_ptr<std::atomic<std::uint64_t>>;

struct AccessLogOptions {
  std::string path;  // empty: stdout
  AccessFormat format = AccessFormat::kLogfmt;
  unsigned workers = 1;
  std::size_t ring_bytes = 1 << 20;               // per worker
  Duration tick = std::chrono::milliseconds(50);  // how often the thread looks
  Duration flush_time = std::chrono::seconds(1);  // what a stalled reader has at the end
};

class AccessLog {
 public:
  // Opens the file (created with mode 0640) and starts the thread. `clock` and `log` outlive it.
  // Errors: "cannot open the access log PATH: why".
  static Result<std::shared_ptr<AccessLog>> open(AccessLogOptions options, const Clock& clock,
                                                 Log& log, DroppedLines dropped);
  // Writes what is there, within flush_time; the rest is counted as dropped. May take that long.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // That worker's thread. Never waits. False: the line was dropped; the caller counts it.
  bool write(unsigned worker, const RequestRecord& record);
  // Any thread. Lines written from soon on go to a file newly opened under the same path, for
  // logrotate; when that fails, to the old one, and weir's own log says why. Nothing for stdout.
  void reopen();
  const AccessLogOptions& options() const;

 private:
  class Writer;
  explicit AccessLog(std::unique_ptr<Writer> writer);
  std::unique_ptr<Writer> writer_;
};

}  // namespace weir::observe
