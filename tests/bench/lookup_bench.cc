// Nanoseconds per lookup in a table of many hosts, for scripts/bench table: hosts in random order, with everything
// else pushed out of the caches before, and as it comes. Arguments: hosts, lookups of each kind (0: a million).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/rng.h"
#include "weir/route/route_table.h"

namespace {

using namespace weir;

std::size_t host_count = 1'000'000;
constexpr std::size_t kBatch = 256;
std::vector<char> other_memory(64 << 20);
const volatile std::size_t zero = 0;

std::string name_of(std::size_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "app%07zu.example.com", number);
  return name;
}

void push_out() {
  for (std::size_t at = 0; at < other_memory.size(); at += 64) ++other_memory[at];
}

// Hosts of `host_of(number)`, looked up in batches that are written down before.
template <typename HostOf>
double nanoseconds(const route::RouteTable& table, std::size_t lookups, bool is_cold,
                   HostOf host_of) {
  Rng rng(7);
  std::string scratch;
  std::vector<std::string> hosts(kBatch);
  std::chrono::nanoseconds took{};
  std::size_t matched = 0, never = zero;
  for (std::size_t done = 0; done < lookups; done += kBatch) {
    for (std::string& host : hosts) host = host_of(rng.next() % host_count);
    if (is_cold) {
      push_out();
      // The host has just been parsed when it is looked up.
      for (std::string& host : hosts) matched += host.front() == '\0';
    }
    auto begin = std::chrono::steady_clock::now();
    std::size_t found = 0;
    for (std::size_t i = 0; i < kBatch; ++i) {
      // One after the other: which host is next depends, as far as the processor knows, on the last.
      const std::string& host = hosts[(i + (found & never)) % kBatch];
      auto match = table.find(host, "/", http::Scheme::kHttp, scratch);
      found += match.outcome == route::Outcome::kMatched ? match.route->get()->pool + 1 : 0;
    }
    matched += found;
    took += std::chrono::steady_clock::now() - begin;
  }
  if (matched == 0 && lookups > 0) std::fprintf(stderr, "nothing matched\n");
  return static_cast<double>(took.count()) / static_cast<double>(lookups);
}

std::shared_ptr<const route::RouteTable> table_of(const std::string& prefix) {
  route::RouteTableEditor editor(42);
  std::vector<route::RouteNumber> routes;
  for (int pool = 0; pool < 4; ++pool) {
    auto made = std::make_shared<route::Route>();
    made->label = "pool" + std::to_string(pool);
    routes.push_back(editor.add_route(std::move(made)));
  }
  editor.expect(host_count);
  for (std::size_t i = 0; i < host_count; ++i)
    editor.insert({prefix + name_of(i), {}, {}}, {routes[i % 4], 0});
  return editor.publish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) host_count = std::strtoull(argv[1], nullptr, 10);
  std::size_t cold = 100 * kBatch;
  std::size_t warm = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  if (warm == 0) warm = 1'000'000;
  struct Row {
    const char* name;
    const char* prefix;
    std::string below;
  };
  std::string deep;
  while (deep.size() + 2 + name_of(0).size() <= 253) deep += "a.";
  const Row rows[] = {{"exact", "", ""},
                      {"one label (*.name)", "*.", "www."},
                      {"suffix (.name)", ".", "www."},
                      {"suffix, a host of 253 bytes", ".", deep}};
  for (const Row& row : rows) {
    auto table = table_of(row.prefix);
    auto host_of = [&](std::size_t number) { return row.below + name_of(number); };
    std::printf("%s, cold ns %.1f\n", row.name, nanoseconds(*table, cold, true, host_of));
    std::printf("%s, random ns %.1f\n", row.name, nanoseconds(*table, warm, false, host_of));
  }
  return 0;
}
