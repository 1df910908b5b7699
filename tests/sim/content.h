#pragma once
// The bytes of bodies and tunnels: a key gives an endless sequence that no other key shares, so
// that a byte that went astray is seen at once. Any byte value occurs, line ends included.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::sim {

// Bytes [from, from + count) of the sequence of `key`.
void append_content(std::string& out, std::uint64_t key, std::size_t from, std::size_t count);
// Whether `bytes` is what the sequence of `key` holds from `from` on.
bool is_content(std::uint64_t key, std::size_t from, std::string_view bytes);

// Keys: what a client uploads, what an attempt answers, what goes through a tunnel either way.
constexpr std::uint64_t upload_key(std::uint64_t request) { return request * 4; }
constexpr std::uint64_t answer_key(std::uint64_t attempt) { return attempt * 4 + 1; }
constexpr std::uint64_t tunnel_up_key(std::uint64_t request) { return request * 4 + 2; }
constexpr std::uint64_t tunnel_down_key(std::uint64_t request) { return request * 4 + 3; }

}  // namespace weir::sim
