#pragma once
// [server] user: root opens the listening sockets, then becomes the user that serves. There is no
// way back. Main thread, and before any other thread exists: capabilities belong to threads.
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"

namespace weir::server {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;  // its primary group
};

// Whom to become for `name`: nobody when it is empty or when this process runs as that user
// already. Errors: no such user; another user, but this is not root.
Result<std::optional<User>> user_to_become(const std::string& name);

// Becomes `user` with its primary and supplementary groups, and checks that it is for good. Of
// root's powers only the binding of ports below 1024 is kept (if it was there), for binds to come;
// programs that are started could not gain any. Errors leave the process in between: it must end.
Status<> become_user(const User& user);

// Gives a path (of a Unix socket) to `user` and its primary group.
Status<> give_to(const User& user, const std::string& path);

// Those of `files`, and folders of `globs`, that exist and that this process may not read.
std::vector<std::string> unreadable(const std::vector<std::string>& files,
                                    const std::vector<std::string>& globs);

}  // namespace weir::server
