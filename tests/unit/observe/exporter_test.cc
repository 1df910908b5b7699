#include "weir/observe/exporter.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>

namespace {

using namespace std::chrono_literals;
using weir::Failure;
using weir::observe::ProcessNumbers;
using weir::observe::WorkerNumbers;

// What a scraper would see: values by series, and what is declared of each family.
struct Scrape {
  explicit Scrape(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# HELP ")) {
        std::string name = line.substr(7, line.find(' ', 7) - 7);
        CHECK(helped.insert(name).second);
        CHECK(line.size() > 7 + name.size() + 1);
      } else if (line.starts_with("# TYPE ")) {
        std::size_t space = line.find(' ', 7);
        CHECK(types.emplace(line.substr(7, space - 7), line.substr(space + 1)).second);
      } else {
        std::size_t space = line.rfind(' ');
        CHECK(series.emplace(line.substr(0, space), line.substr(space + 1)).second);
      }
    }
  }
  std::string operator[](const std::string& name) const {
    auto found = series.find(name);
    return found == series.end() ? "(none)" : found->second;
  }
  std::map<std::string, std::string> series;
  std::map<std::string, std::string> types;
  std::set<std::string> helped;
};

std::string exported(const std::vector<const WorkerNumbers*>& workers,
                     const ProcessNumbers& process = {},
                     const weir::observe::SharedSeries* series = nullptr) {
  weir::observe::Scrape scrape;
  scrape.workers = workers;
  scrape.series = series;
  scrape.process = process;
  return weir::observe::export_text(scrape);
}

TEST_CASE("what workers counted is summed up by listener") {
  WorkerNumbers first;
  WorkerNumbers second;
  weir::observe::SharedSeries series(2, 0);
  auto outside = series.listeners.claim("public");
  auto inside = series.listeners.claim("internal");
  outside->of(0).requests[2].add(3);
  outside->of(1).requests[2].add(4);
  inside->of(1).requests[0].add(1);
  outside->of(0).connections_accepted.add(10);
  outside->of(1).connections_closed.add(4);
  inside->of(1).connections_rejected[0].add(5);
  first.requests_begun.add(9);
  second.requests_finished.add(7);
  first.received_from_clients_bytes.add(1);
  first.received_from_backends_bytes.add(2);
  second.sent_to_clients_bytes.add(3);
  second.sent_to_backends_bytes.add(4);

  Scrape scrape(exported({&first, &second}, {}, &series));
  CHECK(scrape["weir_requests_total{listener=\"public\",code=\"2xx\"}"] == "7");
  CHECK(scrape["weir_requests_total{listener=\"public\",code=\"5xx\"}"] == "0");
  CHECK(scrape["weir_requests_total{listener=\"internal\",code=\"none\"}"] == "1");
  CHECK(scrape["weir_connections_open{listener=\"public\"}"] == "6");
  CHECK(scrape["weir_connections_accepted_total{listener=\"public\"}"] == "10");
  CHECK(
      scrape["weir_connections_rejected_total{listener=\"internal\",reason=\"no_descriptors\"}"] ==
      "5");
  CHECK(scrape["weir_requests_in_flight"] == "2");
  CHECK(scrape["weir_received_bytes_total{side=\"client\"}"] == "1");
  CHECK(scrape["weir_received_bytes_total{side=\"backend\"}"] == "2");
  CHECK(scrape["weir_sent_bytes_total{side=\"client\"}"] == "3");
  CHECK(scrape["weir_sent_bytes_total{side=\"backend\"}"] == "4");
}

TEST_CASE("counts are exact beyond what a float or six digits hold") {
  weir::observe::SharedSeries series(1, 0);
  series.listeners.claim("public")->of(0).requests[2].add(9'007'199'254'740'991);
  Scrape scrape(exported({}, {}, &series));
  CHECK(scrape["weir_requests_total{listener=\"public\",code=\"2xx\"}"] == "9007199254740991");
}

TEST_CASE("durations are a cumulative histogram") {
  weir::observe::SharedSeries series(1, 0);
  auto& durations = series.listeners.claim("public")->of(0).duration;
  durations.observe(100us);
  durations.observe(600us);
  durations.observe(3s);
  durations.observe(2min);
  Scrape scrape(exported({}, {}, &series));
  std::string bucket = "weir_request_duration_seconds_bucket{listener=\"public\",le=";
  CHECK(scrape[bucket + "\"0.0005\"}"] == "1");
  CHECK(scrape[bucket + "\"0.001\"}"] == "2");
  CHECK(scrape[bucket + "\"2.5\"}"] == "2");
  CHECK(scrape[bucket + "\"5\"}"] == "3");
  CHECK(scrape[bucket + "\"60\"}"] == "3");
  CHECK(scrape[bucket + "\"+Inf\"}"] == "4");
  CHECK(scrape["weir_request_duration_seconds_count{listener=\"public\"}"] == "4");
  CHECK(scrape["weir_request_duration_seconds_sum{listener=\"public\"}"] == "123.0007");
}

TEST_CASE("every failure has its series from the start") {
  WorkerNumbers worker;
  worker.failures[static_cast<std::size_t>(Failure::connect_refused)].add(3);
  Scrape scrape(exported({&worker}));
  for (const weir::FailureRow& row : weir::kFailureRows) {
    CHECK(scrape["weir_failures_total{side=\"" + std::string(name_of(row.side)) + "\",reason=\"" +
                 std::string(row.name) + "\"}"] == (row.name == "connect_refused" ? "3" : "0"));
  }
}

TEST_CASE("what Control knows") {
  ProcessNumbers process;
  process.is_ready = true;
  process.config_generation = 7;
  process.config_hash = 0xffff'ffff'ffff'ffff;
  process.was_last_reload_successful = false;
  process.last_reload_success_timestamp_seconds = 1795155933.25;
  process.reloads_succeeded = 1;
  process.reloads_failed = 2;
  process.reloads_unchanged = 3;
  process.routes = 4;
  process.connections_limit = 5000;
  process.version = "0.1.0";
  Scrape scrape(exported({}, process));
  CHECK(scrape["weir_ready"] == "1");
  CHECK(scrape["weir_config_generation"] == "7");
  CHECK(scrape["weir_config_hash"] == "4503599627370495");
  CHECK(scrape["weir_config_last_reload_successful"] == "0");
  CHECK(scrape["weir_config_last_reload_success_timestamp_seconds"] == "1795155933.25");
  CHECK(scrape["weir_config_reloads_total{result=\"success\"}"] == "1");
  CHECK(scrape["weir_config_reloads_total{result=\"failure\"}"] == "2");
  CHECK(scrape["weir_config_reloads_total{result=\"unchanged\"}"] == "3");
  CHECK(scrape["weir_routes"] == "4");
  CHECK(scrape["weir_connections_limit"] == "5000");
  CHECK(scrape["weir_build_info{version=\"0.1.0\"}"] == "1");
}

TEST_CASE("what the kernel knows of the process") {
  Scrape scrape(exported({}));
  CHECK(std::stod(scrape["process_cpu_seconds_total"]) >= 0);
  CHECK(std::stod(scrape["process_resident_memory_bytes"]) > 100'000);
  CHECK(std::stod(scrape["process_open_fds"]) >= 1);
  CHECK(std::stod(scrape["process_max_fds"]) >= std::stod(scrape["process_open_fds"]));
  CHECK(std::stod(scrape["process_start_time_seconds"]) > 1.7e9);
}

TEST_CASE("names are as Prometheus wants them: help and type on all, _total on counters alone") {
  WorkerNumbers worker;
  Scrape scrape(exported({&worker}));
  CHECK(scrape.types.size() == scrape.helped.size());
  for (const auto& [name, type] : scrape.types) {
    CAPTURE(name);
    CHECK(scrape.helped.contains(name));
    CHECK(name.ends_with("_total") == (type == "counter"));
    CHECK((name.starts_with("weir_") || name.starts_with("process_")));
  }
  for (const auto& [series, value] : scrape.series) {
    CAPTURE(series);
    std::string family = series.substr(0, series.find('{'));
    for (std::string suffix : {"_bucket", "_count", "_sum"}) {
      if (family.ends_with(suffix)) family.resize(family.size() - suffix.size());
    }
    CHECK(scrape.types.contains(family));
  }
}

TEST_CASE("a listener's name cannot break the text") {
  weir::observe::SharedSeries series(1, 0);
  series.listeners.claim("a\"b\\c");
  Scrape scrape(exported({}, {}, &series));
  CHECK(scrape["weir_connections_open{listener=\"a\\\"b\\\\c\"}"] == "0");
}

TEST_CASE("routes and pools have series of their own, summed over workers") {
  weir::observe::SharedSeries series(2, 2);
  auto shop = series.routes.claim("shop");
  shop->of(0).requests[2].add(3);
  shop->of(1).requests[2].add(4);
  shop->of(1).failures[static_cast<std::size_t>(Failure::no_route)].add();
  shop->of(0).duration.observe(2ms);
  series.routes.claim("blog");
  series.routes.claim("third")->of(0).requests[5].add(1);
  series.routes.claim("fourth")->of(0).requests[5].add(1);
  auto pool = series.pools.claim("web");
  pool->of(0).connections_new.add(2);
  pool->of(1).connections_reused.add(5);
  pool->of(1).retries.add(1);
  pool->of(1).connect.observe(1ms);

  weir::observe::Scrape input;
  input.series = &series;
  input.busy = {1500ms, 0ms};
  input.backends.push_back({"web", "127.0.0.1:9001", false, 3, 4, {1, 0, 7, 0, 0, 0}});
  input.pools_by_state = {{"up", 2}, {"down", 1}};
  input.backends_by_state = {{"maint", 9}};
  Scrape scrape(weir::observe::export_text(input));
  CHECK(scrape["weir_route_requests_total{route=\"shop\",code=\"2xx\"}"] == "7");
  CHECK(scrape["weir_route_failures_total{route=\"shop\",reason=\"no_route\"}"] == "1");
  CHECK(scrape["weir_route_request_duration_seconds_count{route=\"shop\"}"] == "1");
  CHECK(scrape["weir_route_requests_total{route=\"blog\",code=\"2xx\"}"] == "0");
  CHECK(scrape["weir_route_requests_total{route=\"_other\",code=\"5xx\"}"] == "2");
  CHECK(scrape["weir_route_requests_total{route=\"third\",code=\"5xx\"}"] == "(none)");
  CHECK(scrape["weir_backend_connections_total{pool=\"web\",how=\"new\"}"] == "2");
  CHECK(scrape["weir_backend_connections_total{pool=\"web\",how=\"reused\"}"] == "5");
  CHECK(scrape["weir_retries_total{pool=\"web\"}"] == "1");
  CHECK(scrape["weir_backend_connect_duration_seconds_count{pool=\"web\"}"] == "1");
  CHECK(scrape["weir_worker_busy_seconds_total{worker=\"0\"}"] == "1.5");
  std::string backend = "{pool=\"web\",backend=\"127.0.0.1:9001\"";
  CHECK(scrape["weir_backend_up" + backend + "}"] == "0");
  CHECK(scrape["weir_backend_in_flight" + backend + "}"] == "3");
  CHECK(scrape["weir_backend_connections_idle" + backend + "}"] == "4");
  CHECK(scrape["weir_backend_requests_total" + backend + ",code=\"2xx\"}"] == "7");
  CHECK(scrape["weir_backend_requests_total" + backend + ",code=\"none\"}"] == "1");
  CHECK(scrape["weir_pools{state=\"down\"}"] == "1");
  CHECK(scrape["weir_backends{state=\"maint\"}"] == "9");
}

}  // namespace
