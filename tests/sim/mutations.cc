// The mutation check: a guard whose removal no seed notices protects nobody, or the simulation is
// blind there. Each guard gets a process of its own, because a run without it may well abort.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "sim/runner.h"
#include "weir/base/check.h"
#include "weir/base/guard.h"

namespace weir::sim {
namespace {

struct GuardRow {
  Guard guard;
  const char* name;
};
constexpr GuardRow kGuards[] = {
#define GUARD(name, meaning) {Guard::name, #name},
#include "weir/base/guard.def"
#undef GUARD
};

// What the child tells; it may die at any time.
struct Report {
  std::uint64_t seeds_run;
  char complaint[120];
};

[[noreturn]] void run_without(Guard guard, std::uint64_t first, std::uint64_t seeds,
                              Report& report) {
  // What a WEIR_CHECK says on its way down is not news here.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
  removed_guard = guard;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    ++report.seeds_run;
    std::string complaint = run_seed(first + i, {.explains = false});
    if (complaint.empty()) continue;
    complaint.copy(report.complaint, sizeof report.complaint - 1);
    _exit(1);
  }
  _exit(0);
}

bool is_noticed(const GuardRow& row, std::uint64_t first, std::uint64_t seeds, Report& report) {
  report = {};
  std::fflush(stdout);
  pid_t child = fork();
  WEIR_CHECK(child >= 0);
  if (child == 0) run_without(row.guard, first, seeds, report);
  int status = 0;
  WEIR_CHECK(waitpid(child, &status, 0) == child);
  bool is_noticed = !WIFEXITED(status) || WEXITSTATUS(status) == 1;
  const char* how = report.complaint[0] != 0 ? report.complaint : "aborted";
  std::printf("%-28s %s %llu seeds%s%s\n", row.name, is_noticed ? "noticed after" : "UNNOTICED in",
              static_cast<unsigned long long>(report.seeds_run), is_noticed ? ": " : "",
              is_noticed ? how : "");
  return is_noticed;
}

}  // namespace

int check_mutations(std::uint64_t first, std::uint64_t seeds) {
  void* shared =
      mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  WEIR_CHECK(shared != MAP_FAILED);
  unsigned noticed = 0;
  unsigned unnoticed = 0;
  for (const GuardRow& row : kGuards)
    ++(is_noticed(row, first, seeds, *static_cast<Report*>(shared)) ? noticed : unnoticed);
  std::printf("guards: %u noticed, %u unnoticed\n", noticed, unnoticed);
  return unnoticed == 0 ? 0 : 1;
}

}  // namespace weir::sim
