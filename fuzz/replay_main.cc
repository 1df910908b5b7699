// Runs a target over inputs that are kept: folders and files. A *.txt holds an input per line, with
// \r, \n, \t, \\ and \xNN; empty lines and those that begin with '#' are none. Any other file is
// one input. Needs no fuzzer, so that every compiler can do it.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "target.h"

// Only sanitised programs have it; theirs end without SIGABRT.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

namespace fs = std::filesystem;

std::string present_place;  // of the input under way
std::size_t inputs = 0;

void tell_place() { std::fprintf(stderr, "input: %s\n", present_place.c_str()); }

void on_abort(int) {
  signal(SIGABRT, SIG_DFL);
  tell_place();
  std::abort();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// False: it is not written as it should be.
bool unescape(const std::string& line, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      out += line[i];
      continue;
    }
    char kind = ++i < line.size() ? line[i] : '\0';
    if (kind == 'x' && i + 2 < line.size()) {
      int high = hex_digit(line[i + 1]);
      int low = hex_digit(line[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (kind == 'r' || kind == 'n' || kind == 't' || kind == '\\') {
      out += kind == 'r' ? '\r' : kind == 'n' ? '\n' : kind == 't' ? '\t' : '\\';
    } else {
      return false;
    }
  }
  return true;
}

void replay(const std::string& input, const std::string& place) {
  present_place = place;
  weir::fuzz::Exact exact(input);
  weir::fuzz::run(exact.view());
  ++inputs;
}

bool replay_lines(std::istream& file, const std::string& name) {
  std::string line;
  std::string input;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::string place = name + ":" + std::to_string(number);
    if (!unescape(line, input)) {
      std::fprintf(stderr, "%s: an escape that is none\n", place.c_str());
      return false;
    }
    replay(input, place);
  }
  return true;
}

bool replay_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return false;
  }
  if (path.extension() == ".txt") return replay_lines(file, path.string());
  std::ostringstream text;
  text << file.rdbuf();
  replay(text.str(), path.string());
  return true;
}

bool replay_path(const fs::path& path) {
  if (!fs::is_directory(path)) return replay_file(path);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files)
    if (!replay_file(file)) return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FILE|FOLDER…\n", argv[0]);
    return 2;
  }
  signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(tell_place);
  for (int i = 1; i < argc; ++i)
    if (!replay_path(argv[i])) return 1;
  if (inputs == 0) std::fprintf(stderr, "no inputs\n");
  std::printf("%zu inputs\n", inputs);
  return inputs == 0 ? 1 : 0;
}
