#pragma once
// The words of a command that talks to a running weir: parsed, or what is wrong with them. Pure.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/cli/cli.h"

namespace weir::cli {

enum class Verb : std::uint8_t { kStatus, kPools, kRoutes, kExplain, kDiff, kReload, kDrain, kReady, kBackend };

struct Arguments {
  Verb verb = Verb::kStatus;
  bool wants_help = false;
  bool is_json = false;
  bool waits = false;   // --wait
  bool forces = false;  // reload --force
  std::string name;     // pools NAME, routes GLOB; empty: all
  std::string url;      // explain
  std::string method = "GET";  // explain --method
  std::string a;        // diff: files or addresses
  std::string b;
  bool shows_all = false;  // diff --all
  std::string config;   // explain -c FILE; empty: the running weir is asked
  std::string pool;     // backend: a name or "*"
  std::string address;  // backend
  std::string state;    // backend: "drain", "maint" or "ready"
  std::string admin;    // where the admin interface is
  std::string token_file;
};

inline constexpr std::string_view kDefaultAdmin = "http://127.0.0.1:8042";

// The error is for stderr, with exit 2.
Result<Arguments> parse_arguments(const std::vector<std::string>& words,
                                  const Environment& environment);

}  // namespace weir::cli
