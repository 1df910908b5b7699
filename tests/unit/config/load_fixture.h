#pragma once
// Loading from text and from a folder of files, as the tests of config want it.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "weir/config/load.h"

namespace weir::config::test {

// Behind every snippet, so that it stands at its own lines and the whole can load.
inline constexpr std::string_view kListener = "\n[listener.zz]\nbind = [\"127.0.0.1:0\"]\n";
inline constexpr std::string_view kPool = "\n[pool.zz]\nbackends = []\n";

inline Loaded load(std::string_view snippet) {
  return load_text(std::string(snippet) + std::string(kListener), "weir.toml");
}

// Each as "LINE:COLUMN: message", without the name of the file.
// What keeps it from being served, or of what is served the entries that are not.
inline std::vector<std::string> errors_of(const Loaded& loaded) {
  std::vector<std::string> texts;
  for (const std::vector<Diagnostic>* list : {&loaded.errors, &loaded.quarantined}) {
    for (const Diagnostic& error : *list) {
      std::string text = error.text();
      constexpr std::string_view kPrefix = "weir: weir.toml:";
      texts.push_back(text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : text);
    }
  }
  return texts;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

// A folder of its own that vanishes with the object.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-config-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, std::string_view text) const {
    std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace weir::config::test
