#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;

namespace {

TrustPolicy policy_of(ClientIpFrom from) {
  TrustPolicy policy;
  policy.client_ip_from = from;
  for (const char* cidr : {"10.0.0.0/8", "fd00::/8"})
    policy.trusted_proxies.push_back(*Cidr::parse(cidr));
  return policy;
}

ClientIdentity identify(std::string_view lines, ClientIpFrom from = ClientIpFrom::kXForwardedFor,
                        std::string_view peer = "10.0.0.1") {
  RequestHead head;
  REQUIRE(outcome(parse(with_fields(lines), head)) == "ok");
  return identify_client(head, *IpAddress::parse(peer, 5), Scheme::kHttp, policy_of(from));
}

}  // namespace

TEST_CASE("R15: the client is the right-most address that is not trusted") {
  struct Row {
    std::string_view value;
    std::string_view client;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"192.0.2.7", "192.0.2.7"},
           {"198.51.100.1, 192.0.2.7", "192.0.2.7"},
           {"198.51.100.1, 192.0.2.7, 10.1.1.1", "192.0.2.7"},
           {"192.0.2.7,10.1.1.1,\t10.2.2.2 ", "192.0.2.7"},
           {"10.3.3.3, 10.2.2.2", "10.3.3.3"},
           {"10.3.3.3", "10.3.3.3"},
           {"", "10.0.0.1"},
           {",", "10.0.0.1"},
           {"192.0.2.7, , 10.2.2.2,", "192.0.2.7"},
           {"garbage", "10.0.0.1"},
           {"192.0.2.7, garbage", "10.0.0.1"},
           {"192.0.2.7, garbage, 10.2.2.2", "10.2.2.2"},
           {"garbage, 192.0.2.7", "192.0.2.7"},
           {"\", 192.0.2.7", "192.0.2.7"},
           {"\"\\, 192.0.2.7, 10.2.2.2", "192.0.2.7"},
           {"unknown, 10.2.2.2", "10.2.2.2"},
           {"192.0.2.7:1234", "192.0.2.7"},
           {"2001:db8::7", "2001:db8::7"},
           {"[2001:db8::7]:443, fd00::1", "2001:db8::7"},
           {"[2001:db8::7]", "2001:db8::7"},
           {"[2001:db8::7", "10.0.0.1"},
           {"[2001:db8::7]x", "10.0.0.1"},
           {"192.0.2.256", "10.0.0.1"},
           {"192.0.2.7 10.1.1.1", "10.0.0.1"},
           {"192.0.2.7:", "10.0.0.1"},
           {"192.0.2.7:x", "10.0.0.1"},
           {"192.0.2.7:_x", "192.0.2.7"},
           {"192.0.2.7:_", "10.0.0.1"},
           {"192.0.2.7:123456", "10.0.0.1"},
           {"[2001:db8::7]:x", "10.0.0.1"},
       }) {
    CAPTURE(row.value);
    ClientIdentity identity = identify("X-Forwarded-For: " + std::string(row.value) + "\r\n");
    CHECK(identity.client.ip_text() == row.client);
    CHECK(identity.is_peer_trusted);
  }
}

TEST_CASE("R15: several X-Forwarded-For fields are one list") {
  CHECK(identify("X-Forwarded-For: 192.0.2.8\r\nX: y\r\nX-Forwarded-For: 192.0.2.7, 10.1.1.1\r\n")
            .client.ip_text() == "192.0.2.7");
  CHECK(identify("X-Forwarded-For: 192.0.2.8\r\nX-Forwarded-For: 10.1.1.1\r\n").client.ip_text() ==
        "192.0.2.8");
}

TEST_CASE("R15: a peer that is not trusted is the client, whatever it says") {
  std::string_view lines =
      "X-Forwarded-For: 192.0.2.8\r\nForwarded: for=192.0.2.8;proto=https\r\n"
      "X-Forwarded-Proto: https\r\n";
  for (ClientIpFrom from : {ClientIpFrom::kXForwardedFor, ClientIpFrom::kForwarded}) {
    ClientIdentity identity = identify(lines, from, "192.0.2.1");
    CHECK(identity.client.ip_text() == "192.0.2.1");
    CHECK_FALSE(identity.is_peer_trusted);
    CHECK(identity.scheme == Scheme::kHttp);
  }
  RequestHead head;
  REQUIRE(outcome(parse(with_fields(lines), head)) == "ok");
  TrustPolicy everybody;
  everybody.trusted_proxies.push_back(*Cidr::parse("0.0.0.0/0"));
  ClientIdentity unix_peer = identify_client(head, IpAddress(), Scheme::kHttp, everybody);
  CHECK_FALSE(unix_peer.is_peer_trusted);
}

TEST_CASE("R15: the client from Forwarded") {
  struct Row {
    std::string_view value;
    std::string_view client;
    Scheme scheme = Scheme::kHttp;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"for=192.0.2.7", "192.0.2.7"},
           {"For=\"192.0.2.7:80\";proto=https", "192.0.2.7", Scheme::kHttps},
           {"for=\"[2001:db8::7]:443\"; proto=HTTPS", "2001:db8::7", Scheme::kHttps},
           {"for=198.51.100.1, for=192.0.2.7, for=\"[fd00::1]\"", "192.0.2.7"},
           {"by=10.9.9.9;for=192.0.2.7;host=\"a,b;for=1.1.1.1\"", "192.0.2.7"},
           {"for=192.0.2.7;proto=https, for=10.1.1.1;proto=http", "192.0.2.7"},
           // A client's Host, quoted by the proxy that we trust.
           {R"(host="x\";for=1.1.1.1;y=\"";for=192.0.2.7)", "192.0.2.7"},
           {R"(host="x\", for=1.1.1.1, \"";for=192.0.2.7)", "192.0.2.7"},
           {R"(host="x\\";for=192.0.2.7)", "192.0.2.7"},
           {R"(for="1.1.1.1\", for=192.0.2.7)", "192.0.2.7"},
           {"for=unknown, for=10.1.1.1", "10.1.1.1"},
           {"for=_hidden", "10.0.0.1"},
           {"proto=https", "10.0.0.1", Scheme::kHttps},
           {"for=\"1.1.1.1, for=192.0.2.7", "192.0.2.7"},
           {"for=192.0.2.7, for=\"", "10.0.0.1"},
           {"192.0.2.7", "10.0.0.1"},
       }) {
    CAPTURE(row.value);
    ClientIdentity identity =
        identify("Forwarded: " + std::string(row.value) + "\r\nX-Forwarded-For: 9.9.9.9\r\n",
                 ClientIpFrom::kForwarded);
    CHECK(identity.client.ip_text() == row.client);
    CHECK(identity.scheme == row.scheme);
  }
}

TEST_CASE("R15: the scheme from a trusted peer") {
  CHECK(identify("X-Forwarded-Proto: https\r\n").scheme == Scheme::kHttps);
  CHECK(identify("X-Forwarded-Proto: HTTPS\r\n").scheme == Scheme::kHttps);
  CHECK(identify("X-Forwarded-Proto: http, https\r\n").scheme == Scheme::kHttps);
  CHECK(identify("X-Forwarded-Proto: https, http\r\n").scheme == Scheme::kHttp);
  CHECK(identify("X-Forwarded-Proto: wss\r\n").scheme == Scheme::kHttp);
  CHECK(identify("").scheme == Scheme::kHttp);
}
