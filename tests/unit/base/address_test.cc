#include "weir/base/address.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <cstring>

namespace weir {
namespace {

std::string round_trip(std::string_view text) {
  Result<IpAddress> address = IpAddress::parse(text);
  return address.ok() ? address->ip_text() : "error";
}

TEST_CASE("addresses are parsed and written in their shortest form (RFC 5952)") {
  for (const char* text :
       {"192.0.2.1", "0.0.0.0", "255.255.255.255", "10.20.3.100", "::", "::1", "2001:db8::1",
        "2001:db8:0:1:1:1:1:1", "1::", "1:0:0:2::3", "fe80::ffff:0:0", "1:2:3:4:5:6:7:8"}) {
    CHECK(round_trip(text) == text);
  }
  CHECK(round_trip("2001:DB8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");
  CHECK(round_trip("2001:0db8::0001") == "2001:db8::1");
  CHECK(round_trip("0:0:0:1:0:0:0:0") == "0:0:0:1::");
  CHECK(round_trip("[2001:db8::1]") == "2001:db8::1");
  CHECK(round_trip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") ==
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  CHECK(round_trip("::ffff:192.0.2.1") == "192.0.2.1");
}

TEST_CASE("what is no literal address is refused") {
  for (const char* text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "::1%eth0",
        "[1.2.3.4]", "[::1", ":::", "1:2:3:4:5:6:7:8:9"}) {
    CHECK_FALSE(IpAddress::parse(text).ok());
  }
  CHECK_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)).ok());
  CHECK(IpAddress::parse("x").error().message == "\"x\" is not an IP address");
}

TEST_CASE("addresses go through socket addresses and back") {
  for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
    IpAddress address = *IpAddress::parse(text, 8080);
    sockaddr_storage storage{};
    CHECK(address.to_sockaddr(storage) > 0);
    CHECK(IpAddress::from_sockaddr(storage) == address);
  }
  sockaddr_storage unix_storage{};
  unix_storage.ss_family = AF_UNIX;
  CHECK(IpAddress::from_sockaddr(unix_storage).is_unspecified());
}

TEST_CASE("properties of addresses") {
  CHECK(IpAddress::parse("127.9.9.9")->is_loopback());
  CHECK(IpAddress::parse("::1")->is_loopback());
  CHECK_FALSE(IpAddress::parse("::2")->is_loopback());
  CHECK_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
  CHECK(IpAddress::parse("::")->is_unspecified());
  CHECK(IpAddress::parse("0.0.0.0")->is_unspecified());
  IpAddress address = IpAddress::parse("2001:db8::1", 1)->with_port(443);
  CHECK(address.text() == "[2001:db8::1]:443");
  CHECK(IpAddress::v4(0xc0000201, 80).text() == "192.0.2.1:80");
  CHECK(IpAddress::v4(1, 80) != IpAddress::v4(1, 81));
}

TEST_CASE("endpoints") {
  for (const char* text : {"127.0.0.1:80", "[::1]:65535", "0.0.0.0:0", "unix:/run/app.sock"}) {
    Result<Endpoint> endpoint = Endpoint::parse(text);
    REQUIRE(endpoint.ok());
    CHECK(endpoint->text() == text);
  }
  for (const char* text : {"127.0.0.1", "::1:80", "[::1]", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:+1", "host:80", "unix:", ":80"}) {
    CHECK_FALSE(Endpoint::parse(text).ok());
  }
  CHECK_FALSE(Endpoint::parse("unix:/" + std::string(107, 'x')).ok());
  CHECK(Endpoint::parse("unix:/" + std::string(106, 'x')).ok());
}

bool contains(std::string_view cidr, std::string_view address) {
  return Cidr::parse(cidr)->contains(*IpAddress::parse(address));
}

TEST_CASE("address blocks") {
  CHECK(contains("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  CHECK(contains("192.168.4.0/22", "192.168.7.255"));
  CHECK_FALSE(contains("192.168.4.0/22", "192.168.8.0"));
  CHECK(contains("0.0.0.0/0", "1.2.3.4"));
  CHECK_FALSE(contains("0.0.0.0/0", "::1"));
  CHECK(contains("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(contains("192.0.2.1", "192.0.2.2"));
  CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(contains("::1/128", "::1"));
  CHECK(contains("::ffff:192.0.2.0/120", "192.0.2.9"));
  CHECK(Cidr::parse("10.1.2.3/8")->text() == "10.0.0.0/8");
  CHECK(Cidr::parse("2001:db8::1")->text() == "2001:db8::1/128");
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "a/8",
                           "::ffff:1.2.3.4/64", "10.0.0.0/8/8"}) {
    CHECK_FALSE(Cidr::parse(text).ok());
  }
}

}  // namespace
}  // namespace weir
