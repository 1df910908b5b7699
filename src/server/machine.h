#pragma once
// What the machine allows this process: processors, descriptors, random seeds. Asked once at start.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "weir/base/result.h"

namespace weir::server {

// Processors that affinity and the cgroup's CPU quota allow; at least 1.
unsigned usable_processors();

// The smallest CPU quota from this process's cgroup up to the root (cgroup v2), in processors,
// rounded up; 0 = none. In weir of /proc/self/cgroup and /sys/fs/cgroup.
unsigned cgroup_quota(const std::string& self_cgroup_file, const std::string& cgroup_root);

// Raises the open-files limit to the hard one and returns it.
std::uint64_t raise_open_files();

// What `workers` loops with `sockets` listening sockets hold, and a few clients, so that starting
// makes sense at all.
std::uint64_t needed_descriptors(unsigned workers, std::size_t sockets);
// An error when not even the main loop can be made.
std::optional<Error> prepare_descriptors();

// How the descriptors are shared out. What is left is the reserve for admin, log and reload.
struct DescriptorShares {
  std::uint64_t admin = 0;    // connections of the admin interface, out of the reserve
  std::uint64_t checks = 0;   // health checks at once
  std::uint64_t streams = 0;  // sockets of all workers together
  std::uint64_t clients = 0;  // of these, client connections
  std::uint64_t idle_backends_per_worker = 0;
};
DescriptorShares share_descriptors(std::uint64_t open_files, unsigned workers);

// From the kernel; not repeatable.
std::uint64_t random_seed();

}  // namespace weir::server
