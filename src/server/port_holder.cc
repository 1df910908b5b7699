#include "port_holder.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <vector>

namespace weir::server {

namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

std::vector<std::string> numbers_in(const std::string& path) {
  std::vector<std::string> names;
  std::unique_ptr<DIR, CloseFolder> folder(opendir(path.c_str()));
  while (folder != nullptr) {
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') names.emplace_back(entry->d_name);
  }
  return names;
}

// Inodes of the sockets that listen on `port`, at any address: whichever is in the way.
void add_listening_inodes(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  constexpr std::string_view kListening = "0A";
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // names of the columns
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout;
    if (!(words >> inode) || state != kListening) continue;
    std::string_view hex = std::string_view(local).substr(local.rfind(':') + 1);
    if (std::stoul(std::string(hex), nullptr, 16) == port) inodes.insert("socket:[" + inode + "]");
  }
}

bool holds(const std::string& process, const std::set<std::string>& inodes) {
  std::string folder = "/proc/" + process + "/fd/";
  std::vector<std::string> descriptors = numbers_in(folder);
  return std::any_of(descriptors.begin(), descriptors.end(), [&](const std::string& descriptor) {
    char target[64];
    ssize_t length = readlink((folder + descriptor).c_str(), target, sizeof target);
    return length > 0 && inodes.contains(std::string(target, static_cast<std::size_t>(length)));
  });
}

}  // namespace

std::string port_holder(const Endpoint& at) {
  if (at.is_unix()) return {};
  std::set<std::string> inodes;
  add_listening_inodes("/proc/net/tcp", at.ip.port(), inodes);
  add_listening_inodes("/proc/net/tcp6", at.ip.port(), inodes);
  if (inodes.empty()) return {};
  for (const std::string& process : numbers_in("/proc")) {
    if (!holds(process, inodes)) continue;
    std::string name = "a process";
    std::ifstream("/proc/" + process + "/comm") >> name;
    return name + ", pid " + process;
  }
  return {};
}

std::string cannot_listen(const std::string& owner, const Endpoint& at, const std::string& error) {
  std::string message = owner + ": cannot listen on " + error;
  if (!error.ends_with("in use")) return message;
  std::string holder = port_holder(at);
  if (holder.empty())
    return message + " (another process listens there; ss " + (at.is_unix() ? "-lxp" : "-ltnp") +
           " as root names it)";
  return message + " (" + holder + ", listens there)";
}

}  // namespace weir::server
