// Every class of complaint with its place and its words. One snippet, all of its errors.
#include <doctest/doctest.h>

#include <algorithm>

#include "load_fixture.h"

namespace weir::config::test {
namespace {

struct Case {
  std::string snippet;
  std::vector<std::string> errors;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.snippet);
    CHECK(joined(errors_of(load(c.snippet))) == joined(c.errors));
  }
}

// A route or pool in which only the interesting line differs.
std::string route(const std::string& lines) {
  return "[[route]]\n" + lines + "\n" + std::string(kPool);
}
std::string pool(const std::string& lines) { return "[pool.a]\nbackends = []\n" + lines; }

constexpr const char* kDuration =
    "(expected a duration of one number and one of ms, s, m, h, such as \"250ms\" or \"30s\"";

}  // namespace

TEST_CASE("unknown keys and sections") {
  check({
      {"[server]\nnmae = \"a\"",
       {"2:1: unknown key \"nmae\" in [server] (did you mean \"name\"?)"}},
      {"[server]\nzebra = 1", {"2:1: unknown key \"zebra\" in [server]"}},
      {"[server]\nlevel = \"info\"",
       {"2:1: unknown key \"level\" in [server] (did you mean \"level\" in [log]?)"}},
      {"[server]\nmaxconn = 1",
       {"2:1: unknown key \"maxconn\" in [server] (did you mean \"max_connections\"?)"}},
      {"workers = 1",
       {"1:1: unknown key \"workers\" in the top level (did you mean \"workers\" in [server]?)"}},
      {"[sevrer]\nname = \"a\"", {"1:2: unknown section [sevrer] (did you mean [server]?)"}},
      {"[backend.web]\nservers = []",
       {"1:2: unknown section [backend] (did you mean [pool.web]?)"}},
      {"[frontend.a]\nbind = []", {"1:2: unknown section [frontend] (did you mean [listener.a]?)"}},
      {"[[location]]\nhost = \"a\"", {"1:3: unknown section [location] (did you mean [[route]]?)"}},
      {"[defaults]", {"1:2: unknown section [defaults] (did you mean [pool_defaults]?)"}},
      {"[zebra]", {"1:2: unknown section [zebra]"}},
      {pool("maxconn = 1"),
       {"3:1: unknown key \"maxconn\" in [pool.a] (weir's word is \"max_in_flight\", which is not "
        "available in this version)"}},
      {pool("timeouts = { conect = \"1s\" }"),
       {"3:14: unknown key \"conect\" in timeouts (did you mean \"connect\"?)"}},
      {pool("queue = { timout = \"1s\" }"),
       {"3:11: unknown key \"timout\" in queue (weir's word is \"timeout\", which is not available "
        "in this version)"}},
      {pool("response_timeout = \"1s\""),
       {"3:1: unknown key \"response_timeout\" in [pool.a] (did you mean "
        "\"timeouts.response_head\"?)"}},
      {"[pool.a]\nservers = []",
       {"2:1: unknown key \"servers\" in [pool.a] (did you mean \"backends\"?)"}},
      {"[timeouts]\n\"timeout connect\" = \"5s\"",
       {"2:1: unknown key \"timeout connect\" in [timeouts] (did you mean \"connect\"?)"}},
      {"[timeouts]\nproxy_read_timeout = \"5s\"",
       {"2:1: unknown key \"proxy_read_timeout\" in [timeouts] (did you mean \"response_head\"?)"}},
      {route("host = \"a\"\nproxy_pass = \"zz\""),
       {"3:1: unknown key \"proxy_pass\" in [[route]] (did you mean \"pool\"?)"}},
      {route("server_name = \"a\"\npool = \"zz\""),
       {"2:1: unknown key \"server_name\" in [[route]] (did you mean \"host\"?)"}},
      {route("host = \"a\"\nlocation = \"/a\"\npool = \"zz\""),
       {"3:1: unknown key \"location\" in [[route]] (did you mean \"path\"?)"}},
  });
}

TEST_CASE("wrong types say what was expected") {
  std::string duration = kDuration;
  check({
      {"[server]\nname = 3",
       {"2:8: name is the integer 3 (expected 1 to 64 letters, digits, \"-\", \".\" and \"_\")"}},
      {"[server]\nworkers = \"4\"",
       {"2:11: workers is \"4\" (expected a whole number from 0 to 1024; did you mean 4?)"}},
      {"[server]\nworkers = 1.5",
       {"2:11: workers is a number with a fraction (expected a whole number from 0 to 1024)"}},
      {"[server]\nworkers = -1",
       {"2:11: workers is the integer -1 (expected a whole number from 0 to 1024)"}},
      {"[server]\ndrain_timeout = 30",
       {"2:17: drain_timeout is the integer 30 " + duration + "; did you mean \"30s\"?)"}},
      {"[server]\ndrain_timeout = \"30 sec\"",
       {"2:17: drain_timeout is \"30 sec\" " + duration + "; did you mean \"30s\"?)"}},
      {"[server]\ndrain_timeout = \"1min\"",
       {"2:17: drain_timeout is \"1min\" " + duration + "; did you mean \"1m\"?)"}},
      {"[server]\ndrain_timeout = \"soon\"", {"2:17: drain_timeout is \"soon\" " + duration + ")"}},
      {"[server]\ndrain_timeout = [\"1s\"]", {"2:17: drain_timeout is a list " + duration + ")"}},
      {"[server]\ndrain_timeout = 2026-11-20",
       {"2:17: drain_timeout is a date or time " + duration + ")"}},
      {"[listener.a]\nbind = [\":0\"]\ndefer_accept = \"off\"",
       {"3:16: defer_accept is \"off\" (expected true or false; did you mean false?)"}},
      {"[routes]\nwatch = 1",
       {"2:9: watch is the integer 1 (expected true or false; did you mean true?)"}},
      {"[limits]\nhead_bytes = \"64k\"",
       {"2:14: head_bytes is \"64k\" (expected bytes, or a size such as \"32KiB\" or \"8MiB\"; did "
        "you mean \"64KiB\"?)"}},
      {"[limits]\nhead_bytes = true",
       {"2:14: head_bytes is true (expected bytes, or a size such as \"32KiB\" or \"8MiB\")"}},
      {"[limits]\nbody_bytes = -1",
       {"2:14: body_bytes is the integer -1 (expected bytes, or a size such as \"32KiB\" or "
        "\"8MiB\")"}},
      {pool("retry_budget = 20"),
       {"3:16: retry_budget is the integer 20 (expected a percentage from \"0%\" to \"100%\"; did "
        "you mean \"20%\"?)"}},
      {"[log]\naccess = false",
       {"2:10: access is false (expected \"off\", \"stdout\" or a file such as "
        "\"log/access.log\"; did you mean \"off\"?)"}},
      {"[log]\naccess = \"stdot\"",
       {"2:10: access is \"stdot\" (expected \"off\", \"stdout\" or a file such as "
        "\"log/access.log\"; did you mean \"stdout\"?)"}},
      {"[log]\naccess = \"log/\"",
       {"2:10: access is \"log/\" (expected \"off\", \"stdout\" or a file such as "
        "\"log/access.log\")"}},
      {pool("balance = true"),
       {"3:11: balance is true (expected \"least_loaded\", \"round_robin\" or "
        "\"least_requests\")"}},
      {pool("timeouts = \"5s\""), {"3:12: timeouts is \"5s\" (expected a table: { … })"}},
      {"[server]\nuser = 3", {"2:8: user is the integer 3 (expected a user's name: \"weir\")"}},
      {"[server]\nuser = \"no-such-user\"",
       {"2:8: user: \"no-such-user\" is no user of this machine (expected one that getent passwd "
        "knows; make it with adduser --system --group no-such-user)"}},
      {"[server]\nuser = \"root:root\"",
       {"2:8: user: \"root:root\" names a group, too (expected the user alone: \"root\")"}},
      {"[pool.a]\nbackends = []\nkeepalive = 32",
       {"3:13: keepalive is the integer 32 (expected true or false; how many are kept is max_idle "
        "= 32)"}},
      {"[metrics]\nmax_routes = \"1000\"",
       {"2:14: max_routes is \"1000\" (expected a whole number from 0 to 1000000; did you mean "
        "1000?)"}},
      {"[admin]\nhosts = \"a\"",
       {"2:9: hosts is \"a\" (expected a list of host names: [\"weir.example.com\"]; did you mean "
        "[\"a\"]?)"}},
      {"server = 3", {"1:10: server is the integer 3 (expected a section: [server])"}},
      {"[[server]]",
       {"1:1: server is in double brackets, [[server]] (expected a section: [server])"}},
      {"[route]\nhost = \"a\"",
       {"1:1: route is a table (expected double brackets, one [[route]] for each)"}},
      {"[pool]\nbackends = []",
       {"2:1: [pool] has no name (expected a section: [pool.NAME], such as [pool.web])"}},
      {"[listener]\nbind = []",
       {"2:1: [listener] has no name (expected a section: [listener.NAME], such as "
        "[listener.public])"}},
      {"pages = 1", {"1:9: pages is the integer 1 (expected a section: [pages])"}},
  });
}

TEST_CASE("values out of range") {
  check({
      {"[server]\nname = \"\"",
       {"2:8: name is \"\" (expected 1 to 64 letters, digits, \"-\", \".\" and \"_\")"}},
      {"[server]\nname = \"a b\"",
       {"2:8: name is \"a b\" (expected 1 to 64 letters, digits, \"-\", \".\" and \"_\")"}},
      {"[server]\nworkers = 1025",
       {"2:11: workers is the integer 1025 (expected a whole number from 0 to 1024)"}},
      {"[timeouts]\nconnect = \"0s\"", {"2:11: connect is \"0s\" (expected more than \"0s\")"}},
      {"[limits]\nhead_bytes = 10\nrequest_line_bytes = \"2MiB\"",
       {"2:14: head_bytes is the integer 10 (expected from 256 to \"1MiB\")",
        "3:22: request_line_bytes is \"2MiB\" (expected from 64 to \"1MiB\")"}},
      {"[limits]\nhead_bytes = \"4KiB\"",
       {"2:14: head_bytes is less than request_line_bytes (expected as much at least: the request "
        "line is part of the head)"}},
      {"[log]\nlevel = \"warning\"",
       {"2:9: level is \"warning\" (expected \"error\", \"warn\", \"info\" or \"debug\"; did you "
        "mean "
        "\"warn\"?)"}},
      {pool("balance = \"leastconn\""),
       {"3:11: balance is \"leastconn\" (expected \"least_loaded\", \"round_robin\" or "
        "\"least_requests\"; did you mean \"least_requests\"?)"}},
      {pool("balance = \"zebra\""),
       {"3:11: balance is \"zebra\" (expected \"least_loaded\", \"round_robin\" or "
        "\"least_requests\")"}},
      {pool("host = \"a b\""),
       {"3:8: host: \"a b\" has the character \" \" (expected letters, digits, - and _)"}},
      {pool("hash_on = \"header\""),
       {"3:11: hash_on is \"header\" (expected \"client_ip\", \"path\", \"header:NAME\" or "
        "\"cookie:NAME\")"}},
      {"[pool.-a]\nbackends = []",
       {"1:7: the name \"-a\" (expected letters, digits, \".\", \"_\" and \"-\", beginning with a "
        "letter or digit)"}},
      {"[listener.\"a b\"]\nbind = [\":0\"]",
       {"1:11: the name \"a b\" (expected letters, digits, \".\", \"_\" and \"-\", beginning with "
        "a "
        "letter or digit)"}},
      {"[listener.a]\nbind = [\":0\"]\nupgrades = [\"h2c\", \"a b\"]",
       {"3:13: upgrades: \"h2c\" is never tunnelled",
        "3:20: upgrades is \"a b\" (expected a protocol's name such as \"websocket\")"}},
      {"[listener.a]\nbind = [\":0\"]\nclient_ip_from = \"X-Forwarded-For\"",
       {"3:18: client_ip_from is \"X-Forwarded-For\" (expected \"x-forwarded-for\" or "
        "\"forwarded\"; "
        "did you mean \"x-forwarded-for\"?)"}},
  });
}

TEST_CASE("addresses to bind") {
  std::string forms =
      "(expected a list of addresses such as [\":8080\"], \"192.0.2.1:80\", \"[::]:80\" or "
      "\"unix:PATH\"";
  auto bind = [](const std::string& value) { return "[listener.a]\nbind = " + value; };
  check({
      {bind("8080"), {"2:8: bind is the integer 8080 " + forms + "; did you mean [\":8080\"]?)"}},
      {bind("\"8080\""), {"2:8: bind is \"8080\" " + forms + "; did you mean [\":8080\"]?)"}},
      {bind("\":8080\""), {"2:8: bind is \":8080\" " + forms + "; did you mean [\":8080\"]?)"}},
      {bind("[8080]"), {"2:9: bind is the integer 8080 " + forms + "; did you mean \":8080\"?)"}},
      {bind("[\"8080\"]"),
       {"2:9: bind: \"8080\" has no port " + forms + "; did you mean \":8080\"?)"}},
      {bind("[\"*:80\"]"),
       {"2:9: bind: \"*\" is not an IP address " + forms + "; did you mean \":80\"?)"}},
      {bind("[\"localhost:80\"]"),
       {"2:9: bind is \"localhost:80\" (expected an IP address with its port, or a port alone: "
        "\":8080\"; did you mean \"127.0.0.1:80\"?)"}},
      {bind("[\":99999\"]"),
       {"2:9: bind is \":99999\" (expected a port from 0 to 65535, as in \":8080\")"}},
      {bind("[\"127.0.0.1\"]"),
       {"2:9: bind: \"127.0.0.1\" has no port " + forms + "; did you mean \"127.0.0.1:80\"?)"}},
      {bind("[\"unix:\"]"), {"2:9: bind: \"unix:\" names no socket path " + forms + ")"}},
      {bind("[\"unix:" + std::string(200, 'a') + "\"]"),
       {"2:9: bind: \"unix:" + std::string(200, 'a') + "\" is too long for a socket path " + forms +
        ")"}},
      {bind("[true]"), {"2:9: bind is true " + forms + ")"}},
      {bind("[]"), {"2:8: bind: is empty (expected an address: [\":8080\"])"}},
      {"[listener.a]", {"1:11: [listener.a] without bind (expected bind = [\":8080\"])"}},
      {bind("[\":81\", \":81\"]"),
       {"2:16: bind: \":81\" is taken by [listener.a] (\":81\", weir.toml:2:9)"}},
      {bind("[\":81\"]\n[listener.b]\nbind = [\"0.0.0.0:81\", \"[::]:81\"]"),
       {"4:9: bind: \"0.0.0.0:81\" is taken by [listener.a] (\":81\", weir.toml:2:9)",
        "4:23: bind: \"[::]:81\" is taken by [listener.a] (\":81\", weir.toml:2:9)"}},
      {bind("[\"127.0.0.1:8042\"]"),
       {"2:9: bind: \"127.0.0.1:8042\" is taken by [admin] (\"127.0.0.1:8042\", its default)"}},
      {bind("[\"unix:a\", \"unix:a\"]"),
       {"2:19: bind: \"unix:a\" is taken by [listener.a] (\"unix:a\", weir.toml:2:9)"}},
      {bind("[\":0\", \":0\", \"0.0.0.0:82\", \"[::]:82\", \"127.0.0.1:0\"]"), {}},
      {bind("[\":0\"]\ntrusted_proxies = [\"10.0.0.0/33\", 1]"),
       {"3:20: trusted_proxies: \"10.0.0.0/33\" has no valid prefix length (expected a list of "
        "address blocks such as [\"10.0.0.0/8\", \"::1\"])",
        "3:35: trusted_proxies is the integer 1 (expected a list of address blocks such as "
        "[\"10.0.0.0/8\", \"::1\"])"}},
      {"[admin]\nbind = [\"unix:admin.sock\", \"127.0.0.2:1\", \"[::1]:1\"]", {}},
  });
}

TEST_CASE("backends") {
  std::string forms =
      "(expected a list of \"IP:PORT\", \"[IPv6]:PORT\", \"unix:PATH\" or { address = \"IP:PORT\" "
      "}";
  std::string no_names =
      ": host names are not available in this version (expected an IP address: \"127.0.0.1:9001\")";
  auto backends = [](const std::string& list) { return "[pool.a]\nbackends = " + list; };
  check({
      {backends("\"127.0.0.1:1\""),
       {"2:12: backends is \"127.0.0.1:1\" " + forms + "; did you mean [\"127.0.0.1:1\"]?)"}},
      {backends("[9001]"), {"2:13: backends is the integer 9001 " + forms + ")"}},
      {backends("[\"runner.internal:9003\"]"),
       {"2:13: backends: \"runner.internal:9003\"" + no_names}},
      {backends("[\"localhost:1\"]"),
       {"2:13: backends: \"localhost:1\": host names are not available in this version (expected "
        "an "
        "IP address; did you mean \"127.0.0.1:1\"?)"}},
      {backends("[\"http://127.0.0.1:1\"]"),
       {"2:13: backends: \"http://127.0.0.1:1\" is a URL (expected the address alone: weir speaks "
        "plain HTTP to backends; did you mean \"127.0.0.1:1\"?)"}},
      {backends("[\"127.0.0.1\"]"),
       {"2:13: backends: \"127.0.0.1\" has no port " + forms +
        "; did you mean \"127.0.0.1:80\"?)"}},
      {backends("[\"127.0.0.1:0\"]"),
       {"2:13: backends: \"127.0.0.1:0\" has port 0 (expected the backend's own port, from 1 to "
        "65535)"}},
      {backends("[\"0.0.0.0:1\"]"),
       {"2:13: backends: \"0.0.0.0:1\" is where one listens, not where one connects to (expected "
        "the backend's own address: 127.0.0.1 on this machine)"}},
      {backends("[\"127.0.0.1:1\", { address = \"127.0.0.1:1\" }]"),
       {"2:28: backends: 127.0.0.1:1 stands here twice, first at weir.toml:2:13"}},
      {backends("[{ address = \"127.0.0.1:1\", weight = 3, backup = true }]"), {}},
      {backends("[{ address = \"127.0.0.1:1\", weight = 0, backup = 1 }]"),
       {"2:49: backends.weight is the integer 0 (expected a whole number from 1 to 256)",
        "2:61: backends.backup is the integer 1 (expected true or false; did you mean true?)"}},
      {backends("[{ address = \"127.0.0.1:1\", weight = 1, backup = false }]"), {}},
      {backends("[{ adress = \"127.0.0.1:1\" }]"),
       {"2:15: unknown key \"adress\" in backends (did you mean \"address\"?)"}},
      {backends("[{ address = \"app:1\" }]"), {"2:25: backends.address: \"app:1\"" + no_names}},
      {backends("[\"app:1\", 3, \"::1:1\"]"),
       {"2:13: backends: \"app:1\"" + no_names, "2:22: backends is the integer 3 " + forms + ")",
        "2:25: backends: \"::1:1\" needs brackets around its IPv6 address: [2001:db8::1]:80 " +
            forms + "; did you mean \"[::1]:1\"?)"}},
  });
}

TEST_CASE("routes") {
  check({
      {route("host = \"a\"\npool = \"wbe\"") + "[pool.web]\nbackends = []",
       {"3:8: unknown pool \"wbe\" (did you mean \"web\"?)"}},
      {route("host = \"a\"\npool = \"elsewhere\""),
       {"3:8: unknown pool \"elsewhere\" (expected a [pool.elsewhere], or one of \"zz\")"}},
      {route("host = \"a\"\npool = \"\""), {"3:8: pool is \"\" (expected a pool's name)"}},
      {route("host = \"a\"\npool = 3"), {"3:8: pool is the integer 3 (expected a string)"}},
      {route("host = \"a\"\nhosts = [\"b\"]\npool = \"zz\""),
       {"3:9: hosts beside host (expected one of them: put host into hosts)"}},
      {route("host = [\"a\"]\npool = \"zz\""),
       {"2:8: host is a list (expected one host name; hosts = […] takes several)"}},
      {route("hosts = \"a\"\npool = \"zz\""),
       {"2:9: hosts is \"a\" (expected a list of host names: [\"www.example.com\"]; did you mean "
        "[\"a\"]?)"}},
      {route("hosts = []\npool = \"zz\""),
       {"2:9: hosts: is empty (expected a host name, or \"*\" for every host)"}},
      {route("hosts = [\"a:80\", \"http://a\"]\npool = \"zz\""),
       {"2:10: hosts: \"a:80\" has a port (expected the host alone: hosts match on every port; did "
        "you mean \"a\"?)",
        "2:18: hosts: \"http://a\" has a scheme (expected the host alone; scheme = \"https\" "
        "narrows a route; did you mean \"a\"?)"}},
      {route("host = \"a\"\npath = \"api\"\npool = \"zz\""),
       {"3:8: path: \"api\" does not begin with \"/\" (did you mean \"/api\"?)"}},
      {route("host = \"a\"\nscheme = \"ftp\"\npool = \"zz\""),
       {"3:10: scheme is \"ftp\" (expected \"http\" or \"https\")"}},
      {route("host = \"a\"\nname = \"a\\nb\"\npool = \"zz\""),
       {"3:8: name is \"a\\nb\" (expected one line of at most 200 bytes)"}},
      {route("host = \"a\"\npool = \"zz\"\nredirect = \"https://b\""),
       {"1:1: a route with several actions (expected pool alone: a request goes to one place)",
        "4:12: redirect is not available in this version"}},
      {route("host = \"a\"\nrespond = { status = 503 }"),
       {"3:11: respond is not available in this version"}},
      {"route = [3]", {"1:9: route is a list (expected double brackets, one [[route]] for each)"}},
      {"route = []", {}},
  });
}

TEST_CASE("what is not TOML stops the file at its place") {
  auto first = [](const std::string& text) { return errors_of(load_text(text, "weir.toml")); };
  CHECK(first("[server]\nworkers = \n") ==
        std::vector<std::string>{"2:9: no value behind the = (expected one, or delete the line)"});
  // Shortened between characters (found by fuzzing).
  std::string long_word(59, 'y');
  CHECK(first("[server]\nname = " + long_word + "\xc3\xa4yy\n")[0].find(
            long_word + "\xc3\xa4 stands without") != std::string::npos);
  CHECK(first("[server]\nname = weir\n")[0].find("stands without quotation marks") !=
        std::string::npos);
  CHECK(first("[server]\ndrain_timeout = 30s\n")[0].find("stands without quotation marks") !=
        std::string::npos);
  CHECK(first("[pool_defaults]\nqueue = {\nsize = 1 }\n")[0].find("stands on one line") !=
        std::string::npos);
  CHECK(first("[server]\n[server]\n")[0].find("[server] stands here twice, first in line 1") !=
        std::string::npos);
  CHECK(first("[route]\nhost = \"a\"\n[route]\n")[0].find("(each route is a [[route]])") !=
        std::string::npos);
  CHECK(first("a = \"\xff\"")[0].starts_with("1:6: a byte that is no UTF-8"));
  CHECK(first("zebra = 1\n[server\n").size() == 1);
}

TEST_CASE("without a listener there is nothing to run") {
  CHECK(errors_of(load_text("", "weir.toml")) ==
        std::vector<std::string>{
            " no listener (expected [listener.public] with bind = [\":8080\"])"});
}

TEST_CASE("all errors come in one run, in order of lines") {
  Loaded loaded = load(
      "[pool.a]\nbackends = [1]\n[server]\nworkers = \"x\"\nzebra = 1\n[[route]]\nhost = 3\npool = "
      "\"b\"\n");
  CHECK(!loaded.config);
  CHECK(loaded.dump.empty());
  std::vector<unsigned> lines;
  for (const Diagnostic& error : loaded.errors) lines.push_back(error.place.line);
  CHECK(lines == std::vector<unsigned>{2, 4, 5, 7, 8});
}

TEST_CASE("a comment that is no UTF-8 is told as such, and not mended without end") {
  check({
      {"[server]\nworkers = 2  # f\xfcr zwei Kerne",
       {"2:17: a byte that is no UTF-8 (expected UTF-8: save the file so)"}},
      {"_=true#\xff", {"1:8: a byte that is no UTF-8 (expected UTF-8: save the file so)"}},
      {"# \u00e4\n\xe4 = 1", {"2:1: a byte that is no UTF-8 (expected UTF-8: save the file so)"}},
  });
}

TEST_CASE("a complaint about the end of the file stands within its line") {
  std::string text = "[a.\"\"\"b] c = true }]\nr[oute]\"\nd]\n";
  std::string line = "e = [\"f = \"web\"";
  Loaded loaded = load_text(text + line + "\n", "weir.toml");
  REQUIRE(loaded.errors.size() == 1);
  CHECK(loaded.errors[0].place.line == 4);
  CHECK(loaded.errors[0].place.column <= line.size() + 1);
}

TEST_CASE("control bytes of a file do not get into messages") {
  for (const char* snippet :
       {"[pool.a]\nbackends = \x1b[2J", "\"\\u001b[2J\" = 1", "[\"\\u007f\"]"}) {
    CAPTURE(snippet);
    Loaded loaded = load(snippet);
    REQUIRE(!loaded.errors.empty());
    for (const Diagnostic& error : loaded.errors) {
      CAPTURE(error.message);
      CHECK(std::none_of(error.message.begin(), error.message.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
    }
  }
}

}  // namespace weir::config::test
