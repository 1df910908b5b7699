#include <chrono>
#include <cstring>

#include "weir/http/forward.h"

namespace weir::http {
namespace {

void put_two(char* out, unsigned number) {
  out[0] = static_cast<char>('0' + number / 10);
  out[1] = static_cast<char>('0' + number % 10);
}

}  // namespace

void format_http_date(WallTime time, char* out29) {
  static constexpr char kDays[] = "SunMonTueWedThuFriSat";
  static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto days = std::chrono::floor<std::chrono::days>(seconds);
  std::chrono::year_month_day date(days);
  auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  auto month = static_cast<unsigned>(date.month());
  auto of_day = static_cast<unsigned>((seconds - days).count());
  std::memcpy(out29, "Day, DD Mon YYYY HH:MM:SS GMT", 29);
  std::memcpy(out29, kDays + 3 * std::chrono::weekday(days).c_encoding(), 3);
  put_two(out29 + 5, static_cast<unsigned>(date.day()));
  std::memcpy(out29 + 8, kMonths + 3 * (month - 1), 3);
  put_two(out29 + 12, year / 100);
  put_two(out29 + 14, year % 100);
  put_two(out29 + 17, of_day / 3600);
  put_two(out29 + 20, of_day / 60 % 60);
  put_two(out29 + 23, of_day % 60);
}

}  // namespace weir::http
