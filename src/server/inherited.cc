#include "inherited.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <utility>

namespace weir::server {

namespace {

constexpr int kFirstDescriptor = 3;

// A whole number from the environment, or -1.
long number_in(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return -1;
  std::string_view digits = text;
  long number = -1;
  auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return problem == std::errc() && end == digits.data() + digits.size() ? number : -1;
}

std::vector<std::string> names_of_descriptors() {
  const char* text = std::getenv("LISTEN_FDNAMES");
  std::vector<std::string> names;
  if (text == nullptr) return names;
  std::string_view rest = text;
  for (;;) {
    std::size_t colon = rest.find(':');
    names.emplace_back(rest.substr(0, colon));
    if (colon == std::string_view::npos) return names;
    rest.remove_prefix(colon + 1);
  }
}

// Port 0 asks for any.
bool is_address(const config::BindAddress& bind, const Endpoint& of) {
  const Endpoint& wanted = bind.endpoint;
  if (wanted.is_unix() || of.is_unix()) return wanted.unix_path == of.unix_path;
  return wanted.ip == of.ip || (wanted.ip.port() == 0 && wanted.ip == of.ip.with_port(0));
}

}  // namespace

InheritedSockets InheritedSockets::from_environment(Log& log) {
  InheritedSockets sockets;
  if (number_in("LISTEN_PID") != getpid()) return sockets;
  long count = number_in("LISTEN_FDS");
  std::vector<std::string> names = names_of_descriptors();
  for (int index = 0; index < count; ++index) {
    int fd = kFirstDescriptor + index;
    auto at = static_cast<std::size_t>(index);
    std::string name = at < names.size() ? names[at] : "";
    Result<net::ListeningSocket> socket = net::ListeningSocket::inherit(fd);
    if (socket.ok()) {
      sockets.passed_.push_back({std::move(name), std::move(socket).value(), nullptr});
      continue;
    }
    log.warn("a passed descriptor is not used",
             {{"fd", std::to_string(fd)}, {"name", name}, {"reason", socket.error().message}});
    close(fd);
  }
  return sockets;
}

InheritedSockets::Passed* InheritedSockets::find(const Wanted& wanted, Rule rule) {
  for (Passed& passed : passed_) {
    if (passed.bind != nullptr) continue;
    if (rule.by_name && passed.name != wanted.owner) continue;
    if (rule.by_address && !is_address(*wanted.bind, passed.socket.endpoint())) continue;
    // Any port is no address to know a socket by.
    bool is_any_port = !wanted.bind->endpoint.is_unix() && wanted.bind->endpoint.ip.port() == 0;
    if (!rule.by_name && is_any_port) continue;
    return &passed;
  }
  return nullptr;
}

void InheritedSockets::match(std::vector<Wanted> wanted, Log& log) {
  for (Rule rule : {Rule{true, true}, Rule{true, false}, Rule{false, true}})
    std::erase_if(wanted, [&](const Wanted& one) {
      Passed* passed = find(one, rule);
      if (passed == nullptr) return false;
      passed->bind = one.bind;
      say_difference(one, passed->socket, log);
      return true;
    });
  for (const Passed& passed : passed_)
    if (passed.bind == nullptr)
      log.warn("a passed socket belongs to no listener and is not used: its clients get no answer",
               {{"fd", std::to_string(passed.socket.fd())},
                {"name", passed.name},
                {"socket", passed.socket.endpoint().text()},
                {"expected", "FileDescriptorName= of a listener, or an address in bind"}});
  std::erase_if(passed_, [](const Passed& passed) { return passed.bind == nullptr; });
}

void InheritedSockets::say_difference(const Wanted& wanted, const net::ListeningSocket& socket,
                                      Log& log) {
  const config::BindAddress& bind = *wanted.bind;
  if (!is_address(bind, socket.endpoint())) {
    log.warn(
        "a passed socket has another address than bind says; the socket counts",
        {{"listener", wanted.owner}, {"bind", bind.text}, {"socket", socket.endpoint().text()}});
  } else if (bind.is_any_family && socket.endpoint().ip.is_v6() && socket.is_ipv6_only()) {
    log.warn("a passed socket serves IPv6 only, bind says both (BindIPv6Only=both)",
             {{"listener", wanted.owner}, {"bind", bind.text}});
  }
}

Result<net::ListeningSocket> InheritedSockets::take_or_open(const config::BindAddress& bind,
                                                            const net::ListenOptions& options) {
  for (auto passed = passed_.begin(); passed != passed_.end(); ++passed) {
    if (passed->bind != &bind) continue;
    net::ListeningSocket socket = std::move(passed->socket);
    passed_.erase(passed);
    socket.configure(options);
    return socket;
  }
  return net::ListeningSocket::open(bind.endpoint, options);
}

}  // namespace weir::server
