#pragma once
// Files that a target under test sees in place of the machine's: the linker sends the calls of
// src/config here (--wrap in meson.build). Outside a VirtualFiles' life they do what they always
// do.
#include <string>
#include <string_view>
#include <vector>

namespace weir::fuzz {

class VirtualFiles {
 public:
  struct File {
    std::string name;
    std::string text;
  };
  // `bytes` are a first file of the name `first`, and behind lines "--- NAME" further ones.
  VirtualFiles(std::string_view bytes, const std::string& first);
  ~VirtualFiles();
  VirtualFiles(const VirtualFiles&) = delete;
  VirtualFiles& operator=(const VirtualFiles&) = delete;

  const File* find(std::string_view name) const;
  const std::vector<File>& all() const { return files_; }

 private:
  std::vector<File> files_;
};

}  // namespace weir::fuzz
