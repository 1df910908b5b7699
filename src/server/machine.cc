#include "machine.h"

#include <sched.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "weir/admin/admin_server.h"
#include "weir/base/check.h"

namespace weir::server {

namespace {

constexpr double kMaxProcessors = 1e6;

// cpu.max of one cgroup: "QUOTA PERIOD" or "max PERIOD"; 0 = no quota. Part of a processor counts
// as one, as Go and Java do: 1.5 processors keep two loops busy, one could not use them up.
unsigned quota_of(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  double processors = std::strtod(quota.c_str(), nullptr) / period;
  // What rounds up to more processors than there can be is no limit at all.
  if (!(processors > 0) || processors > kMaxProcessors) return 0;
  return static_cast<unsigned>(std::ceil(processors));
}

}  // namespace

unsigned cgroup_quota(const std::string& self_cgroup_file, const std::string& cgroup_root) {
  std::ifstream file(self_cgroup_file);
  std::string line, path;
  while (std::getline(file, line))
    if (line.starts_with("0::")) path = line.substr(3);
  unsigned least = 0;
  for (;;) {
    unsigned quota = quota_of(cgroup_root + path);
    if (quota > 0) least = least == 0 ? quota : std::min(least, quota);
    std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return least;
    path.resize(slash);
  }
}

unsigned usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned count = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    count = static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  unsigned quota = cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  return quota == 0 ? count : std::min(count, quota);
}

std::uint64_t raise_open_files() {
  rlimit limit{};
  WEIR_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  WEIR_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

std::uint64_t needed_descriptors(unsigned workers, std::size_t sockets) {
  // A loop is two epolls, an event and a pipe for signals; the access log a file and an event; each
  // worker duplicates each socket.
  return 26 + 7 * std::uint64_t{workers} + sockets * (std::uint64_t{workers} + 1) + 8;
}

std::optional<Error> prepare_descriptors() {
  std::uint64_t open_files = raise_open_files();
  if (open_files >= needed_descriptors(1, 1)) return std::nullopt;
  return Error{"weir: the open-files limit is too small: " + std::to_string(open_files) +
               " (raise ulimit -n or LimitNOFILE=)"};
}

namespace {

// Descriptors that epoll may watch for this user, halved: others of the same user have some, too.
std::uint64_t max_watches() {
  std::ifstream file("/proc/sys/fs/epoll/max_user_watches");
  std::uint64_t watches = 0;
  return file >> watches ? watches / 2 : ~std::uint64_t{0};
}

}  // namespace

DescriptorShares share_descriptors(std::uint64_t open_files, unsigned workers) {
  // Loops, listeners, watches and the admin interface, whatever the rest does.
  std::uint64_t reserve = std::min<std::uint64_t>(open_files / 2, 96 + 8 * workers);
  DescriptorShares shares;
  // Where there are many backends that do not answer, so many can be waited for at once.
  std::uint64_t rest = open_files - reserve;
  shares.checks = std::clamp<std::uint64_t>(rest / 32, 4, 4096);
  rest -= std::min(shares.checks, rest - 1);
  rest = std::min(rest, max_watches());
  shares.streams = rest;
  shares.admin =
      std::min<std::uint64_t>(admin::kMaxAdminConnections, std::max<std::uint64_t>(2, reserve / 4));
  // A waiting client costs one descriptor, a served one two; waiting ones are the many.
  shares.clients = std::max<std::uint64_t>(1, rest * 7 / 10);
  shares.idle_backends_per_worker = rest * 15 / 100 / workers;
  return shares;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  WEIR_CHECK(getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
  return seed;
}

}  // namespace weir::server
