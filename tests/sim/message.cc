#include "sim/message.h"

#include <algorithm>
#include <charconv>

namespace weir::sim {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (problem != std::errc() || text.empty() || end != text.data() + text.size()) return {};
  return number;
}

// `text` holds the head without its empty line. False: nothing that weir should have sent.
bool parse_head(std::string_view text, Head& head) {
  std::size_t end = text.find("\r\n");
  std::string_view start = text.substr(0, end);
  std::size_t space = start.find(' ');
  if (space == std::string_view::npos) return false;
  head.first = start.substr(0, space);
  start.remove_prefix(space + 1);
  space = start.find(' ');
  head.second = start.substr(0, space);
  if (space != std::string_view::npos) head.third = start.substr(space + 1);
  while (end != std::string_view::npos) {
    text.remove_prefix(end + 2);
    end = text.find("\r\n");
    std::string_view line = text.substr(0, end);
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return false;
    head.fields.emplace_back(lower(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return true;
}

}  // namespace

int Head::status() const { return static_cast<int>(parse_number(second, 10).value_or(0)); }

const std::string* Head::field(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [key, value] : fields) {
    if (key != name) continue;
    if (found != nullptr) return nullptr;
    found = &value;
  }
  return found;
}

std::size_t Head::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; }));
}

bool Head::has_token(std::string_view name, std::string_view token) const {
  for (const auto& [key, value] : fields) {
    if (key != name) continue;
    std::string_view list = value;
    while (!list.empty()) {
      std::size_t comma = std::min(list.find(','), list.size());
      if (lower(trim(list.substr(0, comma))) == token) return true;
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  return false;
}

std::optional<std::uint64_t> Head::number(std::string_view name) const {
  const std::string* text = field(name);
  return text == nullptr ? std::nullopt : parse_number(*text, 10);
}

void MessageReader::feed(std::string_view bytes) {
  pending_ += bytes;
  while (step()) {
  }
}

bool MessageReader::step() {
  switch (state_) {
    case State::kHead:
      return read_head();
    case State::kLength:
    case State::kChunkData:
    case State::kUntilClose:
    case State::kRaw:
      return read_body();
    case State::kChunkSize:
    case State::kChunkEnd:
    case State::kTrailers:
      return read_line(state_);
    case State::kStopped:
      consume(pending_.size());
      return false;
  }
  return false;
}

void MessageReader::consume(std::size_t count) {
  pending_.erase(0, count);
  consumed_ += count;
}

bool MessageReader::nonsense(const char* why) {
  state_ = State::kStopped;
  user_.on_nonsense(why);
  return false;
}

bool MessageReader::read_head() {
  if (pending_.empty()) return false;
  std::size_t end = pending_.find("\r\n\r\n");
  if (end == std::string::npos) {
    return pending_.size() > 256 * 1024 ? nonsense("a head without end") : false;
  }
  message_offset_ = consumed_;
  Head head;
  if (!parse_head(std::string_view(pending_).substr(0, end), head)) return nonsense("a bad head");
  consume(end + 4);
  State before = state_;
  BodyEnd how = user_.on_message_head(head);
  if (state_ != before) return state_ != State::kStopped;
  switch (how) {
    case BodyEnd::kNone:
      finish_message();
      return true;
    case BodyEnd::kLength: {
      std::optional<std::uint64_t> length = head.number("content-length");
      if (!length) return nonsense("a bad Content-Length");
      left_ = *length;
      state_ = State::kLength;
      if (left_ == 0) finish_message();
      return true;
    }
    case BodyEnd::kChunked:
      state_ = State::kChunkSize;
      return true;
    case BodyEnd::kUntilClose:
      state_ = State::kUntilClose;
      return true;
  }
  return false;
}

bool MessageReader::read_body() {
  if (pending_.empty()) return false;
  bool is_counted = state_ == State::kLength || state_ == State::kChunkData;
  std::size_t count = pending_.size();
  if (is_counted) count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left_));
  std::string bytes = pending_.substr(0, count);
  consume(count);
  if (state_ == State::kRaw) {
    user_.on_raw(bytes);
    return true;
  }
  user_.on_message_body(bytes);
  if (!is_counted || state_ == State::kStopped) return true;
  left_ -= count;
  if (left_ > 0) return true;
  if (state_ == State::kLength) {
    finish_message();
  } else {
    state_ = State::kChunkEnd;
  }
  return true;
}

std::optional<std::string_view> MessageReader::line() {
  std::size_t end = pending_.find("\r\n");
  if (end == std::string::npos) return std::nullopt;
  return std::string_view(pending_).substr(0, end);
}

bool MessageReader::read_line(State which) {
  std::optional<std::string_view> text = line();
  if (!text) return pending_.size() > 64 * 1024 ? nonsense("a line without end") : false;
  bool is_empty = text->empty();
  std::size_t length = text->size() + 2;
  if (which == State::kChunkSize) {
    std::optional<std::uint64_t> size = parse_number(*text, 16);
    if (!size) return nonsense("a bad chunk size");
    consume(length);
    left_ = *size;
    state_ = left_ == 0 ? State::kTrailers : State::kChunkData;
    return true;
  }
  consume(length);
  if (which == State::kChunkEnd) {
    if (!is_empty) return nonsense("no line end behind a chunk");
    state_ = State::kChunkSize;
  } else if (is_empty) {
    finish_message();
  }
  return true;
}

void MessageReader::finish_message() {
  state_ = State::kHead;
  message_offset_ = consumed_;
  user_.on_message_end();
}

bool MessageReader::end() {
  if (state_ == State::kUntilClose) {
    finish_message();
    return true;
  }
  return state_ == State::kRaw || state_ == State::kStopped || is_between();
}

}  // namespace weir::sim
