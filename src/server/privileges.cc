#include "privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace weir::server {

namespace {

constexpr std::uint32_t kBindLowPorts = 1u << CAP_NET_BIND_SERVICE;

// Capabilities of this thread, in the kernel's two words of 32 bits (capabilities(7)); glibc has no
// wrappers, and libcap would be a library for two system calls.
using Capabilities = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

bool read_capabilities(Capabilities& out) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return syscall(SYS_capget, &header, out.data()) == 0;
}

bool write_capabilities(const Capabilities& capabilities) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return syscall(SYS_capset, &header, capabilities.data()) == 0;
}

std::string name_of(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

Err<Error> failure(const User& user, std::string_view step, std::string_view cure = {}) {
  std::string cause = strerrordesc_np(errno);
  return Err{Error{"weir: [server] user: cannot become \"" + user.name +
                   "\": " + std::string(step) + ": " + cause + std::string(cure)}};
}

// The process is that user in every respect, and cannot be root again.
bool is_for_good(const User& user, std::uint32_t kept) {
  uid_t uids[3];
  gid_t gids[3];
  Capabilities capabilities{};
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0) return false;
  if (getresgid(&gids[0], &gids[1], &gids[2]) != 0) return false;
  for (uid_t uid : uids)
    if (uid != user.uid) return false;
  for (gid_t gid : gids)
    if (gid != user.gid) return false;
  if (!read_capabilities(capabilities)) return false;
  bool has_only_kept = capabilities[0].permitted == kept && capabilities[1].permitted == 0 &&
                       capabilities[0].effective == kept && capabilities[1].effective == 0;
  bool is_group_root = user.gid == 0;  // a choice of whoever made the user; there is no way on
  return has_only_kept && setresuid(0, 0, 0) != 0 && (is_group_root || setresgid(0, 0, 0) != 0);
}

}  // namespace

Result<std::optional<User>> user_to_become(const std::string& name) {
  if (name.empty()) return std::optional<User>();
  errno = 0;
  const passwd* entry = getpwnam(name.c_str());
  if (entry == nullptr) {
    std::string cause = errno == 0 ? "there is no such user" : strerrordesc_np(errno);
    return Err{Error{"weir: [server] user: \"" + name + "\": " + cause}};
  }
  User user{name, entry->pw_uid, entry->pw_gid};
  if (user.uid == geteuid() && user.uid == getuid()) return std::optional<User>();
  if (geteuid() != 0)
    return Err{Error{"weir: [server] user is \"" + name + "\", but weir was started as \"" +
                     name_of(geteuid()) +
                     "\" (only root can become another user; start weir as root, or delete the "
                     "key and let the service manager choose the user)"}};
  return std::optional<User>(std::move(user));
}

Status<> become_user(const User& user) {
  Capabilities capabilities{};
  if (!read_capabilities(capabilities)) return failure(user, "capget");
  std::uint32_t kept = capabilities[0].permitted & kBindLowPorts;
  if (prctl(PR_SET_KEEPCAPS, 1) != 0) return failure(user, "PR_SET_KEEPCAPS");
  constexpr std::string_view kInContainer = " (are CAP_SETUID and CAP_SETGID missing here?)";
  if (initgroups(user.name.c_str(), user.gid) != 0)
    return failure(user, "initgroups", kInContainer);
  if (setresgid(user.gid, user.gid, user.gid) != 0) return failure(user, "setresgid", kInContainer);
  if (setresuid(user.uid, user.uid, user.uid) != 0) return failure(user, "setresuid", kInContainer);
  capabilities = {};
  capabilities[0].permitted = capabilities[0].effective = kept;
  if (!write_capabilities(capabilities)) return failure(user, "capset");
  if (prctl(PR_SET_KEEPCAPS, 0) != 0) return failure(user, "PR_SET_KEEPCAPS");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure(user, "PR_SET_NO_NEW_PRIVS");
  // The change of user had switched core dumps off.
  prctl(PR_SET_DUMPABLE, 1);
  if (!is_for_good(user, kept))
    return Err{Error{"weir: [server] user: became \"" + user.name +
                     "\", but not for good; weir does not go on like this"}};
  return Ok{};
}

Status<> give_to(const User& user, const std::string& path) {
  if (lchown(path.c_str(), user.uid, user.gid) == 0) return Ok{};
  return Err{Error{"weir: [server] user: cannot give " + path + " to \"" + user.name +
                   "\": " + strerrordesc_np(errno)}};
}

std::vector<std::string> unreadable(const std::vector<std::string>& files,
                                    const std::vector<std::string>& globs) {
  std::vector<std::string> found;
  auto look = [&found](const std::string& path, int mode) {
    if (access(path.c_str(), mode) != 0 && errno == EACCES) found.push_back(path);
  };
  for (const std::string& file : files) look(file, R_OK);
  for (const std::string& glob : globs) {
    std::size_t wildcard = glob.find_first_of("*?[");
    std::size_t slash = glob.rfind('/', wildcard);
    if (wildcard == std::string::npos) continue;  // a file
    look(slash == std::string::npos ? "." : glob.substr(0, slash + 1), R_OK | X_OK);
  }
  return found;
}

}  // namespace weir::server
