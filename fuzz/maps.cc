// The input is a map file. Every line is a route, a mistake with its place, or nothing, as a reader
// written down plainly has it; the reader's short way for usual names says what the long one says;
// and where the pieces of a large file end makes no difference.
#include <algorithm>

#include "table/map_file.h"
#include "target.h"
#include "virtual_files.h"
#include "weir/config/notation.h"
#include "weir/route/route_table.h"

namespace weir::fuzz {
namespace {

using namespace table;

// What reading shows, in its order.
class Shown final : public MapSink {
 public:
  explicit Shown(unsigned lines_before = 0) : lines_before_(lines_before) {}
  void on_entries(std::span<const MapEntry> entries) override {
    HOLDS(!entries.empty());
    for (const MapEntry& entry : entries)
      add(entry.line, "route", {entry.host, entry.path, entry.target});
  }
  void on_mistake(const MapMistake& mistake) override {
    HOLDS(mistake.column > 0 && !mistake.message.empty());
    if (mistake.line > lines_before_)
      columns.emplace_back(mistake.line - lines_before_, mistake.column);
    for (char c : mistake.message)
      HOLDS(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, shown(mistake.message));
    add(mistake.line, "mistake", {mistake.host, mistake.path});
  }
  std::string text;
  std::vector<std::pair<unsigned, unsigned>> columns;  // lines and columns of mistakes

 private:
  void add(unsigned line, const char* what, std::initializer_list<std::string_view> parts) {
    HOLDS(line > last_line_);
    last_line_ = line;
    text += std::to_string(std::int64_t{line} - lines_before_) + " " + what;
    for (std::string_view part : parts) text.append(" <").append(part).append(">");
    text += "\n";
  }
  unsigned lines_before_;
  unsigned last_line_ = 0;
};

std::vector<std::string> columns_of(std::string_view line) {
  std::vector<std::string> columns;
  for (;;) {
    std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') return columns;
    line.remove_prefix(begin);
    std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    columns.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string naive_line(const std::string& number, std::string_view line) {
  std::vector<std::string> columns = columns_of(line);
  if (columns.empty()) return {};
  std::size_t slash = std::min(columns[0].find('/'), columns[0].size());
  Result<std::string> host = config::parse_host_pattern(columns[0].substr(0, slash));
  if (host.ok()) host = route::canonical_host_pattern(*host);
  if (!host.ok()) return number + " mistake <> <>\n";
  std::string path;
  if (slash < columns[0].size()) {
    Result<std::string> parsed = config::parse_path(columns[0].substr(slash));
    if (!parsed.ok()) return number + " mistake <> <>\n";
    path = *parsed;
  }
  std::string key = "<" + *host + "> <" + path + ">";
  if (columns.size() != 2) return number + " mistake " + key + "\n";
  return number + " route " + key + " <" + columns[1] + ">\n";
}

std::string naive(std::string_view text) {
  std::string out;
  for (unsigned number = 1; !text.empty(); ++number) {
    std::size_t end = std::min(text.find('\n'), text.size());
    out += naive_line(std::to_string(number), text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void check_columns(const Shown& reading, std::string_view text) {
  unsigned number = 0;
  std::size_t begin = 0;
  for (const auto& [line, column] : reading.columns) {
    for (; number + 1 < line; ++number) begin = text.find('\n', begin) + 1;
    std::size_t end = std::min(text.find('\n', begin), text.size());
    HOLDS(column <= end - begin + 1);
  }
}

// A file is read in pieces of 256 KiB: comments in front move their border into the input. The
// first of them is too long for a line.
std::string pieces_before(std::size_t bytes, unsigned& lines) {
  std::string text(70'000, '#');
  text += '\n';
  for (lines = 1; text.size() < bytes; ++lines) {
    text.append(std::min<std::size_t>(bytes - text.size() - 1, 5'000), '#');
    text += '\n';
  }
  return text;
}

void check_pieces(std::string_view input, const std::string& expected) {
  constexpr std::size_t kPieceBytes = 256 * 1024;
  Digest digest(input);
  if (digest.below(16) != 0 || !input.ends_with('\n')) return;
  if (input.starts_with("--- ") || input.find("\n--- ") != std::string_view::npos) return;
  unsigned lines = 0;
  std::string before = pieces_before(kPieceBytes - digest.below(input.size()), lines);
  std::string text = before + std::string(input);
  VirtualFiles files(text, "a.map");
  Shown reading(lines);
  Result<std::uint64_t> number = read_map("a.map", reading);
  Result<std::uint64_t> examined = examine_map("a.map");
  bool has_zero = input.find('\0') != std::string_view::npos;
  HOLDS(number.ok() && examined.ok() == !has_zero);
  HOLDS(has_zero || *number == *examined);
  std::string too_long = std::to_string(1 - std::int64_t{lines}) + " mistake <> <>\n";
  HOLDS(reading.text == too_long + expected, shown(reading.text) + "\n" + shown(expected));
}

}  // namespace

void run(std::string_view input) {
  Shown reading;
  read_map_text(std::string(input), reading);
  std::string expected = naive(input);
  HOLDS(reading.text == expected, "read: " + reading.text + "\nnaively: " + expected);
  check_columns(reading, input);
  check_pieces(input, expected);
}

}  // namespace weir::fuzz
