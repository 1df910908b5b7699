#include "weir/net/host_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace weir::net {

std::vector<IpAddress> look_up_host(const std::string& name, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  std::vector<IpAddress> addresses;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &first) != 0) return addresses;
  for (const addrinfo* entry = first; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, std::min<std::size_t>(entry->ai_addrlen, sizeof storage));
    addresses.push_back(IpAddress::from_sockaddr(storage).with_port(port));
  }
  freeaddrinfo(first);
  return addresses;
}

}  // namespace weir::net
