// weir diff A B: each is a file, or where a weir's admin interface is.
#include <cstdio>
#include <limits>
#include <memory>
#include <thread>

#include "diff.h"
#include "diff_command.h"
#include "tables.h"
#include "weir/config/load.h"

namespace weir::cli {
namespace {

constexpr int kSame = 0;
constexpr int kDifferent = 1;
constexpr int kInvalid = 2;
constexpr std::size_t kMostOfAKind = 20;

bool is_address(const std::string& text) {
  return text.starts_with("unix:") || text.find("://") != text.npos;
}

// Of what was no file.
std::string hint_for(const std::string& source) {
  bool may_be_address = source.find(':') != source.npos && source.find('/') == source.npos;
  return may_be_address ? " (did you mean \"http://" + source + "\"?)" : "";
}

// One of the two.
class Side {
 public:
  explicit Side(const std::string& source) { table_.source = source; }
  // Enough to see whether both are the same; the error is for stderr.
  Status<> begin(const Arguments& arguments, const Environment& environment) {
    if (!is_address(table_.source)) {
      Result<Snapshot> read = environment.files->read(table_.source);
      if (!read.ok()) return Err{Error{read.error().message + hint_for(table_.source)}};
      table_ = std::move(*read);
      return Ok{};
    }
    Result<Target> target = parse_target(table_.source);
    if (!target.ok()) return Err{target.error()};
    std::string token;
    if (!arguments.token_file.empty()) {
      Result<std::string> read = read_token(arguments.token_file);
      if (!read.ok()) return Err{read.error()};
      token = std::move(*read);
    }
    client_ = std::make_unique<Client>(std::move(*target), std::move(token));
    session_ = std::make_unique<Session>(*client_, arguments.token_file);
    return said(read_head(*session_, table_));
  }
  Status<> finish() {
    if (session_ == nullptr) return Ok{};
    return said(read_table(*session_, table_));
  }
  const Snapshot& table() const { return table_; }

 private:
  static Status<> said(const Result<Ok, Problem>& result) {
    if (result.ok()) return Ok{};
    return Err{Error{result.error().message}};
  }
  Snapshot table_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Session> session_;
};

// Reads both at once, each on a thread: neither knows of the other. The first error.
template <typename Read>
Status<> read_both(Side& a, Side& b, Read read) {
  Status<> of_b = Ok{};
  std::thread other([&] { of_b = read(b); });
  Status<> of_a = read(a);
  other.join();
  return of_a.ok() ? of_b : of_a;
}

int fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return kInvalid;
}

}  // namespace

int diff_command(const Arguments& arguments, const Environment& environment) {
  Side a(arguments.a), b(arguments.b);
  Status<> begun = read_both(a, b, [&](Side& side) { return side.begin(arguments, environment); });
  if (!begun.ok()) return fail(begun.error());
  TableDiff diff;
  if (a.table().hash != b.table().hash) {
    Status<> finished = read_both(a, b, [](Side& side) { return side.finish(); });
    if (!finished.ok()) return fail(finished.error());
    diff = compare(a.table(), b.table(), config::default_of_setting);
  }
  std::size_t most = arguments.shows_all ? std::numeric_limits<std::size_t>::max() : kMostOfAKind;
  std::string text =
      arguments.is_json ? diff_json(a.table(), b.table(), diff)
                        : diff_text(a.table(), b.table(), diff, most, environment.has_colours);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return diff.is_same() ? kSame : kDifferent;
}

}  // namespace weir::cli
