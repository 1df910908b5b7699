#pragma once
// The kernel's TCP_INFO. A file of its own, because <linux/tcp.h>, which has the newer members, and
// the C library's <netinet/tcp.h>, which <uv.h> includes, exclude each other.
#include <cstdint>
#include <optional>

namespace weir::net {

// What the peer has acknowledged, its SYN and FIN included (tcpi_bytes_acked). Nullopt when `fd` is
// no TCP socket.
std::optional<std::uint64_t> tcp_acknowledged_bytes(int fd);

}  // namespace weir::net
