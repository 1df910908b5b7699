#include "support.h"

using namespace weir;
using namespace weir::http;
using namespace weir::http::test;
using namespace std::string_literals;

TEST_CASE("R13, R16: names are recognised in any case, aliases as such") {
  using enum FieldId;
  struct Row {
    std::string_view name;
    FieldId id;
  };
  for (const Row& row : std::initializer_list<Row>{{"Host", kHost},
                                                   {"Content-Length", kContentLength},
                                                   {"Transfer-Encoding", kTransferEncoding},
                                                   {"Connection", kConnection},
                                                   {"Keep-Alive", kKeepAlive},
                                                   {"Proxy-Connection", kProxyConnection},
                                                   {"TE", kTe},
                                                   {"Trailer", kTrailer},
                                                   {"Upgrade", kUpgrade},
                                                   {"HTTP2-Settings", kHttp2Settings},
                                                   {"Expect", kExpect},
                                                   {"Max-Forwards", kMaxForwards},
                                                   {"Via", kVia},
                                                   {"Forwarded", kForwarded},
                                                   {"X-Forwarded-For", kXForwardedFor},
                                                   {"X-Forwarded-Proto", kXForwardedProto},
                                                   {"X-Forwarded-Host", kXForwardedHost},
                                                   {"X-Forwarded-Port", kXForwardedPort},
                                                   {"X-Request-ID", kXRequestId},
                                                   {"traceparent", kTraceparent},
                                                   {"Date", kDate},
                                                   {"Authorization", kAuthorization},
                                                   {"Cookie", kCookie},
                                                   {"User-Agent", kUserAgent},
                                                   {"Referer", kReferer},
                                                   {"Accept", kAccept},
                                                   {"Server", kServer},
                                                   {"Location", kLocation},
                                                   {"Origin", kOrigin},
                                                   {"X_Forwarded_For", kGatewayAlias},
                                                   {"Content_Length", kFramingAlias},
                                                   {"transfer_Encoding", kFramingAlias},
                                                   {"User_Agent", kOther},
                                                   {"Keep_Alive", kOther},
                                                   {"", kOther},
                                                   {"Hos", kOther},
                                                   {"Hosts", kOther},
                                                   {"Content-Lengtg", kOther},
                                                   {"X-Forwarded-Fox", kOther},
                                                   {"Contenttlength", kOther}}) {
    CAPTURE(row.name);
    CHECK(field_id(row.name) == row.id);
    std::string upper(row.name);
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    CHECK(field_id(upper) == row.id);
  }
}

TEST_CASE("R13, R16: any one byte changed in a known name") {
  using enum FieldId;
  auto folded = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  auto is_alnum = [&](char c) {
    return (c >= '0' && c <= '9') || (folded(c) >= 'a' && folded(c) <= 'z');
  };
  // The known name nearest to `name`, read byte by byte.
  auto plain_id = [&](std::string_view name, std::string_view known) {
    bool is_exact = true;
    for (std::size_t i = 0; i < name.size(); ++i) {
      bool is_mark = known[i] == '-' && !is_alnum(name[i]);
      if (folded(name[i]) != known[i] && !is_mark) return kOther;
      is_exact &= folded(name[i]) == known[i];
    }
    if (is_exact) return field_id(known);
    if (known == "content-length" || known == "transfer-encoding") return kFramingAlias;
    bool is_vouching =
        known == "max-forwards" || known == "x-request-id" || known.starts_with("x-forwarded-");
    return is_vouching ? kGatewayAlias : kOther;
  };
  int others = 0;
  for (std::string known : {"te",
                            "via",
                            "host",
                            "date",
                            "accept",
                            "server",
                            "upgrade",
                            "location",
                            "forwarded",
                            "connection",
                            "user-agent",
                            "keep-alive",
                            "traceparent",
                            "x-request-id",
                            "max-forwards",
                            "authorization",
                            "content-length",
                            "http2-settings",
                            "x-forwarded-for",
                            "x-forwarded-host",
                            "x-forwarded-port",
                            "proxy-connection",
                            "x-forwarded-proto",
                            "transfer-encoding"}) {
    REQUIRE(field_id(known) != kOther);
    for (std::size_t i = 0; i < known.size(); ++i)
      for (int c = 0; c < 256; ++c) {
        std::string name = known;
        name[i] = static_cast<char>(c);
        FieldId id = field_id(name);
        others += id == kOther;
        if (id == plain_id(name, known)) continue;
        CAPTURE(name);
        CHECK(id == plain_id(name, known));
      }
    CHECK(field_id(known + "-") == kOther);
    CHECK(field_id(std::string_view(known).substr(1)) == kOther);
  }
  CHECK(others > 10'000);
}

TEST_CASE("R15, R16: X-Forwarded-* in any spelling") {
  for (std::string_view name : {"X-Forwarded-For", "x-forwarded-ssl", "X_Forwarded_Ssl",
                                "x_forwarded-PREFIX", "X.Forwarded-Server", "X-Forwarded-"}) {
    CAPTURE(name);
    CHECK(has_forwarded_prefix(name));
  }
  for (std::string_view name : {"", "X", "X-Forwarded", "XX-Forwarded-For", "X-Forward-For",
                                "X--Forwarded-For", "Forwarded"}) {
    CAPTURE(name);
    CHECK_FALSE(has_forwarded_prefix(name));
  }
}

TEST_CASE("R29: lists lose white space and empty members, and quotes hold commas") {
  auto members = [](std::string_view list) {
    std::string text;
    std::string_view member;
    while (next_list_member(list, member)) text += "<" + std::string(member) + ">";
    CHECK(list.empty());
    return text;
  };
  CHECK(members("") == "");
  CHECK(members(" \t,, ,\t") == "");
  CHECK(members("a") == "<a>");
  CHECK(members(",a ,\tb\t, c d,") == "<a><b><c d>");
  CHECK(members("a=\"b,c\", d") == "<a=\"b,c\"><d>");
  CHECK(members("\"a\\\",b\",c") == "<\"a\\\",b\"><c>");
  CHECK(members("\"a,b") == "<\"a,b>");
  CHECK(members("\"a\\") == "<\"a\\>");
}

TEST_CASE("R29: case") {
  CHECK(equals_ignoring_case("", ""));
  CHECK(equals_ignoring_case("Close", "cLOSE"));
  CHECK_FALSE(equals_ignoring_case("close", "closed"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));
  CHECK_FALSE(equals_ignoring_case("@", "`"));
}

TEST_CASE("R11: the path that routes see") {
  std::string scratch;
  auto matching = [&](std::string_view raw) { return std::string(matching_path(raw, scratch)); };
  CHECK(matching("/a") == "/a");
  CHECK(matching("/%61%2d%5F%7e%2E%30") == "/a-_~.0");
  CHECK(matching("/%2f%2F%25%20%00%80%c3") == "/%2f%2F%25%20%00%80%c3");
  CHECK(matching("/%2f%61") == "/%2fa");
  CHECK(matching("/%2561") == "/%2561");
  CHECK(matching("/%") == "/%");
  CHECK(matching("/%6") == "/%6");
  CHECK(matching("/%6g%61") == "/%6ga");
  CHECK(matching("%61") == "a");
  std::string raw = "/plain%2fpath";
  CHECK(matching_path(raw, scratch).data() == raw.data());
}

TEST_CASE("R11: a .. segment behind repeated encoding") {
  for (std::string_view path :
       {"/api/%252%65%252%65/admin", "/api/%25%32%65%25%32%65/admin", "/api/..%25%32%66admin",
        "/api/..%25%35%63admin", "/%%32%65./x", "/a/%2%65%2e", "/a/.%252525252e/b",
        "/a/..%2525252525252fb", "/a%25%32%35%32%66../b", "/a/..%253bx"}) {
    CAPTURE(path);
    CHECK(has_dot_dot_segment(path));
  }
  // Nothing to see, but too many rounds to look.
  CHECK_FALSE(has_dot_dot_segment("/%2525252578"));
  CHECK(has_dot_dot_segment("/%252525252578"));
  for (std::string_view path :
       {"/%61%62/%C3%A9%20x", "/a%2520b", "/%25", "/100%25/x", "/%252e", "/%2525", "/a%252e%252e",
        "/%252e%252e%252e", "/%25252", "/..%2", "/..%25%32%36"}) {
    CAPTURE(path);
    CHECK_FALSE(has_dot_dot_segment(path));
  }
}

TEST_CASE("R11: a .. segment, however encoded") {
  for (std::string_view path :
       {"/..",       "/../",      "/a/..",       "/a/../b",     "/a/%2e%2e/b",
        "/a/.%2E/b", "/a/%2e.",   "/a%2f..%2fb", "/a%2F%2e%2e", "/a\\..\\b",
        "/a%5c..",   "/a/..;x/b", "/a/..;",      "/a/..%3bx",   "/%252e%252e/",
        "/a%252f..", "/..%252f",  "/%25252e./",  "/a/..\\b",    "/%2e%2e"}) {
    CAPTURE(path);
    CHECK(has_dot_dot_segment(path));
  }
  for (std::string_view path : {"/", "/a", "/...", "/a..b", "/..a", "/a..", "/.", "/./", "/a/.;..",
                                "/%2e", "/%2e%2e%2e", "/a;..", "/%", "/%2", "/.%2", "", "*"}) {
    CAPTURE(path);
    CHECK_FALSE(has_dot_dot_segment(path));
  }
}
