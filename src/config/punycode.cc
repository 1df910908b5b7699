// Host names beyond ASCII in the form in which clients send them (RFC 3492).
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "meant.h"
#include "weir/base/json_text.h"

namespace weir::config {
namespace {

constexpr std::uint32_t kBase = 36;
constexpr std::uint32_t kTMin = 1;
constexpr std::uint32_t kTMax = 26;

// Of the alphabets in which upper case is likely.
std::uint32_t lower(std::uint32_t point) {
  bool is_shifted = (point >= 'A' && point <= 'Z') ||
                    (point >= 0xC0 && point <= 0xDE && point != 0xD7) ||
                    (point >= 0x391 && point <= 0x3A9) || (point >= 0x410 && point <= 0x42F);
  if (is_shifted) return point + 32;
  return point >= 0x400 && point <= 0x40F ? point + 80 : point;
}

// `text` is UTF-8.
std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    auto first = static_cast<unsigned char>(text[i]);
    std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    std::uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
    for (std::size_t k = 1; k < length; ++k)
      point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    points.push_back(lower(point));
    i += length;
  }
  return points;
}

std::uint32_t adapt(std::uint32_t delta, std::uint32_t count, bool is_first) {
  constexpr std::uint32_t kSkew = 38;
  constexpr std::uint32_t kDamp = 700;
  delta = is_first ? delta / kDamp : delta / 2;
  delta += delta / count;
  std::uint32_t k = 0;
  for (; delta > (kBase - kTMin) * kTMax / 2; k += kBase) delta /= kBase - kTMin;
  return k + (kBase - kTMin + 1) * delta / (delta + kSkew);
}

char digit(std::uint32_t value) {
  return static_cast<char>(value < 26 ? 'a' + value : '0' + value - 26);
}

void append_number(std::string& out, std::uint32_t number, std::uint32_t bias) {
  for (std::uint32_t k = kBase;; k += kBase) {
    std::uint32_t threshold = k <= bias ? kTMin : std::min(k - bias, kTMax);
    if (number < threshold) break;
    out += digit(threshold + (number - threshold) % (kBase - threshold));
    number = (number - threshold) / (kBase - threshold);
  }
  // What is left is below the last threshold.
  out += digit(number);
}

// RFC 3492 §6.3.
std::string encode_label(const std::vector<std::uint32_t>& label) {
  std::string out;
  for (std::uint32_t point : label) {
    if (point < 0x80) out += static_cast<char>(point);
  }
  auto basic = static_cast<std::uint32_t>(out.size());
  if (basic == label.size()) return out;
  if (basic > 0) out += '-';
  std::uint32_t next = 0x80;
  std::uint32_t delta = 0;
  std::uint32_t bias = 72;
  for (std::uint32_t done = basic; done < label.size();) {
    std::uint32_t smallest = 0x10FFFF;
    for (std::uint32_t point : label) {
      if (point >= next) smallest = std::min(smallest, point);
    }
    delta += (smallest - next) * (done + 1);
    next = smallest;
    for (std::uint32_t point : label) {
      if (point < next) ++delta;
      if (point != next) continue;
      append_number(out, delta, bias);
      bias = adapt(delta, done + 1, done == basic);
      delta = 0;
      ++done;
    }
    ++delta;
    ++next;
  }
  return "xn--" + out;
}

}  // namespace

std::string to_punycode(std::string_view host) {
  constexpr std::size_t kMaxBytes = 253;
  // Beyond the last code point the encoding below would not come to an end.
  if (host.size() > kMaxBytes || utf8_prefix(host) != host.size()) return {};
  std::string out;
  for (std::size_t begin = 0; begin <= host.size();) {
    std::size_t end = std::min(host.find('.', begin), host.size());
    out += (begin > 0 ? "." : "") + encode_label(code_points(host.substr(begin, end - begin)));
    begin = end + 1;
  }
  return out;
}

}  // namespace weir::config
