// Why a request goes where it goes, for people.
#include "views.h"

namespace weir::cli {
namespace {

constexpr std::size_t kMaxAbsent = 8;
constexpr std::size_t kMaxRoutes = 40;

std::string place_text(const Json& place) {
  std::uint64_t line = number_at(place, "line");
  std::string text = text_at(place, "file") + (line == 0 ? "" : ":" + std::to_string(line));
  return painted(text, Colour::kNone, false);
}

std::string request_text(const Json& explanation) {
  return text_at(explanation, "method") + " " + text_at(explanation, "scheme") + "://" +
         text_at(explanation, "host") + text_at(explanation, "path");
}

std::string verdict_text(const Json& explanation, bool has_colours) {
  std::uint64_t status = number_at(explanation, "status");
  std::string out = painted(request_text(explanation), Colour::kNone, has_colours);
  if (status > 0) {
    std::string answer = std::to_string(status) + " " + text_at(explanation, "outcome");
    return out + ": weir answers " + painted(answer, Colour::kBad, has_colours) + "\n";
  }
  std::string pool = text_at(at(explanation, "pool"), "name");
  return out + " goes to pool " + painted(pool, Colour::kGood, has_colours) + "\n";
}

std::string host_step_text(std::string_view result) {
  if (result == "matched") return "matches";
  if (result == "too_wide") return "not asked: a more specific one matched";
  if (result == "other_scheme") return "has no route for this scheme: the walk goes on";
  return "no route";
}

std::string hosts_text(const Json& hosts, bool has_colours) {
  TextTable table(has_colours);
  std::size_t absent = 0;
  for (const Json& host : hosts) {
    std::string result = text_at(host, "result");
    bool is_absent = result == "absent";
    if (is_absent && ++absent > kMaxAbsent) continue;
    Colour colour = result == "matched" ? Colour::kGood
                    : is_absent         ? Colour::kFaint
                                        : Colour::kCareful;
    table.add_row({{"  " + text_at(host, "host")}, {host_step_text(result), colour}});
  }
  if (absent > kMaxAbsent)
    table.add_row({{"  …"}, {"and " + std::to_string(absent - kMaxAbsent) + " more: no route"}});
  return "hosts, in the order in which they are looked up:\n" + table.take_text();
}

std::string routes_text(const Json& explanation, bool has_colours) {
  const Json& routes = at(explanation, "routes");
  if (routes.empty()) return "";
  TextTable table(has_colours);
  std::size_t shown = 0;
  for (const Json& route : routes) {
    bool is_winner = text_at(route, "result") == "wins";
    if (!is_winner && shown >= kMaxRoutes) continue;
    ++shown;
    std::string path = text_at(route, "path"), scheme = text_at(route, "scheme");
    std::string pool = text_at(route, "pool");
    if (!scheme.empty()) path += " (" + scheme + ")";
    table.add_row({{"  " + text_at(route, "host") + path},
                   {is_true_at(route, "quarantined") ? "quarantined" : "pool " + pool},
                   {(is_winner ? "wins: " : "loses: ") + text_at(route, "why"),
                    is_winner ? Colour::kGood : Colour::kFaint}});
  }
  std::string out = "routes of these hosts:\n" + table.take_text();
  std::uint64_t total = number_at(explanation, "routes_total");
  if (total > shown) out += "  … and " + counted(total - shown, "more route") + " that lose\n";
  return out;
}

std::string places_text(const Json& winner) {
  if (!winner.is_object() || text_at(winner, "file").empty()) return "";
  std::string out = "the route stands at " + place_text(winner) + "\n";
  for (const Json& place : at(winner, "behind_it"))
    out += "  and keeps out the entry at " + place_text(place) + ", which comes later\n";
  return out;
}

std::string backend_step(const Json& backend) {
  std::string why = text_at(backend, "why");
  if (is_true_at(backend, "candidate")) return "candidate";
  return why.empty() ? "no candidate" : why;
}

// "weight 3, 2 requests in flight"
std::string backend_traits(const Json& backend) {
  std::string text;
  auto add = [&text](const std::string& trait) { text += (text.empty() ? "" : ", ") + trait; };
  if (number_at(backend, "weight") != 1)
    add("weight " + std::to_string(number_at(backend, "weight")));
  if (is_true_at(backend, "backup")) add("backup");
  if (at(backend, "state").is_string())
    add(counted(number_at(backend, "in_flight"), "request") + " in flight");
  return text;
}

std::string pool_part(const Json& pool, bool has_colours) {
  if (!pool.is_object()) return "";
  const Json& backends = at(pool, "backends");
  TextTable table(has_colours);
  for (const Json& backend : backends) {
    Colour colour = is_true_at(backend, "candidate") ? Colour::kGood : Colour::kCareful;
    table.add_row({{"  " + text_at(backend, "address")},
                   {backend_step(backend), colour},
                   {backend_traits(backend)}});
  }
  return "pool " + text_at(pool, "name") + ": " + text_at(pool, "balance") + " among " +
         std::to_string(number_at(pool, "candidates")) + " of " +
         counted(backends.size(), "backend") + "\n" + table.take_text();
}

}  // namespace

std::string explain_text(const Json& explanation, bool has_colours) {
  return verdict_text(explanation, has_colours) + "because " +
         painted(text_at(explanation, "why"), Colour::kNone, has_colours) + "\n" +
         places_text(at(explanation, "route")) + hosts_text(at(explanation, "hosts"), has_colours) +
         routes_text(explanation, has_colours) + pool_part(at(explanation, "pool"), has_colours);
}

}  // namespace weir::cli
