#include "store_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fingerprint.h"

namespace weir::table {
namespace {

// The checksum goes over pieces of this size.
constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);
constexpr std::size_t kMaxNumberBytes = 10;
constexpr std::size_t kMaxTextBytes = 64 * 1024;

std::string reason_of(int code) {
  char buffer[128];
  return strerror_r(code, buffer, sizeof buffer);
}

// 0: the end; -1: errno.
ssize_t read_some(int fd, char* bytes, std::size_t size) {
  for (;;) {
    ssize_t count = read(fd, bytes, size);
    if (count >= 0 || errno != EINTR) return count;
  }
}

// As many bytes as that, unless the file ends.
ssize_t read_piece(int fd, char* bytes, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    ssize_t count = read_some(fd, bytes + filled, size - filled);
    if (count < 0) return -1;
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(filled);
}

bool write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    ssize_t count = write(fd, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

StoreWriter::StoreWriter(std::string path)
    : path_(std::move(path)),
      draft_(path_ + ".new"),
      fd_(open(draft_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)),
      buffer_(kPieceBytes) {
  if (fd_ < 0) fail("write");
}

StoreWriter::~StoreWriter() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(draft_.c_str());
}

void StoreWriter::fail(const char* verb) {
  if (problem_.empty())
    problem_ = "cannot " + std::string(verb) + " " + draft_ + ": " + reason_of(errno);
}

void StoreWriter::flush() {
  checksum_ = hash_of_bytes({buffer_.data(), size_}, checksum_);
  if (problem_.empty() && !write_all(fd_, buffer_.data(), size_)) fail("write");
  size_ = 0;
}

void StoreWriter::bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t count = std::min(bytes.size(), kPieceBytes - size_);
    std::memcpy(buffer_.data() + size_, bytes.data(), count);
    size_ += count;
    bytes.remove_prefix(count);
    if (size_ == kPieceBytes) flush();
  }
}

void StoreWriter::number(std::uint64_t value) {
  char encoded[kMaxNumberBytes];
  std::size_t count = 0;
  for (; value >= 0x80; value >>= 7) encoded[count++] = static_cast<char>(value | 0x80);
  encoded[count++] = static_cast<char>(value);
  bytes({encoded, count});
}

void StoreWriter::text(std::string_view text) {
  number(text.size());
  bytes(text);
}

Status<> StoreWriter::finish() {
  if (size_ > 0) flush();
  char checksum[kChecksumBytes];
  std::memcpy(checksum, &checksum_, sizeof checksum);
  if (problem_.empty() && !write_all(fd_, checksum, sizeof checksum)) fail("write");
  if (problem_.empty() && fsync(fd_) != 0) fail("write");
  if (problem_.empty() && rename(draft_.c_str(), path_.c_str()) != 0) fail("rename");
  if (!problem_.empty()) return Err{Error{problem_}};
  close(std::exchange(fd_, -1));
  // So that the new name is on the disk, too.
  std::string folder = path_.substr(0, path_.rfind('/') + 1);
  int folder_fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd >= 0) {
    fsync(folder_fd);
    close(folder_fd);
  }
  return Ok{};
}

StoreReader::StoreReader(const std::string& path)
    : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  if (fd_ < 0) {
    is_there_ = errno != ENOENT;
    if (is_there_) problem_ = "it cannot be opened: " + reason_of(errno);
    return;
  }
  if (fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    fail("it is no file");
    return;
  }
  if (status.st_size < static_cast<off_t>(kChecksumBytes)) {
    fail("it is cut short");
    return;
  }
  left_ = static_cast<std::uint64_t>(status.st_size) - kChecksumBytes;
  buffer_.resize(kPieceBytes + kMaxTextBytes);
  verify();
}

StoreReader::~StoreReader() {
  if (fd_ >= 0) close(fd_);
}

void StoreReader::fail(std::string problem) {
  if (problem_.empty()) problem_ = std::move(problem);
}

void StoreReader::verify() {
  std::uint64_t checksum = 0;
  for (std::uint64_t left = left_; left > 0;) {
    auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPieceBytes));
    if (read_piece(fd_, buffer_.data(), size) != static_cast<ssize_t>(size))
      return fail("it cannot be read");
    checksum = hash_of_bytes({buffer_.data(), size}, checksum);
    left -= size;
  }
  std::uint64_t expected = 0;
  char bytes[kChecksumBytes];
  if (read_piece(fd_, bytes, sizeof bytes) != static_cast<ssize_t>(sizeof bytes))
    return fail("it cannot be read");
  std::memcpy(&expected, bytes, sizeof expected);
  if (checksum != expected) return fail("its checksum is wrong: it is damaged");
  if (lseek(fd_, 0, SEEK_SET) != 0) fail("it cannot be read");
}

// Whether so many bytes are at hand.
bool StoreReader::fill(std::size_t needed) {
  if (end_ - begin_ >= needed) return true;
  if (!problem_.empty()) return false;
  if (needed > kMaxTextBytes || needed - (end_ - begin_) > left_) {
    fail("it ends too early");
    return false;
  }
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= std::exchange(begin_, 0);
  auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_.size() - end_));
  if (read_piece(fd_, buffer_.data() + end_, size) != static_cast<ssize_t>(size)) {
    fail("it cannot be read");
    return false;
  }
  end_ += size;
  left_ -= size;
  return true;
}

std::string_view StoreReader::bytes(std::size_t count) {
  if (!fill(count)) return {};
  std::string_view bytes(buffer_.data() + begin_, count);
  begin_ += count;
  return bytes;
}

std::uint64_t StoreReader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (!fill(1)) return 0;
    auto byte = static_cast<unsigned char>(buffer_[begin_++]);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail("a number in it is none");
  return 0;
}

std::uint64_t StoreReader::number_below(std::uint64_t limit) {
  std::uint64_t value = number();
  if (value < limit) return value;
  fail("a number in it is too large");
  return 0;
}

std::string_view StoreReader::text(std::size_t max_bytes) {
  std::uint64_t size = number_below(std::min(max_bytes, kMaxTextBytes) + 1);
  return bytes(static_cast<std::size_t>(size));
}

std::string StoreReader::long_text() {
  std::uint64_t size = number();
  if (size > left_ + (end_ - begin_)) {
    fail("it ends too early");
    return {};
  }
  std::string text;
  text.reserve(size);
  while (text.size() < size && problem_.empty())
    text.append(bytes(std::min<std::size_t>(size - text.size(), kMaxTextBytes)));
  return text;
}

}  // namespace weir::table
