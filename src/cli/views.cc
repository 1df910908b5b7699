#include "views.h"

#include <array>
#include <cstdio>

namespace weir::cli {
namespace {

Colour colour_of(std::string_view state) {
  if (state == "up" || state == "ready" || state == "unchecked") return Colour::kGood;
  return state == "down" ? Colour::kBad : Colour::kCareful;
}

// "2026-11-20T06:25:33.123Z" without the fraction.
std::string moment(const std::string& time) {
  std::size_t dot = time.find('.');
  return dot == time.npos ? time : time.substr(0, dot) + "Z";
}

Cell number(std::uint64_t value) { return {std::to_string(value), Colour::kNone, true}; }
Cell heading(std::string_view text) { return {std::string(text), Colour::kFaint}; }
Cell number_heading(std::string_view text) { return {std::string(text), Colour::kFaint, true}; }

std::string listeners_text(const Json& listeners) {
  std::string text;
  for (const Json& listener : listeners)
    text.append(text.empty() ? "" : ", ")
        .append(text_at(listener, "name"))
        .append(" ")
        .append(text_at(listener, "address"));
  return text;
}

std::string config_text(const Json& config) {
  std::string file = text_at(config, "file");
  std::string text = file.empty() ? "built in" : file;
  const Json& last = at(config, "last_reload");
  if (last.is_object())
    text += "; last reload " + moment(text_at(last, "at")) + ": " + text_at(last, "result") + ", " +
            text_at(last, "message");
  return text;
}

std::string change_text(const Json& change) {
  return moment(text_at(change, "at")) + ", " + text_at(change, "cause") + ": " +
         text_at(change, "message");
}

std::string pending_text(const Json& keys) {
  std::string text;
  for (const Json& key : keys) text += (text.empty() ? "" : ", ") + text_at(key, "key");
  return "restart needed for " + text;
}

std::string drain_text(const Json& drain) {
  std::string by = text_at(drain, "by");
  return "since " + moment(text_at(drain, "since")) +
         (is_true_at(drain, "final") ? ": it ends (signal " + by + ")" : ", by " + by);
}

std::string check_text(const Json& check) {
  if (!check.is_object()) return "";
  char latency[32];
  const Json& seconds = at(check, "latency_seconds");
  std::snprintf(latency, sizeof latency, "%.1f ms",
                seconds.is_number() ? seconds.get<double>() * 1000 : 0.0);
  return text_at(check, "reason") + ", " + latency;
}

}  // namespace

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string span_text(double seconds) {
  struct Unit {
    std::uint64_t seconds;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits = {{{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}}};
  auto left = static_cast<std::uint64_t>(seconds > 0 ? seconds : 0);
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    if (left < kUnits[i].seconds) continue;
    return std::to_string(left / kUnits[i].seconds) + kUnits[i].name + " " +
           std::to_string(left % kUnits[i].seconds / kUnits[i + 1].seconds) + kUnits[i + 1].name;
  }
  return std::to_string(left) + "s";
}

std::string status_text(const Json& status, bool has_colours) {
  const Json& totals = at(status, "totals");
  const Json& uptime = at(status, "uptime_seconds");
  std::string state = text_at(status, "state");
  std::string out = text_at(status, "name") + ": " + painted(state, colour_of(state), has_colours) +
                    ", weir " + text_at(status, "version") + ", up " +
                    span_text(uptime.is_number() ? uptime.get<double>() : 0) + "\n";
  TextTable table(has_colours);
  auto add = [&table](std::string_view name, std::string text) {
    table.add_row({heading(name), {std::move(text)}});
  };
  if (at(status, "drain").is_object()) add("draining", drain_text(at(status, "drain")));
  add("listeners", listeners_text(at(status, "listeners")));
  add("table", counted(number_at(status, "routes"), "route") + ", " +
                   counted(number_at(status, "pools"), "pool") + ", " +
                   counted(number_at(status, "backends"), "backend") + "; generation " +
                   std::to_string(number_at(status, "generation")) + ", hash " +
                   text_at(status, "hash"));
  const Json& config = at(status, "config");
  add("config", config_text(config));
  // Beside a last reload that is another one.
  const Json& change = at(config, "last_change");
  if (change.is_object() && change != at(config, "last_reload"))
    add("changed", change_text(change));
  const Json& pending = at(status, "pending_restart");
  if (pending.is_array() && !pending.empty()) add("pending", pending_text(pending));
  if (std::string stale = text_at(at(status, "stale"), "summary"); !stale.empty())
    add("stale", stale);
  add("now", counted(number_at(totals, "requests_in_flight"), "request") + " in flight, " +
                 counted(number_at(totals, "connections_open"), "connection"));
  add("so far", counted(number_at(totals, "requests"), "request") + ", " +
                    counted(number_at(totals, "failures"), "failure"));
  add("workers", std::to_string(number_at(status, "workers")));
  return out + table.take_text();
}

std::string pools_text(const Json& pools, bool has_colours) {
  TextTable table(has_colours);
  table.add_row({heading("POOL"), heading("STATE"), number_heading("USABLE"),
                 number_heading("BACKENDS"), number_heading("IN FLIGHT")});
  for (const Json& pool : at(pools, "pools")) {
    std::string state = text_at(pool, "state");
    table.add_row({{text_at(pool, "name")},
                   {state, colour_of(state)},
                   number(number_at(pool, "usable")),
                   number(at(pool, "backends").size()),
                   number(number_at(pool, "in_flight"))});
  }
  return table.take_text();
}

std::string pool_text(const Json& pool, bool has_colours) {
  TextTable table(has_colours);
  table.add_row({heading("BACKEND"), heading("STATE"), number_heading("IN FLIGHT"),
                 number_heading("WEIGHT"), heading("SINCE"), heading("WHY"),
                 heading("LAST CHECK")});
  for (const Json& backend : at(pool, "backends")) {
    std::string state = text_at(backend, "state");
    const Json& checks = at(backend, "checks");
    std::string weight = std::to_string(number_at(backend, "weight")) +
                         (is_true_at(backend, "backup") ? " backup" : "");
    table.add_row({{text_at(backend, "address")},
                   {state + (is_true_at(backend, "stale") ? ", stale" : ""), colour_of(state)},
                   number(number_at(backend, "in_flight")),
                   {weight, Colour::kNone, true},
                   {moment(text_at(backend, "since"))},
                   {text_at(backend, "why")},
                   {check_text(checks.is_array() && !checks.empty() ? checks.front() : Json())}});
  }
  return table.take_text();
}

void add_route_heading(TextTable& table) {
  table.add_row(
      {heading("HOST"), heading("PATH"), heading("SCHEME"), heading("POOL"), heading("ROUTE")});
}

void add_route(TextTable& table, const RouteRow& route) {
  table.add_row({{std::string(route.host)},
                 {std::string(route.path)},
                 {std::string(route.scheme)},
                 {route.is_quarantined ? "quarantined" : std::string(route.pool),
                  route.is_quarantined ? Colour::kBad : Colour::kNone},
                 {std::string(route.route) + (route.is_stale ? " (stale)" : "")}});
}

Json route_json(const RouteRow& route) {
  auto or_null = [](std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"host", route.host},
          {"path", route.path},
          {"scheme", or_null(route.scheme)},
          {"route", route.route},
          {"pool", or_null(route.pool)},
          {"quarantined", route.is_quarantined},
          {"stale", route.is_stale}};
}

}  // namespace weir::cli
