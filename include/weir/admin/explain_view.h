#pragma once
// Why a request goes where it goes, as the admin interface shows it: filled in by whoever knows the
// table and its backends (server), written by explain_json().
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/backend/backend_states.h"
#include "weir/config/config.h"

namespace weir::admin {

struct ExplainQuery {
  std::string url;  // "http://www.example.com/api", or without scheme
  std::string method = "GET";
};

struct ExplainView {
  // The request as it was understood.
  std::string method;
  std::string scheme;
  std::string host;
  std::string path;  // as routes compare it

  std::uint64_t generation = 0;  // of the table; 0: of files that nobody serves
  // What it would get: "pool": a backend's answer; otherwise the reason and status of weir's own.
  std::string outcome;
  int status = 0;
  std::string why;  // a sentence

  struct Host {
    std::string host;         // a pattern
    std::string_view result;  // "matched", "absent", "other_scheme", "too_wide"
  };
  std::vector<Host> hosts;  // in the order in which they are looked up
  struct Route {
    std::string host;
    std::string path;    // "" = every path
    std::string scheme;  // "" = both
    std::string route;   // its name
    std::string pool;
    bool is_quarantined = false;
    std::string_view result;  // "wins", or the word for why not
    std::string why;          // the same for people
  };
  std::vector<Route> routes;        // the first kMaxRoutes of the hosts that were looked at
  static constexpr std::size_t kMaxRoutes = 1000;
  std::size_t routes_total = 0;
  std::optional<Route> winner;
  backend::PoolId pool_id = 0;  // of a winner that has a pool
  // Where it stands; behind it the entries for the same key that it keeps from being served.
  std::vector<config::Place> places;

  struct Backend {
    backend::BackendView view;
    bool is_known = false;      // to somebody who checks it: `view` has its state
    bool is_candidate = false;  // may get this request
    std::string why;            // why it is none, or not at once
  };
  struct Pool {
    std::string name;
    std::string_view balance;
    std::size_t candidates = 0;
    std::vector<Backend> backends;
  };
  std::optional<Pool> pool;  // of a winner that has one
};

// What GET /api/explain answers; ends in a newline.
std::string explain_json(const ExplainView& view);

}  // namespace weir::admin
