#include "weir/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace weir {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

Err<Error> error(std::string_view text, std::string_view what) {
  return Err{Error{"\"" + std::string(text) + "\" " + std::string(what)}};
}

bool is_mapped_v4(const Bytes& bytes) {
  return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  unsigned number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size() || number > max) {
    return std::nullopt;
  }
  return number;
}

char* format_octet(char* out, unsigned octet) {
  if (octet >= 100) {
    *out++ = static_cast<char>('0' + octet / 100);
    octet %= 100;
    *out++ = static_cast<char>('0' + octet / 10);
  } else if (octet >= 10) {
    *out++ = static_cast<char>('0' + octet / 10);
  }
  *out++ = static_cast<char>('0' + octet % 10);
  return out;
}

char* format_v4(char* out, const Bytes& bytes) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *out++ = '.';
    out = format_octet(out, bytes[i]);
  }
  return out;
}

struct ZeroRun {
  std::size_t begin = 8;
  std::size_t length = 0;
};

// RFC 5952 §4.2: the first of the longest runs of at least two zero groups.
ZeroRun longest_zero_run(const std::array<unsigned, 8>& groups) {
  ZeroRun best;
  for (std::size_t begin = 0; begin < 8; ++begin) {
    std::size_t end = begin;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - begin >= 2 && end - begin > best.length) best = {begin, end - begin};
  }
  return best;
}

char* format_v6(char* out, const Bytes& bytes) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = bytes[2 * i] * 256u + bytes[2 * i + 1];
  ZeroRun run = longest_zero_run(groups);
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run.begin) {
      *out++ = ':';
      *out++ = ':';
      i += run.length - 1;
      continue;
    }
    if (i > 0 && out[-1] != ':') *out++ = ':';
    out = std::to_chars(out, out + 4, groups[i], 16).ptr;
  }
  return out;
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order, std::uint16_t port) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) {
    address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  }
  address.port_ = port;
  return address;
}

IpAddress IpAddress::v6(const std::array<std::uint8_t, 16>& bytes, std::uint16_t port) {
  IpAddress address;
  address.port_ = port;
  if (is_mapped_v4(bytes)) {
    std::copy(bytes.begin() + 12, bytes.end(), address.bytes_.begin());
  } else {
    address.bytes_ = bytes;
    address.is_v6_ = true;
  }
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text, std::uint16_t port) {
  std::string literal(text);
  bool is_bracketed = literal.size() >= 2 && literal.front() == '[' && literal.back() == ']';
  if (is_bracketed) literal = literal.substr(1, literal.size() - 2);
  bool has_nul = literal.find('\0') != std::string::npos;
  Bytes bytes{};
  if (!has_nul && !is_bracketed && inet_pton(AF_INET, literal.c_str(), bytes.data()) == 1) {
    IpAddress address;
    address.bytes_ = bytes;
    address.port_ = port;
    return address;
  }
  if (!has_nul && inet_pton(AF_INET6, literal.c_str(), bytes.data()) == 1) return v6(bytes, port);
  return error(text, "is not an IP address");
}

IpAddress IpAddress::from_sockaddr(const sockaddr_storage& sa) {
  IpAddress address;
  if (sa.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &sa, sizeof in);
    return v4(ntohl(in.sin_addr.s_addr), ntohs(in.sin_port));
  }
  if (sa.ss_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &sa, sizeof in6);
    Bytes bytes{};
    std::memcpy(bytes.data(), &in6.sin6_addr, bytes.size());
    return v6(bytes, ntohs(in6.sin6_port));
  }
  return address;
}

unsigned IpAddress::to_sockaddr(sockaddr_storage& out) const {
  std::memset(&out, 0, sizeof out);
  if (is_v6_) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port_);
    std::memcpy(&in6.sin6_addr, bytes_.data(), bytes_.size());
    std::memcpy(&out, &in6, sizeof in6);
    return sizeof in6;
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port_);
  std::memcpy(&in.sin_addr, bytes_.data(), 4);
  std::memcpy(&out, &in, sizeof in);
  return sizeof in;
}

bool IpAddress::is_loopback() const {
  if (!is_v6_) return bytes_[0] == 127;
  Bytes loopback{};
  loopback[15] = 1;
  return bytes_ == loopback;
}

bool IpAddress::is_unspecified() const { return bytes_ == Bytes{}; }

IpAddress IpAddress::with_port(std::uint16_t port) const {
  IpAddress address = *this;
  address.port_ = port;
  return address;
}

std::size_t IpAddress::format_ip(char* out) const {
  char* end = is_v6_ ? format_v6(out, bytes_) : format_v4(out, bytes_);
  return static_cast<std::size_t>(end - out);
}

std::string IpAddress::ip_text() const {
  char text[46];
  return {text, format_ip(text)};
}

std::string IpAddress::text() const {
  std::string ip = ip_text();
  return (is_v6_ ? "[" + ip + "]" : ip) + ":" + std::to_string(port_);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    std::string_view path = text.substr(5);
    if (path.empty()) return error(text, "names no socket path");
    if (path.size() >= sizeof(sockaddr_un::sun_path))
      return error(text, "is too long for a socket path");
    if (path.find('\0') != std::string_view::npos) return error(text, "is not a socket path");
    return Endpoint{{}, std::string(path)};
  }
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return error(text, "has no port");
  std::string_view host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos && !host.starts_with('[')) {
    return error(text, "needs brackets around its IPv6 address: [2001:db8::1]:80");
  }
  std::optional<unsigned> port = parse_number(text.substr(colon + 1), 65535);
  if (!port) return error(text, "has no valid port");
  Result<IpAddress> ip = IpAddress::parse(host, static_cast<std::uint16_t>(*port));
  if (!ip.ok()) return Err{ip.error()};
  return Endpoint{*ip, {}};
}

std::string Endpoint::text() const { return is_unix() ? "unix:" + unix_path : ip.text(); }

Result<Cidr> Cidr::parse(std::string_view text) {
  std::size_t slash = text.find('/');
  bool is_written_v6 = text.find(':') != std::string_view::npos;
  Result<IpAddress> base = IpAddress::parse(text.substr(0, slash));
  if (!base.ok()) return Err{base.error()};
  unsigned max_bits = is_written_v6 ? 128 : 32;
  std::optional<unsigned> bits = max_bits;
  if (slash != std::string_view::npos) bits = parse_number(text.substr(slash + 1), max_bits);
  if (!bits) return error(text, "has no valid prefix length");
  if (is_written_v6 && !base->is_v6()) {  // ::ffff:192.0.2.0/120 is kept as 192.0.2.0/24
    if (*bits < 96) return error(text, "mixes IPv4 and IPv6 addresses");
    *bits -= 96;
  }
  Cidr cidr;
  cidr.prefix_bits_ = *bits;
  Bytes masked = base->bytes();
  for (unsigned bit = *bits; bit < 128; ++bit) {
    masked[bit / 8] = static_cast<std::uint8_t>(masked[bit / 8] & ~(0x80u >> bit % 8));
  }
  if (base->is_v6()) {
    cidr.base_ = IpAddress::v6(masked, 0);
  } else {
    std::uint32_t host_order = 0;
    for (std::size_t i = 0; i < 4; ++i) host_order = host_order << 8 | masked[i];
    cidr.base_ = IpAddress::v4(host_order, 0);
  }
  return cidr;
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.is_v6() != base_.is_v6()) return false;
  std::size_t whole = prefix_bits_ / 8;
  if (std::memcmp(address.bytes().data(), base_.bytes().data(), whole) != 0) return false;
  unsigned rest = prefix_bits_ % 8;
  if (rest == 0) return true;
  return ((address.bytes()[whole] ^ base_.bytes()[whole]) >> (8 - rest)) == 0;
}

std::string Cidr::text() const { return base_.ip_text() + "/" + std::to_string(prefix_bits_); }

}  // namespace weir
