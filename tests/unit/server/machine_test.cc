// Sharing out descriptors, and telling the service manager.
#include "src/server/machine.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "src/server/notify.h"

namespace {

using namespace weir::server;

TEST_CASE("descriptors are shared out so that all fit and something stays in reserve") {
  for (std::uint64_t open_files :
       {16ull, 20ull, 64ull, 256ull, 1024ull, 4096ull, 65'536ull, 1'048'576ull, 1ull << 30}) {
    for (unsigned workers : {1u, 2u, 8u, 64u, 256u}) {
      CAPTURE(open_files);
      CAPTURE(workers);
      DescriptorShares shares = share_descriptors(open_files, workers);
      std::uint64_t used = shares.clients + shares.idle_backends_per_worker * workers;
      CHECK(shares.clients >= 1);
      CHECK(used < open_files);
      CHECK(open_files - used >= open_files * 15 / 100);  // for connections under way
    }
  }
}

TEST_CASE("a usual limit leaves most descriptors to clients") {
  DescriptorShares shares = share_descriptors(1024, 2);
  CHECK(shares.clients > 600);
  CHECK(shares.idle_backends_per_worker > 60);
  CHECK(share_descriptors(1'048'576, 8).clients > 700'000);
  // More descriptors never mean fewer clients.
  std::uint64_t before = 0;
  for (std::uint64_t open_files = 16; open_files < 2000; ++open_files) {
    std::uint64_t clients = share_descriptors(open_files, 4).clients;
    CHECK(clients >= before);
    before = clients;
  }
}

TEST_CASE("the machine answers") {
  CHECK(usable_processors() >= 1);
  CHECK(usable_processors() <= 4096);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  CHECK(raise_open_files() == before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(random_seed() != random_seed());
}

// A cgroup tree of files, and the file that says which of its groups is ours.
class Cgroups {
 public:
  explicit Cgroups(const std::string& own) {
    char folder[] = "/tmp/weir-cgroup-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    folder_ = folder;
    write("self", "13:cpu,cpuacct:/of/version/one\n0::" + own + "\n");
  }
  ~Cgroups() { std::filesystem::remove_all(folder_); }
  void limit(const std::string& group, const std::string& cpu_max) const {
    write("root" + group + "/cpu.max", cpu_max + "\n");
  }
  unsigned quota() const { return cgroup_quota(folder_ + "/self", folder_ + "/root"); }

 private:
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::path path = std::filesystem::path(folder_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string folder_;
};

TEST_CASE("a CPU quota is rounded up to whole processors") {
  struct Case {
    std::string cpu_max;
    unsigned workers;
  };
  for (const Case& one :
       {Case{"200000 100000", 2}, Case{"150000 100000", 2}, Case{"110000 100000", 2},
        Case{"100000 100000", 1}, Case{"10000 100000", 1}, Case{"1000 100000", 1},
        Case{"25000 10000", 3}, Case{"max 100000", 0}, Case{"200000", 0}, Case{"200000 0", 0},
        Case{"0 100000", 0}, Case{"-1 100000", 0}, Case{"word", 0}, Case{"", 0},
        Case{"99999999999999 100000", 0}}) {
    CAPTURE(one.cpu_max);
    Cgroups cgroups("/system.slice/weir.service");
    cgroups.limit("/system.slice/weir.service", one.cpu_max);
    CHECK(cgroups.quota() == one.workers);
  }
}

TEST_CASE("the narrowest quota on the way to the root counts") {
  Cgroups cgroups("/a/b/c");
  CHECK(cgroups.quota() == 0);
  cgroups.limit("/a/b/c", "max 100000");
  CHECK(cgroups.quota() == 0);
  cgroups.limit("/a", "350000 100000");
  CHECK(cgroups.quota() == 4);
  cgroups.limit("/a/b", "800000 100000");
  CHECK(cgroups.quota() == 4);
  cgroups.limit("/a/b/c", "300000 100000");
  CHECK(cgroups.quota() == 3);
  // A container sees its own group as the root.
  cgroups.limit("", "50000 100000");
  CHECK(cgroups.quota() == 1);
  cgroups.limit("/a/other", "1000 100000");
  CHECK(cgroups.quota() == 1);
  Cgroups inside("/");
  inside.limit("", "150000 100000");
  CHECK(inside.quota() == 2);
  CHECK(cgroup_quota("/nonexistent", "/nonexistent") == 0);
}

// A service manager's socket, and the environment that names it.
class Manager {
 public:
  explicit Manager(const std::string& name) {
    const char* before = std::getenv("NOTIFY_SOCKET");
    if (before != nullptr) before_ = before;
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  }
  ~Manager() {
    close(fd_);
    if (before_) {
      setenv("NOTIFY_SOCKET", before_->c_str(), 1);
    } else {
      unsetenv("NOTIFY_SOCKET");
    }
  }
  std::string receive() const {
    char bytes[256];
    ssize_t count = recv(fd_, bytes, sizeof bytes, 0);
    return count < 0 ? "nothing" : std::string(bytes, static_cast<std::size_t>(count));
  }

 private:
  int fd_;
  std::optional<std::string> before_;
};

TEST_CASE("the service manager gets one datagram for each state") {
  char folder[] = "/tmp/weir-notify-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  {
    Manager manager(std::string(folder) + "/notify");
    notify_service_manager("READY=1\nSTATUS=serving");
    notify_service_manager("STOPPING=1");
    CHECK(manager.receive() == "READY=1\nSTATUS=serving");
    CHECK(manager.receive() == "STOPPING=1");
    CHECK(manager.receive() == "nothing");
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("the service manager's socket may have an abstract name") {
  Manager manager("@weir-unit-" + std::to_string(getpid()));
  notify_service_manager("READY=1");
  CHECK(manager.receive() == "READY=1");
}

TEST_CASE("without a service manager nothing happens") {
  char folder[] = "/tmp/weir-notify-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  {
    Manager manager(std::string(folder) + "/notify");
    for (const std::string& name : {std::string(""), std::string("relative/path"),
                                    std::string(folder) + "/nobody", "/" + std::string(200, 'x')}) {
      setenv("NOTIFY_SOCKET", name.c_str(), 1);
      notify_service_manager("READY=1");
    }
    unsetenv("NOTIFY_SOCKET");
    notify_service_manager("READY=1");
    CHECK(manager.receive() == "nothing");
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
