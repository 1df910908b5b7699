// weir demo: the same Control as weir run, with a table made here and three sample runners.
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "commands.h"
#include "control.h"
#include "sample_runner.h"

namespace weir::server {

namespace {

using Runners = std::vector<std::unique_ptr<SampleRunner>>;

std::string demo_table(const CommandLine& line, const Runners& runners) {
  // One worker, so that "in turn" is seen.
  std::string text = "[server]\nworkers = 1\n\n[listener.public]\nbind = [\"127.0.0.1:" +
                     std::to_string(line.port) + "\"]\n\n" +
                     "[admin]\nbind = [\"127.0.0.1:" + std::to_string(line.admin_port) + "\"]\n\n";
  for (const std::unique_ptr<SampleRunner>& runner : runners)
    text += "[pool." + runner->name() + "]\nbackends = [\"" + runner->address() + "\"]\n\n";
  text += "[pool.all]\nbackends = [";
  for (const std::unique_ptr<SampleRunner>& runner : runners)
    text += "\"" + runner->address() + "\", ";
  text += "]\nbalance = \"round_robin\"\n\n";
  auto route = [&](std::string_view host, std::string_view path, std::string_view pool) {
    text += "[[route]]\nhost = \"" + std::string(host) + "\"\n";
    if (!path.empty()) text += "path = \"" + std::string(path) + "\"\n";
    text += "pool = \"" + std::string(pool) + "\"\n\n";
  };
  route("shop.localhost", "", "runner-1");
  route("shop.localhost", "/api", "runner-2");
  route(".blog.localhost", "", "runner-2");
  route("*.apps.localhost", "", "runner-3");
  route("*", "", "all");
  return text;
}

void print_lines(const std::string& proxy, const std::string& admin) {
  std::string port = proxy.substr(proxy.rfind(':'));
  std::printf("weir demo: three sample runners behind http://127.0.0.1%s - paste to try:\n\n",
              port.c_str());
  struct Line {
    std::string_view url, what;
  };
  const Line lines[] = {
      {"http://shop.localhost%/", "a host: runner-1"},
      {"http://shop.localhost%/api/orders", "a path of it: runner-2"},
      {"http://blog.localhost%/", "a domain …"},
      {"http://anna.blog.localhost%/", "… and all names below it: runner-2"},
      {"http://one.apps.localhost%/", "one label below: runner-3"},
      {"http://anything.localhost%/", "whatever else: all three in turn"},
  };
  for (const Line& line : lines) {
    std::string url(line.url);
    url.replace(url.find('%'), 1, port);
    std::string command = "curl -sS " + url;
    std::printf("  %-52s # %.*s\n", command.c_str(), static_cast<int>(line.what.size()),
                line.what.data());
  }
  std::printf("  %-52s # what it counts\n", ("curl -sS http://" + admin + "/metrics").c_str());
  std::printf("  %-52s # how it is\n\nCtrl-C ends it.\n",
              ("curl -sS http://" + admin + "/api/status").c_str());
  std::fflush(stdout);
}

}  // namespace

int demo_command(const CommandLine& line) {
  std::signal(SIGPIPE, SIG_IGN);
  SystemClock clock;
  Log log(LogLevel::kInfo, STDERR_FILENO, clock);
  net::Loop loop(clock);
  wire::Context context(loop.scheduler());
  Runners runners;
  for (const char* name : {"runner-1", "runner-2", "runner-3"}) {
    Result<std::unique_ptr<SampleRunner>> runner = SampleRunner::open(loop, context, name);
    if (!runner.ok()) {
      std::fprintf(stderr, "weir: demo: cannot start %s: %s\n", name,
                   runner.error().message.c_str());
      return 1;
    }
    runners.push_back(std::move(runner).value());
  }
  std::string table = demo_table(line, runners);
  auto load = [table] { return config::load_text(table, "demo.toml"); };
  int exit_code = 1;
  {
    Control control(clock, log, loop, load, "");
    Status<StartError> started = control.start();
    if (!started.ok()) {
      const std::string& why = started.error().message;
      bool is_taken = why.find("in use") != std::string::npos;
      std::fprintf(
          stderr, "%s\n%s", why.c_str(),
          is_taken ? "(other ports: weir demo --port N --admin-port N, 0 = any free one)\n" : "");
    } else {
      print_lines(control.first_address(Use::kClients),
                  control.first_address(Use::kAdmin));
      exit_code = control.run();
    }
  }
  runners.clear();
  loop.scheduler().drain_retired();
  return exit_code;
}

}  // namespace weir::server
