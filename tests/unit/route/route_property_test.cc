// Random tables and requests against the contract's walk (CONTRACT §2, Hosts) written down naively.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "weir/base/rng.h"
#include "weir/route/route_table.h"

namespace {

using weir::Rng;
using weir::http::Scheme;
using weir::route::Outcome;
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
      std::string found = match.outcome == Outcome::kMatched      ? (*match.route)->label
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

}  // namespace
