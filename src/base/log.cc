#include "weir/base/log.h"

#include <cstdio>
#include <ctime>

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

void Log::write(LogLevel level, std::string_view msg, std::initializer_list<LogField> fields) {
  if (!is_enabled(level)) return;
  std::string line = "time=";
  append_rfc3339(line, clock_.wall());
  append_logfmt(line, "level", name_of(level));
  append_logfmt(line, "msg", msg);
  for (const LogField& field : fields) append_logfmt(line, field.key, field.value);
  line += '\n';
  // What a full pipe does not take is lost: the log never holds up the process.
  static_cast<void>(sink_.write_line(line));
}

}  // namespace weir
