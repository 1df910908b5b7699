#pragma once
// Addresses: an IP address with port in 20 bytes, an endpoint one can connect or bind to, CIDR
// blocks. Parsing accepts literals only, never names. Pure values.
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/result.h"

struct sockaddr_storage;

namespace weir {

// An IPv4 or IPv6 address with a port. IPv4-mapped IPv6 addresses are stored as IPv4.
class IpAddress {
 public:
  IpAddress() = default;
  static IpAddress v4(std::uint32_t host_order, std::uint16_t port);
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes, std::uint16_t port);
  // "192.0.2.1", "2001:db8::1", "[2001:db8::1]" (no zone ids).
  static Result<IpAddress> parse(std::string_view text, std::uint16_t port = 0);
  static IpAddress from_sockaddr(const sockaddr_storage& sa);
  // Returns the length of the filled structure.
  unsigned to_sockaddr(sockaddr_storage& out) const;

  bool is_v6() const { return is_v6_; }
  bool is_loopback() const;
  bool is_unspecified() const;
  std::uint16_t port() const { return port_; }
  IpAddress with_port(std::uint16_t port) const;
  // Without the port: 192.0.2.1, 2001:db8::1 (RFC 5952). Writes at most 46 bytes, returns the
  // count.
  std::size_t format_ip(char* out) const;
  std::string ip_text() const;
  // With the port: 192.0.2.1:80, [2001:db8::1]:80.
  std::string text() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // IPv4 in the first four
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint16_t port_ = 0;
  bool is_v6_ = false;
};

// Where a backend or listener is: IP and port, or a Unix socket's path.
struct Endpoint {
  IpAddress ip;
  std::string unix_path;  // not empty: a Unix socket
  bool is_unix() const { return !unix_path.empty(); }
  // "IP:PORT", "[IP]:PORT" or "unix:PATH".
  static Result<Endpoint> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const Endpoint&) const = default;
};

// "10.0.0.0/8", "2001:db8::/32", or a single address.
class Cidr {
 public:
  static Result<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  std::string text() const;
  bool operator==(const Cidr&) const = default;

 private:
  IpAddress base_;
  unsigned prefix_bits_ = 0;
};

}  // namespace weir
