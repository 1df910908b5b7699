// sim-tests: seeds from the command line.
//   --seeds N     how many (2000; with --mutations 20000)      --seed S   the first one (1)
//   --trace       everything that happens, for one seed
//   --tally       how often requests ended in which way
//   --mutations   the mutation check: every guard's removal must be noticed within N seeds
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>

#include "sim/runner.h"
#include "sim/story.h"

namespace weir::sim {
namespace {

constexpr std::size_t kShownEntries = 60;

// Of the run under way, for a WEIR_CHECK that aborts it.
World* present_world = nullptr;
std::uint64_t present_seed = 0;

void explain(const char* what) {
  std::fflush(stdout);
  present_world->trace.print_tail(kShownEntries);
  std::fprintf(
      stderr, "seed %llu failed at step %llu: %s\nagain: sim-tests --seed %llu --seeds 1 --trace\n",
      static_cast<unsigned long long>(present_seed),
      static_cast<unsigned long long>(present_world->steps()), what,
      static_cast<unsigned long long>(present_seed));
}

void on_abort(int) {
  signal(SIGABRT, SIG_DFL);
  if (present_world != nullptr) explain("weir aborted (see above)");
  std::abort();
}

constexpr std::uint64_t kDefaultSeeds = 2'000;
// Some guards matter in rare constellations only.
constexpr std::uint64_t kDefaultMutationSeeds = 200'000;

struct Options {
  std::uint64_t seeds = 0;
  std::uint64_t first = 1;
  bool prints_trace = false;
  bool prints_tally = false;
  bool checks_mutations = false;
};

std::map<std::string_view, std::uint64_t> tally;

void count_outcomes(const World& world) {
  for (const Request& request : world.ledger.requests()) {
    bool was_tunnel = request.status == 101;
    std::string_view outcome = request.logged == 0 ? "never an exchange"
                               : request.failure   ? row_of(*request.failure).name
                               : was_tunnel        ? "tunnel"
                                                   : "ok";
    ++tally[outcome];
    if (request.attempts.size() > 1) ++tally["(seen more than once)"];
  }
}

int usage() {
  std::fprintf(stderr,
               "usage: sim-tests [--seeds N] [--seed S] [--trace] [--tally] [--mutations]\n");
  return 2;
}

int run_seeds(const Options& options) {
  auto began = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    if (!run_seed(options.first + i, {.prints_trace = options.prints_trace}).empty()) return 1;
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  for (const auto& [outcome, count] : tally) {
    if (options.prints_tally)
      std::printf("%9llu %s\n", static_cast<unsigned long long>(count), outcome.data());
  }
  std::printf("%.0f seeds per second\n%llu seeds passed\n",
              static_cast<double>(options.seeds) / seconds,
              static_cast<unsigned long long>(options.seeds));
  return 0;
}

}  // namespace

std::string run_seed(std::uint64_t seed, const RunOptions& options) {
  std::unique_ptr<World> world = make_story(Chance(seed));
  if (options.prints_trace) world->trace.print_all();
  present_seed = seed;
  present_world = options.explains ? world.get() : nullptr;
  std::string complaint = world->run();
  count_outcomes(*world);
  if (!complaint.empty() && options.explains) explain(complaint.c_str());
  world.reset();
  present_world = nullptr;
  return complaint;
}

}  // namespace weir::sim

int main(int argc, char** argv) {
  using namespace weir::sim;
  Options options;
  for (int i = 1; i < argc; ++i) {
    bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--seeds") == 0 && has_value) {
      options.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--seed") == 0 && has_value) {
      options.first = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--trace") == 0) {
      options.prints_trace = true;
    } else if (std::strcmp(argv[i], "--tally") == 0) {
      options.prints_tally = true;
    } else if (std::strcmp(argv[i], "--mutations") == 0) {
      options.checks_mutations = true;
    } else {
      return usage();
    }
  }
  signal(SIGABRT, on_abort);
  if (options.seeds == 0)
    options.seeds = options.checks_mutations ? kDefaultMutationSeeds : kDefaultSeeds;
  return options.checks_mutations ? check_mutations(options.first, options.seeds)
                                  : run_seeds(options);
}
