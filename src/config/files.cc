#include "files.h"

#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "suggest.h"

namespace weir::config {
namespace {

// Of TOML: 25 MB of it take a second to parse. Large tables are maps.
constexpr off_t kMaxFileBytes = 256 * 1024 * 1024;

std::string user_name(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  getpwuid_r(uid, &entry, buffer, sizeof buffer, &found);
  return found == nullptr ? "uid " + std::to_string(uid) : "user " + std::string(entry.pw_name);
}

bool may(const std::string& path, int access_mode) {
  return faccessat(AT_FDCWD, path.c_str(), access_mode, AT_EACCESS) == 0;
}

// Who may not, and whose it is.
std::string who_may(const std::string& path) {
  std::string text = "weir runs as " + user_name(geteuid());
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return text + ", which may not enter the folder";
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
  return text + ", the file belongs to " + user_name(status.st_uid) + " with mode " + mode;
}

// A file beside the missing one with almost its name.
std::string meant_file(const std::string& path) {
  std::size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::vector<std::string> names;
  std::size_t dot = path.rfind('.');
  bool has_extension = dot != std::string::npos && dot >= folder.size();
  std::string extension = has_extension ? path.substr(dot) : ".toml";
  Result<std::vector<std::string>> beside = matches_of(folder + "*" + extension);
  if (!beside.ok()) return {};
  for (const std::string& found : *beside) names.push_back(found.substr(folder.size()));
  std::vector<std::string_view> legal(names.begin(), names.end());
  std::string_view meant = suggest(std::string_view(path).substr(folder.size()), legal);
  return meant.empty() ? std::string() : folder + std::string(meant);
}

std::string hint_for(const std::string& path, int code) {
  if (code == EACCES) return " (" + who_may(path) + ")";
  if (code == EISDIR) {
    std::string inside = path + (path.ends_with('/') ? "" : "/") + "weir.toml";
    return " (expected a file" + (exists(inside) ? "; did you mean " + inside + "?" : "") + ")";
  }
  std::string meant = code == ENOENT ? meant_file(path) : std::string();
  return meant.empty() ? std::string() : " (did you mean " + meant + "?)";
}

Err<Error> cannot(const char* verb, const std::string& path, int code) {
  char buffer[128];
  const char* reason = strerror_r(code, buffer, sizeof buffer);
  return Err{
      Error{std::string("cannot ") + verb + " " + path + ": " + reason + hint_for(path, code)}};
}

// /dev/null, by whatever link: an empty file.
bool is_null_device(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// The folder that glob() may not list; glob() hands nothing through to this.
thread_local std::string unlisted_folder;
int on_unlisted(const char* folder, int code) {
  if (code != EACCES) return 0;
  unlisted_folder = folder;
  return 1;
}

}  // namespace

std::string problem_of_output(const std::string& path, const std::string& user) {
  bool is_me = user.empty() || "user " + user == user_name(geteuid());
  struct stat status {};
  if (stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return path + " is a folder (expected a file)";
    if (!is_me || may(path, W_OK)) return {};
    std::string why = errno == EACCES ? " (" + who_may(path) + ")" : "";
    return path + " cannot be written" + why;
  }
  std::size_t slash = path.rfind('/');
  std::string folder =
      slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  if (stat(folder.c_str(), &status) != 0) {
    if (errno != ENOENT) return is_me ? folder + " cannot be looked into" : "";
    return "there is no folder " + folder + " (expected one: mkdir -p " + folder + ")";
  }
  if (!S_ISDIR(status.st_mode)) return folder + " is no folder";
  if (!is_me || may(folder, W_OK | X_OK)) return {};
  return "no file can be made in " + folder + " (weir runs as " + user_name(geteuid()) +
         ", who may not write there)";
}

Result<std::string> read_file(const std::string& path, std::size_t enough_bytes) {
  // A FIFO would wait for its writer, and a device has no end; /dev/null is how a file is masked.
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return cannot("open", path, errno);
  struct stat status {};
  std::string problem;
  if (fstat(fd, &status) != 0 ||
      (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !is_null_device(status)))
    problem = " is no file";
  else if (status.st_size > kMaxFileBytes)
    problem = " is larger than 256 MiB";
  if (!problem.empty()) {
    close(fd);
    return Err{Error{path + problem}};
  }
  std::string text;
  char chunk[64 * 1024];
  for (;;) {
    ssize_t count = read(fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    int code = errno;
    if (count > 0) text.append(chunk, static_cast<std::size_t>(count));
    if (count > 0 && text.size() <= enough_bytes) continue;
    close(fd);
    if (count < 0) return cannot("read", path, code);
    return text;
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

Result<std::vector<std::string>> matches_of(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found{};
  int outcome = glob(pattern.c_str(), GLOB_NOSORT, on_unlisted, &found);
  if (outcome == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (outcome == GLOB_ABORTED) return cannot("list", unlisted_folder, EACCES);
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

std::string folder_of_glob(const std::string& pattern) {
  std::size_t wild = std::min(pattern.find_first_of("*?["), pattern.size());
  std::size_t slash = pattern.rfind('/', wild);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : pattern.substr(0, slash);
}

}  // namespace weir::config
