#include "weir/observe/access_log.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "access_line.h"
#include "line_ring.h"
#include "log_file.h"
#include "weir/base/check.h"
#include "weir/observe/metrics.h"

namespace weir::observe {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxLineBytes = 256 * 1024;
// So much written in one go means that there may be as much again.
constexpr std::size_t kManyBytes = 128 * 1024;
// The part of a ring that wakes the thread before its time.
constexpr std::size_t kWakingPart = 8;
constexpr unsigned kTicksUntilSleep = 20;
// A file that cannot be written is tried again this often.
constexpr Duration kRetryAfter = std::chrono::seconds(1);
constexpr Duration kSayTroubleEvery = std::chrono::minutes(1);

// How many bytes in a ring wake the thread.
constexpr std::size_t kNever = SIZE_MAX;
constexpr std::size_t kFirstLine = 1;

std::string reason_of(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

}  // namespace

class AccessLog::Writer {
 public:
  // `event`: an eventfd, the writer's from now on.
  Writer(AccessLogOptions options, LogFile file, int event, const Clock& clock, Log& log,
         DroppedLines dropped);
  ~Writer();

  // False: no thread can be made.
  bool start();
  bool write(unsigned worker, const RequestRecord& record);
  void ask_to_reopen();
  void ask_to_stop();
  const AccessLogOptions& options() const { return options_; }

 private:
  // What one worker writes to.
  struct Lane {
    explicit Lane(const AccessLogOptions& options)
        : line(options.format), ring(options.ring_bytes) {}
    // False: there is no room.
    bool put(const RequestRecord& record);
    AccessLine line;  // the worker's alone
    LineRing ring;
    Number dropped;  // the worker writes, the thread reads
  };
  // What the thread waits for beside being asked: a tick or a ring that fills · the next line · the
  // reader · for the reader again, which has said to be ready and was not · another attempt.
  enum class Wait : std::uint8_t { kTick, kLine, kReader, kPause, kRetry };

  void signal();
  void wake();
  // --- the thread ---
  void run();
  Wait next_wait() const;
  void wait(Wait reason);
  void drain();
  std::size_t write_lanes();
  std::size_t write_lane(Lane& lane);
  void reopen();
  bool is_done();
  void give_up();
  bool has_lines() const;
  bool has_queued(std::size_t bytes) const;  // in one of the rings
  std::uint64_t dropped_by_workers() const;
  void tell();
  std::string name() const { return options_.path.empty() ? "stdout" : options_.path; }

  AccessLogOptions options_;
  const Clock& clock_;
  Log& log_;
  DroppedLines dropped_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  int event_;
  std::atomic<std::size_t> wake_at_{kNever};
  std::atomic<bool> shall_stop_{false};
  std::atomic<bool> shall_reopen_{false};

  LogFile file_;
  std::size_t first_lane_ = 0;
  Lane* cut_lane_ = nullptr;  // of its next line the beginning is written
  unsigned quiet_ticks_ = 0;
  int error_ = 0;                  // of the last write; EAGAIN: the reader is slow
  bool was_reader_ready_ = false;  // poll() said so; then writing moves something
  std::optional<TimePoint> stop_at_;
  TimePoint may_tell_at_{};
  bool has_told_ = false;
  std::uint64_t told_dropped_ = 0;
  std::thread thread_;
};

AccessLog::Writer::Writer(AccessLogOptions options, LogFile file, int event, const Clock& clock,
                          Log& log, DroppedLines dropped)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      dropped_(std::move(dropped)),
      event_(event),
      file_(std::move(file)) {
  for (unsigned worker = 0; worker < options_.workers; ++worker)
    lanes_.push_back(std::make_unique<Lane>(options_));
}

bool AccessLog::Writer::start() {
  // All signals are the main thread's; and a write to a closed pipe or beyond a file's limit is an
  // error here and not the end of the process.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread_.joinable();
}

AccessLog::Writer::~Writer() {
  if (thread_.joinable()) {
    shall_stop_.store(true, std::memory_order_release);
    signal();
    thread_.join();
  }
  close(event_);
}

// Into its place, but where only the longest that it might be would find no room.
bool AccessLog::Writer::Lane::put(const RequestRecord& record) {
  std::size_t longest = AccessLine::longest(record);
  if (char* begin = longest <= kMaxLineBytes ? ring.room(longest) : nullptr; begin != nullptr) {
    ring.commit(static_cast<std::size_t>(line.format(begin, record) - begin));
    return true;
  }
  std::string_view text = line.format(record);
  return text.size() <= kMaxLineBytes && ring.push(text);
}

bool AccessLog::Writer::write(unsigned worker, const RequestRecord& record) {
  Lane& lane = *lanes_[worker];
  bool is_taken = lane.put(record);
  if (!is_taken) lane.dropped.add();
  // Both this look and the push are sequentially consistent, as are the thread's two steps the
  // other way round: a line that it does not see wakes it.
  std::size_t wake_at = wake_at_.load(std::memory_order_seq_cst);
  if (wake_at != kNever && lane.ring.has_queued(wake_at)) wake();
  return is_taken;
}

void AccessLog::Writer::signal() {
  std::uint64_t one = 1;
  static_cast<void>(!::write(event_, &one, sizeof one));
}

// One system call for however many wishes: who finds kNever knows that another has called.
void AccessLog::Writer::wake() {
  if (wake_at_.exchange(kNever, std::memory_order_seq_cst) != kNever) signal();
}

void AccessLog::Writer::ask_to_reopen() {
  shall_reopen_.store(true, std::memory_order_release);
  signal();
}

void AccessLog::Writer::run() {
  for (;;) {
    bool shall_reopen = shall_reopen_.exchange(false, std::memory_order_acquire);
    if (shall_stop_.load(std::memory_order_acquire) && !stop_at_)
      stop_at_ = clock_.now() + options_.flush_time;
    // Lines that are there at this moment belong to the old file.
    drain();
    if (shall_reopen) {
      reopen();
      drain();
    }
    tell();
    if (stop_at_ && is_done()) return give_up();
    wait(next_wait());
  }
}

// Writes what is there; not until nothing is, or under load there would be no end of small writes.
void AccessLog::Writer::drain() {
  error_ = 0;
  std::size_t moved = 0;
  for (bool is_more_there = true; is_more_there;) {
    std::size_t bytes = write_lanes();
    moved += bytes;
    is_more_there = error_ == 0 && bytes >= kManyBytes;
  }
  bool is_quiet = moved == 0 && error_ == 0;
  quiet_ticks_ = is_quiet ? quiet_ticks_ + 1 : 0;
  was_reader_ready_ &= moved == 0;
}

// Each in its turn, after the one whose line is cut. Returns how many bytes were written.
std::size_t AccessLog::Writer::write_lanes() {
  std::size_t bytes = cut_lane_ != nullptr ? write_lane(*cut_lane_) : 0;
  for (std::size_t i = 0; i < lanes_.size() && error_ == 0; ++i)
    bytes += write_lane(*lanes_[(first_lane_ + i) % lanes_.size()]);
  first_lane_ = (first_lane_ + 1) % lanes_.size();
  return bytes;
}

// From the ring itself: nothing is copied but by the kernel.
std::size_t AccessLog::Writer::write_lane(Lane& lane) {
  std::size_t most = lane.ring.queued();
  std::size_t bytes = 0;
  while (bytes < most) {
    std::string_view lines = lane.ring.front();
    ssize_t taken = file_.write(lines);
    if (taken < 0) {
      error_ = static_cast<int>(-taken);
      break;
    }
    auto count = static_cast<std::size_t>(taken);
    if (count > 0) cut_lane_ = lines[count - 1] == '\n' ? nullptr : &lane;
    lane.ring.release(count);
    bytes += count;
  }
  return bytes;
}

bool AccessLog::Writer::has_lines() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return !lane->ring.is_empty(); });
}

AccessLog::Writer::Wait AccessLog::Writer::next_wait() const {
  if (error_ == EAGAIN) return was_reader_ready_ ? Wait::kPause : Wait::kReader;
  if (error_ != 0) return Wait::kRetry;
  return quiet_ticks_ < kTicksUntilSleep ? Wait::kTick : Wait::kLine;
}

void AccessLog::Writer::wait(Wait reason) {
  bool is_short = reason == Wait::kTick || reason == Wait::kPause;
  Duration time = is_short ? options_.tick : kRetryAfter;
  if (stop_at_) time = std::clamp(*stop_at_ - clock_.now(), Duration::zero(), time);
  std::size_t wake_at = kNever;
  if (reason == Wait::kTick) wake_at = options_.ring_bytes / kWakingPart;
  if (reason == Wait::kLine) wake_at = kFirstLine;
  wake_at_.store(wake_at, std::memory_order_seq_cst);
  int timeout_ms = static_cast<int>(std::chrono::ceil<milliseconds>(time).count());
  // What came before wake_at_ was known wakes nobody.
  if (reason == Wait::kLine) timeout_ms = has_lines() ? 0 : -1;
  if (reason == Wait::kTick && has_queued(wake_at)) timeout_ms = 0;
  pollfd events[] = {{event_, POLLIN, 0}, {file_.fd(), POLLOUT, 0}};
  poll(events, reason == Wait::kReader ? 2 : 1, timeout_ms);
  wake_at_.store(kNever, std::memory_order_seq_cst);
  std::uint64_t count = 0;
  if (events[0].revents != 0) static_cast<void>(!read(event_, &count, sizeof count));
  was_reader_ready_ = events[1].revents != 0;
}

void AccessLog::Writer::reopen() {
  if (options_.path.empty()) return;
  Result<LogFile> next = LogFile::open(options_.path);
  if (!next.ok()) {
    log_.error("the access log stays as it is", {{"reason", next.error().message}});
    return;
  }
  if (cut_lane_ != nullptr && next->is_same_file(file_)) {
    next->go_on();
  } else if (cut_lane_ != nullptr) {
    // Its beginning is in the old file, which took no more.
    cut_lane_->ring.release(cut_lane_->ring.front().find('\n') + 1);
    cut_lane_ = nullptr;
    dropped_->fetch_add(1, std::memory_order_relaxed);
  }
  file_ = std::move(next).value();
  log_.info("access log reopened", {{"file", options_.path}});
}

bool AccessLog::Writer::has_queued(std::size_t bytes) const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [bytes](const auto& lane) { return lane->ring.queued() >= bytes; });
}

bool AccessLog::Writer::is_done() {
  bool is_broken = error_ != 0 && error_ != EAGAIN;
  return is_broken || !has_lines() || clock_.now() >= *stop_at_;
}

// The end: what could not be written is counted.
void AccessLog::Writer::give_up() {
  std::uint64_t lines = 0;
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    for (std::string_view left = lane->ring.front(); !left.empty(); left = lane->ring.front()) {
      lines += static_cast<std::uint64_t>(std::count(left.begin(), left.end(), '\n'));
      lane->ring.release(left.size());
    }
  }
  if (lines == 0) return;
  dropped_->fetch_add(lines, std::memory_order_relaxed);
  log_.warn("access log lines were not written at the end",
            {{"file", name()}, {"lines", std::to_string(lines)}, {"error", reason_of(error_)}});
}

std::uint64_t AccessLog::Writer::dropped_by_workers() const {
  std::uint64_t sum = 0;
  for (const std::unique_ptr<Lane>& lane : lanes_) sum += lane->dropped.get();
  return sum;
}

// Says in weir's own log that lines are lost, or will be, and that this is over.
void AccessLog::Writer::tell() {
  std::uint64_t dropped = dropped_by_workers();
  bool is_broken = error_ != 0 && error_ != EAGAIN;
  bool is_trouble = is_broken || dropped > told_dropped_;
  if (is_trouble) {
    TimePoint now = clock_.now();
    if (now < may_tell_at_) return;
    may_tell_at_ = now + kSayTroubleEvery;
    has_told_ = true;
    LogField file{"file", name()};
    LogField count{"dropped", std::to_string(dropped)};
    if (is_broken) {
      log_.error("the access log cannot be written", {file, {"error", reason_of(error_)}, count});
    } else {
      log_.warn("access log lines are dropped: its reader is too slow", {file, count});
    }
    told_dropped_ = dropped;
  } else if (has_told_ && error_ == 0) {
    has_told_ = false;
    log_.info("the access log is written again",
              {{"file", name()}, {"dropped", std::to_string(dropped)}});
  }
}

AccessLog::AccessLog(std::unique_ptr<Writer> writer) : writer_(std::move(writer)) {}
AccessLog::~AccessLog() = default;

Result<std::shared_ptr<AccessLog>> AccessLog::open(AccessLogOptions options, const Clock& clock,
                                                   Log& log, DroppedLines dropped) {
  Result<LogFile> file = LogFile::open(options.path);
  if (!file.ok()) return Err{file.error()};
  int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return Err{Error{"cannot make the access log's event: " + reason_of(errno)}};
  auto writer = std::make_unique<Writer>(std::move(options), std::move(file).value(), event, clock,
                                         log, std::move(dropped));
  if (!writer->start()) return Err{Error{"cannot make the access log's thread"}};
  return std::shared_ptr<AccessLog>(new AccessLog(std::move(writer)));
}

bool AccessLog::write(unsigned worker, const RequestRecord& record) {
  return writer_->write(worker, record);
}
void AccessLog::reopen() { writer_->ask_to_reopen(); }
const AccessLogOptions& AccessLog::options() const { return writer_->options(); }

}  // namespace weir::observe
