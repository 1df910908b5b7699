#include "weir/observe/request_record.h"

#include <array>
#include <charconv>
#include <chrono>
#include <limits>

#include "weir/base/log.h"

namespace weir::observe {
namespace {

// nginx's status for a client that closed before there was an answer.
constexpr int kClientGoneStatus = 499;

template <typename Integer>
void append_number(std::string& out, std::string_view key, Integer value) {
  char digits[std::numeric_limits<Integer>::digits10 + 2];
  out += key;
  out.append(digits, std::to_chars(digits, std::end(digits), value).ptr);
}

// The digits of `number` without those above `power`, a power of ten: with its leading zeros.
void append_digits(std::string& out, unsigned number, unsigned power) {
  for (; power > 0; power /= 10) out += static_cast<char>('0' + number / power % 10);
}

// As append_rfc3339(), without printf: this is half of what a short line would cost.
void append_time(std::string& out, WallTime time) {
  auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time);
  auto day = std::chrono::floor<std::chrono::days>(milliseconds);
  std::chrono::year_month_day date(day);
  auto since_midnight = static_cast<unsigned>((milliseconds - day).count());
  append_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 1000);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.month()), 10);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.day()), 10);
  out += 'T';
  append_digits(out, since_midnight / 3'600'000, 10);
  out += ':';
  append_digits(out, since_midnight / 60'000 % 60, 10);
  out += ':';
  append_digits(out, since_midnight / 1000 % 60, 10);
  out += '.';
  append_digits(out, since_midnight % 1000, 100);
  out += 'Z';
}

void append_seconds(std::string& out, std::string_view key, Duration duration) {
  constexpr unsigned kPerSecond = 1'000'000;
  std::int64_t ns = duration.count();
  std::uint64_t us = ns < 0 ? 0 : static_cast<std::uint64_t>(ns) / 1000;
  append_number(out, key, us / kPerSecond);
  out += '.';
  append_digits(out, static_cast<unsigned>(us % kPerSecond), kPerSecond / 10);
}

// Of a value's bytes: whether they stand for themselves, need quotes around the value, or more.
enum ByteClass : std::uint8_t { kPlain = 0, kQuoted = 1, kEscaped = 2 };

constexpr auto kByteClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0; c < classes.size(); ++c) {
    bool is_escaped = c < ' ' || c >= 0x7f || c == '"' || c == '\\';
    classes[c] = is_escaped ? kEscaped : c == ' ' || c == '=' ? kQuoted : kPlain;
  }
  return classes;
}();

// append_logfmt(), with a short way for values that need no escapes, as nearly all do.
void append_text(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  unsigned classes = kPlain;
  for (char c : value) classes |= kByteClasses[static_cast<unsigned char>(c)];
  if ((classes & kEscaped) != 0) return append_logfmt(out, key, value);
  std::string_view quote = classes == kPlain ? "" : "\"";
  out += ' ';
  out += key;
  out += '=';
  out += quote;
  out += value;
  out += quote;
}

void append_client(std::string& out, const IpAddress& client) {
  if (client.is_unspecified()) return;
  char text[46];
  out += " client=";
  out.append(text, client.format_ip(text));
}

int shown_status(const RequestRecord& record) {
  bool is_gone = record.status == 0 && record.failure == Failure::client_gone;
  return is_gone ? kClientGoneStatus : record.status;
}

void append_backend(std::string& out, const RequestRecord& record) {
  append_text(out, "route", record.route);
  append_text(out, "pool", record.pool);
  append_text(out, "backend", record.backend);
  append_number(out, " tries=", record.tries);
  if (record.tries > 0) out += record.is_reused ? " reused=true" : " reused=false";
}

void append_failure(std::string& out, const RequestRecord& record) {
  if (!record.failure) return;
  const FailureRow& row = row_of(*record.failure);
  append_text(out, "side", name_of(row.side));
  append_text(out, "phase", name_of(record.phase));
  append_text(out, "reason", row.name);
}

}  // namespace

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::kHead:
      return "head";
    case Phase::kRouting:
      return "routing";
    case Phase::kConnect:
      return "connect";
    case Phase::kRequest:
      return "request";
    case Phase::kResponse:
      return "response";
    case Phase::kTunnel:
      return "tunnel";
    case Phase::kDone:
      return "done";
  }
  return "?";
}

void append_access_line(std::string& out, const RequestRecord& record) {
  out += "time=";
  append_time(out, record.finished);
  out += " level=info msg=request";
  append_text(out, "listener", record.listener_name);
  append_client(out, record.client);
  append_text(out, "method", record.method);
  append_text(out, "scheme", record.scheme);
  append_text(out, "host", record.host);
  append_text(out, "path", record.path);
  append_number(out, " status=", shown_status(record));
  append_number(out, " bytes_in=", record.bytes_in);
  append_number(out, " bytes_out=", record.bytes_out);
  append_seconds(out, " duration=", record.duration);
  if (record.connect) append_seconds(out, " connect=", *record.connect);
  if (record.response_head) append_seconds(out, " response_head=", *record.response_head);
  append_backend(out, record);
  append_failure(out, record);
  append_text(out, "request_id", record.request_id);
  append_text(out, "user_agent", record.user_agent);
  append_text(out, "referer", record.referer);
  bool has_head = !record.method.empty();
  if (has_head) out += record.minor_version == 0 ? " proto=HTTP/1.0" : " proto=HTTP/1.1";
  out += '\n';
}

}  // namespace weir::observe
