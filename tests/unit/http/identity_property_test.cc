// Who the client is, held against a plain reading of the same lists, and against what strangers may
// write in front of what trusted proxies have appended (R15).
#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;

namespace {

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  std::size_t below(std::size_t bound) {
    state_ = state_ * 1664525u + 1013904223u;
    return (state_ >> 8) % bound;
  }
  const std::string& of(const std::vector<std::string>& list) { return list[below(list.size())]; }

 private:
  std::uint32_t state_;
};

const std::vector<std::string> kTrusted = {"10.0.0.1", "10.255.1.2", "fd00::1", "::ffff:10.1.1.1"};
const std::vector<std::string> kStrangers = {"192.0.2.7",           "11.0.0.1", "2001:db8::7",
                                             "::ffff:198.51.100.1", "fe80::1",  "0.0.0.0"};
const std::vector<std::string> kGarbage = {
    "unknown",    "_hidden",    "_SEVKISEK", "192.0.2",   "1.2.3.256",  "[::1", "::1]",
    "10.0.0.1 x", "0x0a000001", "10.0.0.01", "fe80::1%e", "\"",         "\\",   "for=1.1.1.1",
    "10.0.0.1;",  "[10.0.0.1]", "localhost", "\xc3\xa9",  "10.0.0.1/8", ":80"};

// The address in its usual form; nothing when `text` is none.
std::optional<std::string> address_of(std::string text) {
  auto has_port = [&](std::size_t colon) {
    std::string port = text.substr(colon + 1);
    bool is_number = port.find_first_not_of("0123456789") == std::string::npos;
    bool is_name =
        port.size() > 1 && port[0] == '_' &&
        port.find_first_not_of("_-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                               0) == std::string::npos;
    return (!port.empty() && port.size() <= 5 && is_number) || is_name;
  };
  bool is_bracketed = text.starts_with("[");
  if (is_bracketed) {
    std::size_t end = text.find(']');
    if (end == std::string::npos) return std::nullopt;
    if (end + 1 < text.size() && (text[end + 1] != ':' || !has_port(end + 1))) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (std::size_t colon = text.find(':');
             colon != std::string::npos && text.find(':', colon + 1) == std::string::npos) {
    if (!has_port(colon)) return std::nullopt;
    text = text.substr(0, colon);
  }
  char shown[INET6_ADDRSTRLEN];
  in_addr four;
  if (!is_bracketed && inet_pton(AF_INET, text.c_str(), &four) == 1) return text;
  in6_addr six;
  if (inet_pton(AF_INET6, text.c_str(), &six) != 1) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    std::memcpy(&four, six.s6_addr + 12, 4);
    return inet_ntop(AF_INET, &four, shown, sizeof shown);
  }
  return inet_ntop(AF_INET6, &six, shown, sizeof shown);
}

bool is_trusted(const std::string& address) {
  return address.starts_with("10.") || address.starts_with("fd");
}

std::string trim(const std::string& text) {
  std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The values of all X-Forwarded-For fields.
std::string read_plainly(const std::vector<std::string>& values, std::string client) {
  std::vector<std::string> elements;
  for (const std::string& value : values)
    for (std::size_t begin = 0; begin <= value.size();) {
      std::size_t end = std::min(value.find(',', begin), value.size());
      elements.push_back(trim(value.substr(begin, end - begin)));
      begin = end + 1;
    }
  while (!elements.empty()) {
    std::string element = elements.back();
    elements.pop_back();
    if (element.empty()) continue;
    std::optional<std::string> address = address_of(element);
    if (!address) return client;
    client = *address;
    if (!is_trusted(client)) return client;
  }
  return client;
}

ClientIdentity identify(const std::string& lines, ClientIpFrom from) {
  TrustPolicy policy;
  policy.client_ip_from = from;
  for (const char* cidr : {"10.0.0.0/8", "fd00::/8"})
    policy.trusted_proxies.push_back(*Cidr::parse(cidr));
  RequestHead head;
  std::string bytes = with_fields(lines);
  HeadResult result = parse(bytes, head);
  CAPTURE(lines);
  REQUIRE(outcome(result) == "ok");
  return identify_client(head, *IpAddress::parse("10.9.9.9", 5), Scheme::kHttp, policy);
}

std::string random_element(Random& random) {
  std::string text = random.of(random.below(2) == 0   ? kTrusted
                               : random.below(2) == 0 ? kStrangers
                                                      : kGarbage);
  bool is_six = std::count(text.begin(), text.end(), ':') > 1 && !text.starts_with('[');
  if (is_six && random.below(2) == 0) text = "[" + text + "]";
  if (random.below(5) == 0)
    text += random.of({":80", ":65535", ":_x", ":", ":x", ":123456", ":_", ":8_0"});
  return random.of({"", "", " ", "\t "}) + text + random.of({"", "", "", "\t", " "});
}

// Any bytes that a field value may hold.
std::string random_rubbish(Random& random) {
  static const std::vector<std::string> kPieces = {"\"",
                                                   "\"",
                                                   "\\",
                                                   ",",
                                                   ", ",
                                                   ";",
                                                   "=",
                                                   "for=",
                                                   "for=\"",
                                                   "10.0.0.1",
                                                   "192.0.2.99",
                                                   "proto=https",
                                                   "[::1]",
                                                   " ",
                                                   "\t",
                                                   "x",
                                                   "\xff",
                                                   "unknown",
                                                   "_h",
                                                   ":80",
                                                   "\"\"",
                                                   "\\\"",
                                                   "for=192.0.2.99"};
  std::string text;
  for (std::size_t count = random.below(12); count > 0; --count) text += random.of(kPieces);
  return text;
}

}  // namespace

TEST_CASE("R15: X-Forwarded-For of any make, read a second time") {
  Random random(7);
  int found = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::vector<std::string> values;
    std::string lines;
    for (std::size_t fields = random.below(4); fields > 0; --fields) {
      std::string value;
      for (std::size_t count = random.below(5); count > 0; --count)
        value += random_element(random) + (count > 1 || random.below(8) == 0 ? "," : "");
      values.push_back(value);
      lines += random.of({"X-Forwarded-For:", "x-forwarded-for: ", "X: y\r\nX-FORWARDED-FOR:\t"}) +
               value + "\r\n";
    }
    std::string expected = read_plainly(values, "10.9.9.9");
    ClientIdentity identity = identify(lines, ClientIpFrom::kXForwardedFor);
    if (identity.client.ip_text() != expected) {
      CAPTURE(lines);
      CHECK(identity.client.ip_text() == expected);
    }
    found += !is_trusted(expected);
  }
  CHECK(found > 5000);
  CHECK(found < 25'000);
}

TEST_CASE("R15: what strangers write does not change what trusted proxies append") {
  Random random(8);
  for (int round = 0; round < 30'000; ++round) {
    bool is_forwarded = round % 2 == 0;
    std::string name = is_forwarded ? "Forwarded: " : "X-Forwarded-For: ";
    std::string client = kStrangers[random.below(kStrangers.size())];
    bool is_six = client.find(':') != std::string::npos;
    auto node = [&](const std::string& address) {
      bool is_v6 = address.find(':') != std::string::npos;
      std::string port = random.below(3) == 0 ? ":4711" : "";
      if (!is_forwarded)
        return is_v6 && !port.empty() ? "[" + address + "]" + port : address + port;
      std::string text = is_v6 ? "[" + address + "]" + port : address + port;
      return "for=" + (is_v6 || !port.empty() ? "\"" + text + "\"" : text) + ";proto=http";
    };
    // The proxy that the stranger reached, and perhaps another one behind it.
    std::string lines = name + random_rubbish(random);
    for (const std::string& appended : {node(client), node(random.of(kTrusted))}) {
      lines += random.below(3) == 0 ? "\r\n" + name + appended : ", " + appended;
      if (random.below(3) == 0) break;
    }
    ClientIdentity identity = identify(
        lines + "\r\n", is_forwarded ? ClientIpFrom::kForwarded : ClientIpFrom::kXForwardedFor);
    std::string expected = *address_of(is_six ? "[" + client + "]" : client);
    if (identity.client.ip_text() != expected) {
      CAPTURE(lines);
      CHECK(identity.client.ip_text() == expected);
    }
    CHECK(identity.scheme == Scheme::kHttp);
  }
}
