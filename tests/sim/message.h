#pragma once
// The actors' own HTTP/1.1 reader. Small, strict and independent of weir's parsers: it knows only
// what weir may send, and anything else is an error worth a failing seed.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::sim {

enum class BodyEnd : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

struct Head {
  std::string first, second, third;                         // of the start line
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  int status() const;                                       // of a response
  // The only field of that name; nullptr: none (or several: see count()).
  const std::string* field(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // Whether a member of the comma-separated field is `token` (lower case).
  bool has_token(std::string_view name, std::string_view token) const;
  std::optional<std::uint64_t> number(std::string_view name) const;
};

class MessageUser {
 public:
  virtual ~MessageUser() = default;
  // Says how the body ends. May call become_raw() or stop() instead.
  virtual BodyEnd on_message_head(const Head& head) = 0;
  virtual void on_message_body(std::string_view bytes) = 0;
  // The message is whole. What follows is the next one, or (after become_raw()) no HTTP.
  virtual void on_message_end() = 0;
  virtual void on_raw(std::string_view bytes) = 0;
  virtual void on_nonsense(const char* why) = 0;
};

class MessageReader {
 public:
  explicit MessageReader(MessageUser& user) : user_(user) {}
  void feed(std::string_view bytes);
  // The stream ended cleanly: completes a body until close. False: in the middle of something.
  bool end();
  void become_raw() { state_ = State::kRaw; }
  // Ignores everything from now on.
  void stop() { state_ = State::kStopped; }
  bool is_between() const { return state_ == State::kHead && pending_.empty(); }
  bool is_stopped() const { return state_ == State::kStopped; }
  // Bytes consumed up to the present message's first byte, and in all.
  std::uint64_t message_offset() const { return message_offset_; }
  std::uint64_t consumed() const { return consumed_; }

 private:
  enum class State : std::uint8_t {
    kHead,
    kLength,
    kChunkSize,
    kChunkData,
    kChunkEnd,
    kTrailers,
    kUntilClose,
    kRaw,
    kStopped
  };
  bool step();
  bool read_head();
  bool read_body();
  bool read_line(State line);
  void finish_message();
  bool nonsense(const char* why);
  std::optional<std::string_view> line();
  void consume(std::size_t count);

  MessageUser& user_;
  std::string pending_;
  std::uint64_t consumed_ = 0;
  std::uint64_t message_offset_ = 0;
  std::uint64_t left_ = 0;
  State state_ = State::kHead;
};

}  // namespace weir::sim
