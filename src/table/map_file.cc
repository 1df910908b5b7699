#include "map_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>

#include "fingerprint.h"
#include "weir/base/ascii.h"
#include "weir/config/notation.h"
#include "weir/route/route_table.h"

namespace weir::table {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kMaxLineBytes = 64 * 1024;
constexpr std::size_t kBatch = 32;

Err<Error> cannot(const char* verb, const std::string& path, int code) {
  char buffer[128];
  return Err{Error{std::string("cannot ") + verb + " " + path + ": " +
                   strerror_r(code, buffer, sizeof buffer)}};
}

class File {
 public:
  // A FIFO would wait for its writer, and a device has no end.
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    is_regular_ = fd_ >= 0 && fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  }
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return fd_ >= 0; }
  bool is_regular() const { return is_regular_; }
  // As many bytes as there are, up to `size`; -1: errno.
  ssize_t fill(char* bytes, std::size_t size) const {
    std::size_t filled = 0;
    while (filled < size) {
      ssize_t count = read(fd_, bytes + filled, size - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return -1;
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    return static_cast<ssize_t>(filled);
  }

 private:
  int fd_;
  bool is_regular_ = false;
};

// Four sums side by side, since each step of one waits for the one before.
std::uint64_t hash_of_piece(std::string_view bytes, std::uint64_t state) {
  std::array<std::uint64_t, 4> sums = {state, state + 1, state + 2, state + 3};
  while (bytes.size() >= sizeof sums) {
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), bytes.data(), sizeof words);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = hash_of_word(words[i], sums[i]);
    bytes.remove_prefix(sizeof words);
  }
  for (std::uint64_t sum : sums) state = hash_of_word(sum, state);
  return hash_of_bytes(bytes, state);
}

// Calls visit(bytes, size) for each piece.
template <typename Visit>
Result<std::uint64_t> read_pieces(const std::string& path, std::size_t room_before, Visit visit) {
  File file(path);
  if (!file.is_open()) return cannot("open", path, errno);
  if (!file.is_regular()) return Err{Error{path + " is no file"}};
  std::vector<char> buffer(room_before + kPieceBytes);
  std::uint64_t hash = 0;
  for (;;) {
    char* piece = buffer.data() + room_before;
    ssize_t count = file.fill(piece, kPieceBytes);
    if (count < 0) return cannot("read", path, errno);
    if (count == 0) return hash;
    std::string_view bytes(piece, static_cast<std::size_t>(count));
    hash = hash_of_piece(bytes, hash);
    visit(buffer.data(), bytes.size());
  }
}

// What a byte of a line may be.
enum ByteKind : unsigned char { kBlank = 1, kOfLabel = 2, kNotDigit = 4, kUpper = 8, kDot = 16 };
constexpr std::array<unsigned char, 256> kKinds = [] {
  std::array<unsigned char, 256> kinds{};
  kinds[' '] = kinds['\t'] = kinds['\r'] = kBlank;
  for (unsigned c = '0'; c <= '9'; ++c) kinds[c] = kOfLabel;
  for (unsigned c = 'a'; c <= 'z'; ++c) kinds[c] = kOfLabel | kNotDigit;
  for (unsigned c = 'A'; c <= 'Z'; ++c) kinds[c] = kOfLabel | kNotDigit | kUpper;
  kinds['-'] = kinds['_'] = kOfLabel | kNotDigit;
  kinds['.'] = kDot;
  return kinds;
}();
unsigned kind_of(char c) { return kKinds[static_cast<unsigned char>(c)]; }
bool is_blank(char c) { return (kind_of(c) & kBlank) != 0; }

// Splits lines into their columns and shows good ones in batches.
class LineReader {
 public:
  explicit LineReader(MapSink& sink) : sink_(sink) { batch_.reserve(kBatch); }

  // `begin` to `end` are whole lines; their bytes may be changed.
  void read(char* begin, char* end) {
    while (begin < end) {
      auto* newline =
          static_cast<char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
      char* line_end = newline != nullptr ? newline : end;
      // Wherever the file's pieces end: one that lies in a single piece is no exception.
      if (line_end - begin > std::ptrdiff_t{kMaxLineBytes}) {
        skip_long_line();
      } else {
        ++line_;
        read_line(begin, line_end);
      }
      begin = line_end + 1;
    }
    // What the batch names does not outlive this call.
    show();
  }
  void skip_long_line() {
    ++line_;
    mistake(1, "the line is longer than 64 KiB");
  }

 private:
  struct Column {
    char* begin;
    char* end;
    bool empty() const { return begin == end; }
    std::string_view text() const { return {begin, static_cast<std::size_t>(end - begin)}; }
  };
  // The next one from `at` on. A comment is none.
  static Column column_at(char*& at, char* end) {
    while (at < end && is_blank(*at)) ++at;
    char* begin = at;
    if (at < end && *at == '#') at = end;
    if (at == end) return {end, end};
    while (at < end && !is_blank(*at)) ++at;
    return {begin, at};
  }

  void read_line(char* begin, char* end) {
    char* at = begin;
    Column key = column_at(at, end);
    if (key.empty()) return;
    Column target = column_at(at, end);
    Column third = target.empty() ? target : column_at(at, end);
    auto column = [begin](const Column& of) { return static_cast<unsigned>(of.begin - begin) + 1; };
    MapEntry entry;
    entry.line = line_;
    if (std::string problem = read_key(key, entry); !problem.empty())
      return mistake(column(key), std::move(problem), entry);
    if (target.empty())
      return mistake(static_cast<unsigned>(key.end - begin) + 1,
                     "the line has no target (expected HOST[/PATH] TARGET)", entry);
    if (!third.empty())
      return mistake(column(third),
                     "a third column: \"" + printable(third.text()) +
                         "\" (expected HOST[/PATH] TARGET; a comment begins with \"#\")",
                     entry);
    entry.target = target.text();
    batch_.push_back(entry);
    if (batch_.size() == kBatch) show();
  }

  // What is wrong with the first column, or "".
  std::string read_key(Column key, MapEntry& entry) {
    std::string_view text = key.text();
    std::size_t slash = std::min(text.find('/'), text.size());
    Column host{key.begin, key.begin + slash};
    if (!make_canonical(host)) {
      Result<std::string> pattern = config::parse_host_pattern(host.text());
      if (!pattern.ok()) return "host " + pattern.error().message;
      pattern = route::canonical_host_pattern(*pattern);
      if (!pattern.ok()) return pattern.error().message;
      entry.host = kept_.emplace_back(std::move(pattern).value());
    } else {
      entry.host = host.text();
    }
    if (slash == text.size()) return {};
    Result<std::string> path = config::parse_path(text.substr(slash));
    if (!path.ok()) {
      entry.host = {};  // alone it would be another key
      return "path " + path.error().message;
    }
    entry.path = kept_.emplace_back(std::move(path).value());
    return {};
  }

  // The usual names are made canonical where they stand. False: another form, to be looked at with
  // care.
  static bool make_canonical(Column& host) {
    unsigned seen = 0;  // without a letter it may be an IP address
    char* begin = host.begin;
    if (host.text().starts_with("*."))
      begin += 2;
    else if (host.text().starts_with("."))
      begin += 1;
    char* end = host.end > begin && host.end[-1] == '.' ? host.end - 1 : host.end;
    if (end - begin > 253) return false;
    char* label = begin;
    auto is_label = [&label](const char* behind) { return behind > label && behind - label <= 63; };
    for (char* at = begin; at < end; ++at) {
      unsigned kind = kind_of(*at);
      if (kind == kDot) {
        if (!is_label(at)) return false;
        label = at + 1;
        continue;
      }
      if ((kind & kOfLabel) == 0) return false;
      if ((kind & kUpper) != 0) *at = static_cast<char>(*at + ('a' - 'A'));
      seen |= kind;
    }
    bool is_canonical = is_label(end) && (seen & kNotDigit) != 0 &&
                        std::string_view(host.begin, static_cast<std::size_t>(end - host.begin)) != "_";
    if (is_canonical) host.end = end;
    return is_canonical;
  }

  void mistake(unsigned column, std::string message, const MapEntry& entry = {}) {
    // Before show(), which lets go of what the entry names.
    MapMistake made{
        line_,       column, std::move(message), std::string(entry.host), std::string(entry.path),
        entry.target};
    show();
    sink_.on_mistake(made);
  }

  void show() {
    if (!batch_.empty()) sink_.on_entries(batch_);
    batch_.clear();
    kept_.clear();
  }

  MapSink& sink_;
  unsigned line_ = 0;
  std::vector<MapEntry> batch_;
  std::deque<std::string> kept_;  // what the batch's views name beside the text itself
};

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 100;
  std::string out;
  for (char c : text.substr(0, kMost)) out += c >= ' ' && c < 0x7f ? c : '?';
  return text.size() > kMost ? out + "…" : out;
}

Result<FileState> state_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return cannot("open", path, errno);
  if (!S_ISREG(status.st_mode)) return Err{Error{path + " is no file"}};
  auto ns = [](const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
  };
  return FileState{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                   ns(status.st_mtim), ns(status.st_ctim)};
}

Result<std::uint64_t> examine_map(const std::string& path) {
  bool has_zero = false;
  char last = '\n';
  Result<std::uint64_t> hash = read_pieces(path, 0, [&](const char* bytes, std::size_t size) {
    has_zero = has_zero || std::memchr(bytes, 0, size) != nullptr;
    last = bytes[size - 1];
  });
  if (!hash.ok()) return hash;
  if (has_zero) return Err{Error{"the file holds zero bytes (expected lines HOST[/PATH] TARGET)"}};
  if (last != '\n')
    return Err{Error{"the last line does not end in a newline (the file was cut short?)"}};
  return hash;
}

Result<std::uint64_t> read_map(const std::string& path, MapSink& sink) {
  LineReader reader(sink);
  std::size_t left = 0;  // bytes of a begun line, in front of the piece
  bool is_too_long = false;
  return read_pieces(path, kMaxLineBytes, [&](char* buffer, std::size_t size) {
    char* begin = buffer + kMaxLineBytes - left;
    char* end = buffer + kMaxLineBytes + size;
    if (is_too_long) {
      auto* newline =
          static_cast<char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
      if (newline == nullptr) return;
      is_too_long = false;
      begin = newline + 1;
    }
    auto* last_newline =
        static_cast<char*>(memrchr(begin, '\n', static_cast<std::size_t>(end - begin)));
    if (last_newline != nullptr) {
      reader.read(begin, last_newline + 1);
      begin = last_newline + 1;
    }
    left = static_cast<std::size_t>(end - begin);
    if (left > kMaxLineBytes) {
      reader.skip_long_line();
      is_too_long = true;
      left = 0;
    }
    std::memcpy(buffer + kMaxLineBytes - left, begin, left);
  });
}

void read_map_text(std::string text, MapSink& sink) {
  LineReader(sink).read(text.data(), text.data() + text.size());
}

}  // namespace weir::table
