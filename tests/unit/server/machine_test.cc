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
