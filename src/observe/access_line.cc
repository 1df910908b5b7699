#include "access_line.h"

#include <chrono>

#include "line_text.h"

namespace weir::observe {
namespace {

// nginx's status for a client that closed before there was an answer.
constexpr int kClientGoneStatus = 499;
// All names, numbers and constants of a line together.
constexpr std::size_t kFixedBytes = 1024;

int shown_status(const RequestRecord& record) {
  bool is_gone = record.status == 0 && record.failure == Failure::client_gone;
  return is_gone ? kClientGoneStatus : record.status;
}

std::size_t text_bytes(const RequestRecord& record) {
  return record.listener.size() + record.method.size() + record.scheme.size() +
         record.host.size() + record.path.size() + record.route.size() + record.pool.size() +
         record.backend.size() + record.request_id.size() + record.user_agent.size() +
         record.referer.size();
}

// Three digits, or "-" for none, as Apache writes it.
char* append_apache_status(char* to, int status) {
  if (status > 0) return append_digits<3>(to, static_cast<unsigned>(status));
  *to++ = '-';
  return to;
}

bool has_proto(const RequestRecord& record) {
  return !record.method.empty() && record.minor_version >= 0;
}

char* append_proto(char* to, const RequestRecord& record) {
  return record.minor_version == 0 ? append(to, "HTTP/1.0") : append(to, "HTTP/1.1");
}

char* append_client(char* to, const IpAddress& client) {
  if (!client.is_unspecified()) return to + client.format_ip(to);
  *to++ = '-';
  return to;
}

char* append_apache_quoted(char* to, std::string_view value) {
  *to++ = '"';
  to = value.empty() ? append(to, "-") : append_apache_text(to, value);
  *to++ = '"';
  return to;
}

constexpr char kMonths[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// 2026-11-20T06:25:33. or [20/Nov/2026:06:25:33
char* append_second(char* to, std::int64_t seconds, AccessFormat format) {
  std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  auto since_midnight = static_cast<unsigned>((time - day).count());
  auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  auto month = static_cast<unsigned>(date.month());
  auto day_of_month = static_cast<unsigned>(date.day());
  bool is_apache = format == AccessFormat::kCombined;
  if (is_apache) {
    *to++ = '[';
    to = append_digits<2>(to, day_of_month);
    *to++ = '/';
    to = append_bytes(to, kMonths[month - 1]);
    *to++ = '/';
    to = append_digits<4>(to, year);
    *to++ = ':';
  } else {
    to = append_digits<4>(to, year);
    *to++ = '-';
    to = append_digits<2>(to, month);
    *to++ = '-';
    to = append_digits<2>(to, day_of_month);
    *to++ = 'T';
  }
  to = append_digits<2>(to, since_midnight / 3600);
  *to++ = ':';
  to = append_digits<2>(to, since_midnight / 60 % 60);
  *to++ = ':';
  to = append_digits<2>(to, since_midnight % 60);
  *to++ = is_apache ? ' ' : '.';
  return to;
}

// The two notations of a name and its value. A name is a constant, so that it costs no loop.
struct Logfmt {
  template <std::size_t kSize>
  [[gnu::always_inline]] static char* name(char* to, const char (&name)[kSize]) {
    *to++ = ' ';
    to = append(to, name);
    *to++ = '=';
    return to;
  }
  static char* text(char* to, std::string_view value) { return append_logfmt_value(to, value); }
  // Of a value that holds nothing but letters, digits, dots, colons and slashes.
  static char* quote(char* to) { return to; }
};
struct Json {
  template <std::size_t kSize>
  [[gnu::always_inline]] static char* name(char* to, const char (&name)[kSize]) {
    to = append(to, ",\"");
    to = append(to, name);
    return append(to, "\":");
  }
  static char* text(char* to, std::string_view value) {
    *to++ = '"';
    to = append_json_text(to, value);
    *to++ = '"';
    return to;
  }
  static char* quote(char* to) {
    *to++ = '"';
    return to;
  }
};

template <typename Style, std::size_t kSize>
[[gnu::always_inline]] inline char* append_text(char* to, const char (&name)[kSize],
                                                std::string_view value) {
  return value.empty() ? to : Style::text(Style::name(to, name), value);
}

// A value that is a name of ours, which needs no look at its bytes.
template <typename Style, std::size_t kSize>
[[gnu::always_inline]] inline char* append_name(char* to, const char (&name)[kSize],
                                                std::string_view value) {
  if (value.empty()) return to;
  to = Style::quote(Style::name(to, name));
  return Style::quote(append_bytes(to, value));
}

template <typename Style>
char* append_backend(char* to, const RequestRecord& record) {
  to = append_text<Style>(to, "route", record.route);
  to = append_text<Style>(to, "pool", record.pool);
  to = append_text<Style>(to, "backend", record.backend);
  to = append_number(Style::name(to, "tries"), record.tries);
  if (record.tries == 0) return to;
  to = Style::name(to, "reused");
  return record.is_reused ? append(to, "true") : append(to, "false");
}

template <typename Style>
char* append_failure(char* to, const RequestRecord& record) {
  if (!record.failure) return to;
  const FailureRow& row = row_of(*record.failure);
  to = append_name<Style>(to, "side", name_of(row.side));
  to = append_name<Style>(to, "phase", name_of(record.phase));
  return append_name<Style>(to, "reason", row.name);
}

// Everything behind `msg`.
template <typename Style>
char* append_fields(char* to, const RequestRecord& record) {
  to = append_name<Style>(to, "listener", record.listener);
  if (!record.client.is_unspecified()) {
    to = Style::quote(Style::name(to, "client"));
    to = Style::quote(append_client(to, record.client));
  }
  to = append_text<Style>(to, "method", record.method);
  to = append_name<Style>(to, "scheme", record.scheme);
  to = append_text<Style>(to, "host", record.host);
  to = append_text<Style>(to, "path", record.path);
  to = append_number(Style::name(to, "status"), shown_status(record));
  to = append_number(Style::name(to, "bytes_in"), record.bytes_in);
  to = append_number(Style::name(to, "bytes_out"), record.bytes_out);
  to = append_seconds(Style::name(to, "duration"), record.duration);
  if (record.hold) to = append_seconds(Style::name(to, "hold"), *record.hold);
  if (record.connect) to = append_seconds(Style::name(to, "connect"), *record.connect);
  if (record.response_head)
    to = append_seconds(Style::name(to, "response_head"), *record.response_head);
  to = append_backend<Style>(to, record);
  to = append_failure<Style>(to, record);
  to = append_text<Style>(to, "request_id", record.request_id);
  to = append_text<Style>(to, "user_agent", record.user_agent);
  to = append_text<Style>(to, "referer", record.referer);
  if (!has_proto(record)) return to;
  to = Style::quote(Style::name(to, "proto"));
  return Style::quote(append_proto(to, record));
}

unsigned milliseconds_of(WallTime time) {
  auto since = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch();
  return static_cast<unsigned>((since - std::chrono::floor<std::chrono::seconds>(since)).count());
}

}  // namespace

std::size_t AccessLine::longest(const RequestRecord& record) {
  return kFixedBytes + text_bytes(record) * kMaxEscapedBytes + kSlackBytes;
}

std::string_view AccessLine::format(const RequestRecord& record) {
  line_.clear();
  char* begin = line_.reserve(longest(record));
  line_.commit(static_cast<std::size_t>(format(begin, record) - begin));
  return line_.view();
}

char* AccessLine::format(char* to, const RequestRecord& record) {
  switch (format_) {
    case AccessFormat::kLogfmt:
      to = append_logfmt(to, record);
      break;
    case AccessFormat::kJson:
      to = append_json(to, record);
      break;
    case AccessFormat::kCombined:
      to = append_combined(to, record);
      break;
  }
  *to++ = '\n';
  return to;
}

std::string_view AccessLine::second_of(WallTime time) {
  std::int64_t second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  if (second != second_) {
    char* end = append_second(time_text_.data(), second, format_);
    time_bytes_ = static_cast<std::size_t>(end - time_text_.data());
    second_ = second;
  }
  return {time_text_.data(), time_bytes_};
}

char* AccessLine::append_logfmt(char* to, const RequestRecord& record) {
  to = append(to, "time=");
  to = append_bytes(to, second_of(record.finished));
  to = append_digits<3>(to, milliseconds_of(record.finished));
  to = append(to, "Z level=info msg=request");
  return append_fields<Logfmt>(to, record);
}

char* AccessLine::append_json(char* to, const RequestRecord& record) {
  to = append(to, "{\"time\":\"");
  to = append_bytes(to, second_of(record.finished));
  to = append_digits<3>(to, milliseconds_of(record.finished));
  to = append(to, "Z\",\"level\":\"info\",\"msg\":\"request\"");
  to = append_fields<Json>(to, record);
  *to++ = '}';
  return to;
}

char* AccessLine::append_combined(char* to, const RequestRecord& record) {
  to = append_client(to, record.client);
  to = append(to, " - - ");
  to = append_bytes(to, second_of(record.finished));
  to = append(to, "+0000] \"");
  if (record.method.empty()) {
    *to++ = '-';
  } else {
    to = append_apache_text(to, record.method);
    *to++ = ' ';
    to = record.path.empty() ? append(to, "-") : append_apache_text(to, record.path);
    if (has_proto(record)) {
      *to++ = ' ';
      to = append_proto(to, record);
    }
  }
  to = append(to, "\" ");
  to = append_apache_status(to, shown_status(record));
  *to++ = ' ';
  to = record.bytes_out == 0 ? append(to, "-") : append_number(to, record.bytes_out);
  *to++ = ' ';
  to = append_apache_quoted(to, record.referer);
  *to++ = ' ';
  return append_apache_quoted(to, record.user_agent);
}

}  // namespace weir::observe
