#include "weir/base/log.h"

#include <cstdio>
#include <ctime>

#include "weir/base/json_text.h"

namespace weir {
namespace {

constexpr std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "?";
}

bool is_plain(char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '='; }

bool needs_quotes(std::string_view value) {
  for (char c : value) {
    if (!is_plain(c)) return true;
  }
  return value.empty();
}

void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += {'\\', c};
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (byte < 0x20 || byte >= 0x7f) {
    out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  } else {
    out += c;
  }
}

}  // namespace

void append_logfmt(std::string& out, std::string_view key, std::string_view value) {
  if (!out.empty()) out += ' ';
  out += key;
  out += '=';
  if (!needs_quotes(value)) {
    out += value;
    return;
  }
  out += '"';
  for (char c : value) append_escaped(out, c);
  out += '"';
}

void append_rfc3339(std::string& out, WallTime time) {
  auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  std::time_t since_epoch = seconds.count();
  std::tm parts{};
  gmtime_r(&since_epoch, &parts);
  char text[80];
  int length =
      std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                    parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                    static_cast<int>((milliseconds - seconds).count()));
  out.append(text, static_cast<std::size_t>(length));
}

namespace {

// The two notations of a name and its text.
void append_field(std::string& line, LogFormat format, std::string_view key,
                  std::string_view value) {
  if (format == LogFormat::kLogfmt) return append_logfmt(line, key, value);
  line += line.empty() ? "{\"" : ",\"";
  line += key;
  line += "\":\"";
  append_json_text(line, value);
  line += '"';
}

}  // namespace

void Log::write(LogLevel level, std::string_view msg, std::initializer_list<LogField> fields) {
  if (!is_enabled(level)) return;
  LogFormat format = format_.load(std::memory_order_relaxed);
  std::string time;
  append_rfc3339(time, clock_.wall());
  std::string line;
  append_field(line, format, "time", time);
  append_field(line, format, "level", name_of(level));
  append_field(line, format, "msg", msg);
  for (const LogField& field : fields) append_field(line, format, field.key, field.value);
  line += format == LogFormat::kJson ? "}\n" : "\n";
  // What a full pipe does not take is lost: the log never holds up the process.
  static_cast<void>(sink_.write_line(line));
}

}  // namespace weir
