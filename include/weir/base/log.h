#pragma once
// weir's own log: one line per event to stderr, logfmt or JSON, written whole, so that lines of
// several threads never mix; a reader that does not keep up loses lines and delays nobody. Values
// are escaped. Any thread. Not for requests (see observe/).
#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>

#include "weir/base/line_sink.h"
#include "weir/base/time.h"

namespace weir {

enum class LogLevel { kError, kWarn, kInfo, kDebug };
enum class LogFormat { kLogfmt, kJson };

struct LogField {
  std::string_view key;
  std::string value;
};

class Log {
 public:
  // Writes to descriptor `fd` (2 in weir run); `clock` outlives the log.
  Log(LogLevel level, int fd, const Clock& clock) : level_(level), sink_(fd), clock_(clock) {}

  bool is_enabled(LogLevel level) const { return level <= level_.load(std::memory_order_relaxed); }
  void error(std::string_view msg, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kError, msg, fields);
  }
  void warn(std::string_view msg, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kWarn, msg, fields);
  }
  void info(std::string_view msg, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kInfo, msg, fields);
  }
  void debug(std::string_view msg, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kDebug, msg, fields);
  }
  // Any thread; others see it with their next lines.
  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
  void set_format(LogFormat format) { format_.store(format, std::memory_order_relaxed); }

 private:
  void write(LogLevel level, std::string_view msg, std::initializer_list<LogField> fields);
  std::atomic<LogLevel> level_;
  std::atomic<LogFormat> format_{LogFormat::kLogfmt};
  LineSink sink_;
  const Clock& clock_;
};

// Appends `key=value` with a leading space unless `out` is empty; quotes and escapes the value
// where logfmt needs it (spaces, quotes, control bytes, non-ASCII, empty).
void append_logfmt(std::string& out, std::string_view key, std::string_view value);
// RFC 3339 with milliseconds, UTC: 2026-11-20T06:25:33.123Z
void append_rfc3339(std::string& out, WallTime time);

}  // namespace weir
