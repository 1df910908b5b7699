#include "origin.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace weir::admin {
namespace {

// "http://127.0.0.1:8042" → "127.0.0.1:8042"; empty for "null" and whatever is no web page's
// origin.
std::string_view authority_of(std::string_view origin) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (http::equals_ignoring_case(origin.substr(0, scheme.size()), scheme)) {
      return origin.substr(scheme.size());
    }
  }
  return {};
}

// Its time depends on the length of `given` alone.
bool is_same_secret(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    char other = secret.empty() ? '\0' : secret[i % secret.size()];
    difference |= static_cast<unsigned>(static_cast<unsigned char>(given[i] ^ other));
  }
  return difference == 0;
}

// What stands behind "Bearer "; nothing when there is no such field, or more than one.
std::optional<std::string_view> bearer_token(const http::RequestHead& head) {
  constexpr std::string_view kScheme = "Bearer ";
  std::optional<std::string_view> token;
  for (const http::Field& field : head.fields) {
    if (field.id != http::FieldId::kAuthorization) continue;
    if (token || !http::equals_ignoring_case(field.value.substr(0, kScheme.size()), kScheme))
      return std::nullopt;
    token = field.value.substr(kScheme.size());
    token->remove_prefix(std::min(token->find_first_not_of(' '), token->size()));
  }
  return token;
}

}  // namespace

namespace {

// Of this machine's own users: asking a directory service could take its time.
std::string user_text(uid_t uid) {
  std::string text = "uid=" + std::to_string(uid);
  FILE* file = std::fopen("/etc/passwd", "re");
  if (file == nullptr) return text;
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  while (fgetpwent_r(file, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    if (found->pw_uid != uid) continue;
    text = found->pw_name;
    break;
  }
  std::fclose(file);
  return text;
}

}  // namespace

std::string text_of(const Arrival& arrival) {
  if (arrival.door != Door::kUnix && !arrival.peer.is_unspecified()) return arrival.peer.ip_text();
  return arrival.uid ? user_text(*arrival.uid) : "unix";
}

bool is_own_host(const http::RequestHead& head, const Access& access) {
  if (head.host.empty() || head.host == "localhost" || IpAddress::parse(head.host).ok())
    return true;
  return std::find(access.hosts.begin(), access.hosts.end(), head.host) != access.hosts.end();
}

bool has_foreign_origin(const http::RequestHead& head) {
  for (const http::Field& field : head.fields) {
    if (field.id != http::FieldId::kOrigin) continue;
    std::string_view authority = authority_of(field.value);
    // The scheme may be either: who ends TLS in front of us leaves the rest as it is.
    if (authority.empty() || !http::equals_ignoring_case(authority, head.authority)) return true;
  }
  return false;
}

TokenCheck check_token(const http::RequestHead& head, const Access& access) {
  TokenCheck check;
  std::optional<std::string_view> given = bearer_token(head);
  if (!given) return check;
  check.has_token = true;
  // All of them, whichever fits.
  for (const config::AdminToken& token : access.tokens) {
    if (is_same_secret(*given, token.secret)) check.name = token.name;
  }
  return check;
}

}  // namespace weir::admin
