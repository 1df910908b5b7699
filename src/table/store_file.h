#pragma once
// A file that is written as a stream, takes the place of the one before in one step, and says by a
// checksum at its end whether it is whole. Numbers are written in seven bits a byte, texts with
// their length. Any thread.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::table {

class StoreWriter {
 public:
  // Writes beside `path`, over what an earlier writer may have left there.
  explicit StoreWriter(std::string path);
  ~StoreWriter();  // removes what was not finished
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;
  void number(std::uint64_t value);
  void text(std::string_view text);
  void bytes(std::string_view bytes);
  // The whole file is on the disk under its name, or nothing has changed there.
  Status<> finish();

 private:
  void flush();
  void fail(const char* verb);

  std::string path_;
  std::string draft_;
  int fd_;
  std::vector<char> buffer_;
  std::size_t size_ = 0;
  std::uint64_t checksum_ = 0;
  std::string problem_;  // the first
};

class StoreReader {
 public:
  // Reads all of it once, to know that it is whole. `is_there` is false: no such file, which is no
  // problem.
  explicit StoreReader(const std::string& path);
  ~StoreReader();
  StoreReader(const StoreReader&) = delete;
  StoreReader& operator=(const StoreReader&) = delete;
  bool is_there() const { return is_there_; }
  // Why nothing more can be read; empty: it can.
  const std::string& problem() const { return problem_; }
  // After a problem 0 and "".
  std::uint64_t number();
  // A number below `limit`.
  std::uint64_t number_below(std::uint64_t limit);
  // Good until the next call.
  std::string_view text(std::size_t max_bytes = 64 * 1024);
  std::string long_text();
  std::string_view bytes(std::size_t count);
  void fail(std::string problem);

 private:
  void verify();
  bool fill(std::size_t needed);

  int fd_;
  bool is_there_ = true;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t left_ = 0;  // bytes of contents that have not been read into the buffer
  std::string problem_;
};

}  // namespace weir::table
