#include "files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::config {
namespace {

Err<Error> cannot(const char* verb, const std::string& path, int code) {
  char buffer[128];
  const char* reason = strerror_r(code, buffer, sizeof buffer);
  return Err{Error{std::string("cannot ") + verb + " " + path + ": " + reason}};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot("open", path, errno);
  std::string text;
  char chunk[64 * 1024];
  for (;;) {
    ssize_t count = read(fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      int code = errno;
      close(fd);
      if (count < 0) return cannot("read", path, code);
      return text;
    }
    text.append(chunk, static_cast<std::size_t>(count));
  }
}

std::string beside(const std::string& file, const std::string& path) {
  std::size_t slash = file.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) return path;
  return file.substr(0, slash + 1) + path;
}

bool is_glob(std::string_view pattern) {
  return pattern.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> matches_of(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat left {};
  struct stat right {};
  return stat(a.c_str(), &left) == 0 && stat(b.c_str(), &right) == 0 &&
         left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

}  // namespace weir::config
