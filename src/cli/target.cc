#include "target.h"

#include <charconv>
#include <cstring>
#include <fstream>

#include "weir/net/host_lookup.h"

namespace weir::cli {
namespace {

constexpr std::string_view kForms = "expected http://HOST:PORT or unix:PATH";

Err<Error> wrong(const std::string& text, const std::string& what) {
  return Err{Error{"weir: the admin address \"" + text + "\" " + what}};
}

bool is_token_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789._-") == std::string_view::npos;
}

}  // namespace

Result<Target> parse_target(const std::string& text) {
  Target target;
  target.text = text;
  if (text.starts_with("unix:")) {
    Result<Endpoint> endpoint = Endpoint::parse(text);
    if (!endpoint.ok()) return wrong(text, "is wrong: " + endpoint.error().message);
    target.host = "localhost";
    target.endpoints.push_back(std::move(endpoint).value());
    return target;
  }
  constexpr std::string_view kScheme = "http://";
  if (text.starts_with("https://"))
    return wrong(text,
                 "is https, which is not available in this version (" + std::string(kForms) + ")");
  if (!text.starts_with(kScheme)) {
    bool is_bare = text.find("://") == text.npos && text.find(':') != text.npos;
    return wrong(text, "has no scheme (" + std::string(kForms) +
                           (is_bare ? "; did you mean \"http://" + text + "\"?)" : ")"));
  }
  std::string authority = text.substr(kScheme.size());
  while (authority.ends_with('/')) authority.pop_back();
  std::size_t colon = authority.rfind(':');
  unsigned port = 0;
  const char* end = authority.data() + authority.size();
  bool has_port = colon != authority.npos && authority.back() != ']';
  auto read =
      std::from_chars(authority.data() + (has_port ? colon + 1 : authority.size()), end, port);
  if (!has_port || read.ec != std::errc() || read.ptr != end || port == 0 || port > 65535)
    return wrong(text, "has no port (" + std::string(kForms) + ")");
  std::string host = authority.substr(0, colon);
  target.host = authority;
  if (Result<IpAddress> ip = IpAddress::parse(host, static_cast<std::uint16_t>(port)); ip.ok()) {
    target.endpoints.push_back({*ip, {}});
    return target;
  }
  for (const IpAddress& ip : net::look_up_host(host, static_cast<std::uint16_t>(port)))
    target.endpoints.push_back({ip, {}});
  if (target.endpoints.empty()) return wrong(text, "names a host that is not known");
  return target;
}

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    return Err{Error{"weir: cannot read the token file " + path + ": " + std::strerror(errno)}};
  for (std::string line; std::getline(file, line);) {
    std::size_t begin = line.find_first_not_of(" \t");
    if (begin == line.npos || line[begin] == '#' || line[begin] == '\r') continue;
    std::string token = line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
    std::size_t colon = token.find(':');
    if (colon != token.npos && is_token_name(std::string_view(token).substr(0, colon)))
      token.erase(0, token.find_first_not_of(" \t", colon + 1));
    if (!token.empty() && token.find_first_of(" \t") == token.npos) return token;
    return Err{Error{"weir: " + path + ": no token (expected TOKEN or NAME:TOKEN)"}};
  }
  return Err{Error{"weir: " + path + ": no token (expected TOKEN or NAME:TOKEN)"}};
}

}  // namespace weir::cli
