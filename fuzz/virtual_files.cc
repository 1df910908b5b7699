#include "virtual_files.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

namespace weir::fuzz {
namespace {

const VirtualFiles* present = nullptr;

}  // namespace

VirtualFiles::VirtualFiles(std::string_view bytes, const std::string& first) {
  constexpr std::string_view kBorder = "\n--- ";
  std::string name = first;
  for (;;) {
    std::size_t end = std::min(bytes.find(kBorder), bytes.size());
    // The line end in front of the border is the file's.
    std::size_t text_end = end == bytes.size() ? end : end + 1;
    if (find(name) == nullptr) files_.push_back({name, std::string(bytes.substr(0, text_end))});
    if (end == bytes.size()) break;
    bytes.remove_prefix(end + kBorder.size());
    std::size_t name_end = std::min(bytes.find('\n'), bytes.size());
    name = bytes.substr(0, name_end);
    // As C reads it.
    name = name.c_str();
    bytes.remove_prefix(std::min(name_end + 1, bytes.size()));
  }
  present = this;
  // That the linker did its part.
  static const bool is_checked = [&] {
    struct stat status;
    return stat(first.c_str(), &status) == 0 && access("/", F_OK) != 0;
  }();
  if (!is_checked) std::abort();
}

VirtualFiles::~VirtualFiles() { present = nullptr; }

const VirtualFiles::File* VirtualFiles::find(std::string_view name) const {
  for (const File& file : files_)
    if (file.name == name) return &file;
  return nullptr;
}

}  // namespace weir::fuzz

namespace {

using weir::fuzz::present;
using weir::fuzz::VirtualFiles;

int no_such_file() {
  errno = ENOENT;
  return -1;
}

int open_virtual(const VirtualFiles::File& file) {
  int fd = memfd_create("virtual", MFD_CLOEXEC);
  if (fd < 0) std::abort();
  for (std::string_view rest = file.text; !rest.empty();) {
    ssize_t count = write(fd, rest.data(), rest.size());
    if (count <= 0) std::abort();
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  if (lseek(fd, 0, SEEK_SET) != 0) std::abort();
  return fd;
}

}  // namespace

extern "C" {
int __real_open64(const char* path, int flags, ...);
int __real_stat64(const char* path, struct stat* out);
int __real_access(const char* path, int mode);
int __real_glob64(const char* pattern, int flags, int (*on_error)(const char*, int), glob_t* out);
void __real_globfree64(glob_t* found);
int __real_getpwnam_r(const char* name, passwd* entry, char* buffer, size_t size, passwd** found);

int __wrap_open64(const char* path, int flags, ...) {
  if (present == nullptr) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return __real_open64(path, flags, mode);
  }
  const VirtualFiles::File* file = present->find(path);
  return file == nullptr ? no_such_file() : open_virtual(*file);
}

int __wrap_stat64(const char* path, struct stat* out) {
  if (present == nullptr) return __real_stat64(path, out);
  const VirtualFiles::File* file = present->find(path);
  if (file == nullptr) return no_such_file();
  std::memset(out, 0, sizeof *out);
  out->st_ino = static_cast<ino_t>(file - present->all().data() + 1);
  out->st_mode = S_IFREG | S_IRUSR;
  return 0;
}

int __wrap_access(const char* path, int mode) {
  if (present == nullptr) return __real_access(path, mode);
  return present->find(path) == nullptr ? no_such_file() : 0;
}

int __wrap_glob64(const char* pattern, int flags, int (*on_error)(const char*, int), glob_t* out) {
  if (present == nullptr) return __real_glob64(pattern, flags, on_error, out);
  *out = {};
  out->gl_pathv = static_cast<char**>(std::calloc(present->all().size() + 1, sizeof(char*)));
  for (const VirtualFiles::File& file : present->all())
    if (fnmatch(pattern, file.name.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0)
      out->gl_pathv[out->gl_pathc++] = strdup(file.name.c_str());
  return out->gl_pathc == 0 ? GLOB_NOMATCH : 0;
}

void __wrap_globfree64(glob_t* found) {
  if (present == nullptr) return __real_globfree64(found);
  for (std::size_t i = 0; i < found->gl_pathc; ++i) std::free(found->gl_pathv[i]);
  std::free(found->gl_pathv);
}

// The same users on every machine.
int __wrap_getpwnam_r(const char* name, passwd* entry, char* buffer, size_t size, passwd** found) {
  if (present == nullptr) return __real_getpwnam_r(name, entry, buffer, size, found);
  *found = std::string_view(name) == "weir" ? entry : nullptr;
  return 0;
}
}
