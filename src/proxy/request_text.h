#pragma once
// What outlives a request's head, which dies with its event, in words: for lists of requests in
// flight, and for the access log when that is on. One copy serves both, in room that every exchange
// has, so that it costs no allocation; what does not fit there goes on in a buffer. When no line
// will be written, long texts are cut to what a list shows.
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "weir/base/buffer.h"

namespace weir::proxy {

class RequestText {
 public:
  // kTarget: only where the log shows queries.
  enum Part : std::uint8_t { kMethod, kHost, kPath, kTarget, kUserAgent, kReferer, kRoute, kParts };

  // Each part once at most.
  void add(Part part, std::string_view text) {
    if (text.empty()) return;
    places_[part] = {size_, static_cast<std::uint32_t>(text.size())};
    if (size_ + text.size() <= kRoomBytes && more_.is_empty()) {
      std::memcpy(room_.data() + size_, text.data(), text.size());
    } else {
      if (more_.is_empty()) more_.append({room_.data(), size_});
      more_.append(text);
    }
    size_ += static_cast<std::uint32_t>(text.size());
  }
  void add_cut(Part part, std::string_view text) { add(part, text.substr(0, kShownBytes[part])); }
  // As it was added.
  std::string_view get(Part part) const {
    const char* begin = more_.is_empty() ? room_.data() : more_.view().data();
    return {begin + places_[part].begin, places_[part].bytes};
  }
  // As lists show it.
  std::string_view get_cut(Part part) const { return get(part).substr(0, kShownBytes[part]); }

  // So many bytes and a route's usual label have room without a buffer.
  static constexpr bool has_room_for(std::size_t bytes) {
    return bytes + kShownBytes[kRoute] <= kRoomBytes;
  }
  // Before the first part: an empty buffer with memory, which take_buffer() gives back.
  void lend_buffer(Buffer buffer) { more_ = std::move(buffer); }
  Buffer take_buffer() { return std::move(more_); }

 private:
  struct Place {
    std::uint32_t begin = 0;
    std::uint32_t bytes = 0;
  };
  static constexpr std::size_t kRoomBytes = 512;
  // A host is never cut.
  static constexpr std::array<std::size_t, kParts> kShownBytes = {24, 255, 160, 0, 0, 0, 64};

  std::array<Place, kParts> places_{};
  std::uint32_t size_ = 0;
  Buffer more_;  // everything, once that is more than the room
  std::array<char, kRoomBytes> room_;
};

}  // namespace weir::proxy
