// Random tables and requests against the contract's walk (CONTRACT §2, Hosts) written down naively.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "weir/base/rng.h"
#include "weir/route/explanation.h"

namespace {

using weir::Rng;
using weir::http::Scheme;
using weir::route::Explanation;
using weir::route::HostStep;
using weir::route::Outcome;
using weir::route::RouteStep;
using weir::route::RouteTable;
using weir::route::RouteTableEditor;

using SchemeChoice = int;  // 0 http, 1 https, 2 either
using Entries = std::map<std::tuple<std::string, std::string, SchemeChoice>, std::string>;

struct Request {
  std::string host;
  std::string raw_path;
  std::string decoded_path;
  bool has_dot_dot = false;
  Scheme scheme = Scheme::kHttp;
};

std::vector<std::string> patterns_for(const std::string& host) {
  std::vector<std::string> patterns;
  if (!host.empty()) {
    patterns = {host, "." + host};
    bool is_first = true;
    for (std::size_t dot = host.find('.'); dot != std::string::npos;
         dot = host.find('.', dot + 1)) {
      if (is_first) patterns.push_back("*" + host.substr(dot));
      patterns.push_back(host.substr(dot));
      is_first = false;
    }
  }
  patterns.push_back("*");
  return patterns;
}

bool is_below(const std::string& path, const std::string& prefix) {
  return path == prefix || path.rfind(prefix + "/", 0) == 0 || prefix.empty();
}

std::string expected(const Entries& entries, const Request& request) {
  if (entries.empty()) return "empty";
  auto own = static_cast<SchemeChoice>(request.scheme);
  for (const std::string& pattern : patterns_for(request.host)) {
    bool has_matched = false;
    bool has_paths = false;
    std::pair<std::size_t, bool> best;
    std::string label = "404";
    for (const auto& [key, route_label] : entries) {
      const auto& [host, path, scheme] = key;
      has_paths |= host == pattern && !path.empty();
      if (host != pattern || (scheme != 2 && scheme != own)) continue;
      has_matched = true;
      std::pair<std::size_t, bool> rank(path.size() + 1, scheme != 2);
      if (!is_below(request.decoded_path, path) || rank < best) continue;
      best = rank;
      label = route_label;
    }
    if (has_matched) return has_paths && request.has_dot_dot ? "400" : label;
  }
  return "404";
}

// A round takes its names from the first `labels` labels only and up to that depth: few labels make
// hosts with many paths, many make long walks.
std::string random_name(Rng& rng, std::uint32_t labels) {
  static const char* const kLabels[] = {"a", "b", "ab", "com", "x_1"};
  std::string name = kLabels[rng.below(labels)];
  for (std::uint32_t more = rng.below(labels); more > 0; --more) {
    name = std::string(kLabels[rng.below(labels)]) + "." + name;
  }
  return name;
}

std::string random_pattern(Rng& rng, std::uint32_t labels) {
  static const char* const kPrefixes[] = {"", "", "*.", "."};
  return rng.one_in(12) ? "*" : kPrefixes[rng.below(4)] + random_name(rng, labels);
}

const char* random_segment(Rng& rng) {
  static const char* const kSegments[] = {"a", "b", "a-b", "ab", "a.b", "%2F", "~"};
  return kSegments[rng.below(7)];
}

std::string random_route_path(Rng& rng) {
  std::string path;
  for (std::uint32_t more = rng.below(4); more > 0; --more) {
    path.append("/").append(random_segment(rng));
  }
  return path;
}

Request random_request(Rng& rng, std::uint32_t labels) {
  Request request;
  if (!rng.one_in(20)) request.host = random_name(rng, labels);
  request.scheme = rng.one_in(2) ? Scheme::kHttp : Scheme::kHttps;
  for (std::uint32_t more = rng.below(5); more > 0; --more) {
    if (rng.one_in(25)) {
      request.has_dot_dot = true;
      request.raw_path += rng.one_in(2) ? "/.." : "/%2e.";
      request.decoded_path += "/..";
      continue;
    }
    const char* segment = random_segment(rng);
    request.decoded_path.append("/").append(segment);
    request.raw_path += '/';
    for (const char* c = segment; *c != '\0'; ++c) {
      if (*c == 'a' && rng.one_in(4)) {
        request.raw_path += "%61";
      } else {
        request.raw_path += *c;
      }
    }
  }
  if (request.raw_path.empty() || rng.one_in(6)) {
    request.raw_path += '/';
    request.decoded_path += '/';
  }
  return request;
}

std::shared_ptr<const weir::route::RouteTable> random_table(Rng& rng, std::uint32_t labels,
                                                            Entries& entries) {
  RouteTableEditor editor(rng.next());
  for (std::uint32_t more = rng.below(40); more > 0; --more) {
    std::string pattern = random_pattern(rng, labels);
    std::string path = random_route_path(rng);
    auto choice = static_cast<SchemeChoice>(rng.below(3));
    weir::route::RouteKey key{pattern, path, std::nullopt};
    if (choice < 2) key.scheme = static_cast<Scheme>(choice);
    std::string label = pattern + path + std::to_string(choice);
    entries[{pattern, path, choice}] = label;
    editor.set(key, {editor.add_route(std::make_shared<const weir::route::Route>(
                       weir::route::Route{label})),
                   0});
    if (rng.one_in(8)) editor.publish();
  }
  return editor.publish();
}

TEST_CASE("random tables answer as the contract's walk does") {
  Rng rng(20261120);
  for (int round = 0; round < 400; ++round) {
    std::uint32_t labels = 1 + rng.below(5);
    Entries entries;
    auto table = random_table(rng, labels, entries);
    std::string scratch;
    for (int i = 0; i < 50; ++i) {
      Request request = random_request(rng, labels);
      auto match = table->find(request.host, request.raw_path, request.scheme, scratch);
      std::string found = match.outcome == Outcome::kMatched      ? (*match.route)->label.str()
                          : match.outcome == Outcome::kUnsafePath ? "400"
                          : match.outcome == Outcome::kTableEmpty ? "empty"
                                                                  : "404";
      CAPTURE(round);
      CAPTURE(request.host);
      CAPTURE(request.raw_path);
      REQUIRE(found == expected(entries, request));
    }
  }
}

// What explain() says of each host that covers the request's, from the entries alone.
void check_hosts(const Entries& entries, const Request& request, const Explanation& explanation) {
  std::vector<std::string> patterns = patterns_for(request.host);
  REQUIRE(explanation.hosts.size() == patterns.size());
  bool has_matched = false;
  for (std::size_t at = 0; at < patterns.size(); ++at) {
    CAPTURE(patterns[at]);
    bool is_there = false, fits = false;
    for (const auto& [key, label] : entries) {
      const auto& [host, path, scheme] = key;
      is_there |= host == patterns[at];
      fits |= host == patterns[at] &&
              (scheme == 2 || scheme == static_cast<SchemeChoice>(request.scheme));
    }
    HostStep wanted = !is_there     ? HostStep::kAbsent
                      : has_matched ? HostStep::kTooWide
                      : fits        ? HostStep::kMatched
                                    : HostStep::kOtherScheme;
    if (entries.empty()) wanted = HostStep::kAbsent;
    has_matched |= fits;
    CHECK(explanation.hosts[at].pattern == patterns[at]);
    CHECK(explanation.hosts[at].step == wanted);
  }
}

// What it says of each route of the hosts that were looked at.
void check_routes(const Request& request, const Explanation& explanation) {
  const Explanation::Rival* winner = explanation.winner();
  int winners = 0;
  for (const Explanation::Rival& rival : explanation.routes) {
    CAPTURE(rival.item.route->label);
    bool fits = !rival.item.scheme || *rival.item.scheme == request.scheme;
    bool covers = is_below(request.decoded_path, rival.item.path);
    winners += rival.step == RouteStep::kWins ? 1 : 0;
    if (!fits) {
      CHECK(rival.step == RouteStep::kOtherScheme);
    } else if (explanation.outcome == Outcome::kUnsafePath) {
      CHECK(rival.step == RouteStep::kUnsafePath);
    } else if (!covers) {
      CHECK(rival.step == RouteStep::kOtherPath);
    } else if (&rival != winner) {
      REQUIRE(winner != nullptr);
      bool is_same_path = rival.item.path == winner->item.path;
      CHECK(rival.step == (is_same_path ? RouteStep::kWithoutScheme : RouteStep::kShorterPath));
      CHECK((is_same_path || rival.item.path.size() < winner->item.path.size()));
    }
  }
  CHECK(winners == (explanation.outcome == Outcome::kMatched ? 1 : 0));
}

TEST_CASE("what explains is the walk that routes") {
  Rng rng(20261121);
  for (int round = 0; round < 400; ++round) {
    std::uint32_t labels = 1 + rng.below(5);
    Entries entries;
    auto table = random_table(rng, labels, entries);
    std::string scratch;
    for (int i = 0; i < 50; ++i) {
      Request request = random_request(rng, labels);
      auto match = table->find(request.host, request.raw_path, request.scheme, scratch);
      Explanation explanation = table->explain(request.host, request.raw_path, request.scheme);
      CAPTURE(round);
      CAPTURE(request.host);
      CAPTURE(request.raw_path);
      REQUIRE(explanation.outcome == match.outcome);
      const Explanation::Rival* winner = explanation.winner();
      REQUIRE((winner != nullptr) == (match.route != nullptr));
      if (winner != nullptr) REQUIRE(winner->item.route == *match.route);
      CHECK(explanation.path == request.decoded_path);
      check_hosts(entries, request, explanation);
      check_routes(request, explanation);
    }
  }
}

TEST_CASE("addresses in brackets are explained under their one spelling") {
  RouteTableEditor editor(1);
  auto add = [&editor](const char* host) {
    editor.set({host, "", {}}, {editor.add_route(std::make_shared<weir::route::Route>()), 0});
  };
  add("[2001:db8::1]");
  add("*");
  Explanation explanation =
      editor.publish()->explain("[2001:DB8:0::1]", "/", weir::http::Scheme::kHttp);
  REQUIRE(explanation.hosts.size() == 2);
  CHECK(explanation.hosts[0].pattern == "[2001:db8::1]");
  CHECK(explanation.hosts[0].step == HostStep::kMatched);
  CHECK(explanation.hosts[1].step == HostStep::kTooWide);
  CHECK(explanation.winner()->item.host == "[2001:db8::1]");
}

}  // namespace
