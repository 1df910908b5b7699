#pragma once
// What a list of requests in flight says of one in words: copied when it is routed, because the
// head dies with its event, into room that every exchange has, so that it costs no allocation.
// Longer texts are cut.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::proxy {

class RequestText {
 public:
  void set_head(std::string_view method, std::string_view host, std::string_view path) {
    method_bytes_ = append(method, 0, kMaxMethodBytes);
    host_bytes_ = append(host, method_bytes_, kMaxHostBytes);
    path_bytes_ = append(path, path_begin(), kMaxPathBytes);
  }
  // Behind set_head().
  void set_route(std::string_view label) {
    route_bytes_ = append(label, path_begin() + path_bytes_, kMaxRouteBytes);
  }
  std::string_view method() const { return {bytes_.data(), method_bytes_}; }
  std::string_view host() const { return {bytes_.data() + method_bytes_, host_bytes_}; }
  std::string_view path() const { return {bytes_.data() + path_begin(), path_bytes_}; }
  std::string_view route() const {
    return {bytes_.data() + path_begin() + path_bytes_, route_bytes_};
  }

 private:
  static constexpr std::size_t kMaxMethodBytes = 24;
  static constexpr std::size_t kMaxHostBytes = 255;  // never cut
  static constexpr std::size_t kMaxPathBytes = 160;
  static constexpr std::size_t kMaxRouteBytes = 64;

  std::size_t path_begin() const { return std::size_t{method_bytes_} + host_bytes_; }
  std::uint8_t append(std::string_view text, std::size_t at, std::size_t most) {
    std::size_t count = std::min(text.size(), most);
    if (count > 0) std::memcpy(bytes_.data() + at, text.data(), count);
    return static_cast<std::uint8_t>(count);
  }

  std::array<char, kMaxMethodBytes + kMaxHostBytes + kMaxPathBytes + kMaxRouteBytes> bytes_;
  std::uint8_t method_bytes_ = 0;
  std::uint8_t host_bytes_ = 0;
  std::uint8_t path_bytes_ = 0;
  std::uint8_t route_bytes_ = 0;
};

}  // namespace weir::proxy
