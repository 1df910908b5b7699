#include "sim/backend.h"

#include <algorithm>

#include "sim/backend_conn.h"
#include "sim/content.h"

namespace weir::sim {

SimBackend::SimBackend(EventQueue& events, Ledger& ledger, Trace& trace, unsigned number)
    : events_(events), ledger_(ledger), trace_(trace), number_(number) {}

SimBackend::~SimBackend() = default;

LinkUser& SimBackend::on_accepted(Link& link) {
  conns_.push_back(std::make_unique<Conn>(*this, link));
  return *conns_.back();
}

std::size_t SimBackend::open_connections() const {
  return static_cast<std::size_t>(std::count_if(conns_.begin(), conns_.end(),
                                                [](const auto& conn) { return conn->is_open(); }));
}

void SimBackend::close_idle() {
  for (const auto& conn : conns_) conn->close_if_idle();
}

void SimBackend::Conn::close_if_idle() {
  if (!is_open() || !is_idle()) return;
  owner_.told_idle_limit_ = true;
  link_.close();
}

void SimBackend::Conn::on_bytes(Link&, std::string_view bytes) {
  owner_.trace_.note("backend", owner_.number_, "reads", bytes.size(), bytes);
  reader_.feed(bytes);
}

void SimBackend::Conn::on_end(Link&) {
  if (is_tunnel_) {
    tunnel_ended_ = true;
    if (outbox_.empty()) link_.close();
    return;
  }
  if (is_idle() || reader_.is_stopped()) return link_.close();
  // Half a request, or one whose client gave up: an answer under way goes on into the void.
  if (outbox_.empty()) link_.close();
}

void SimBackend::Conn::on_reset(Link&) { reader_.stop(); }

void SimBackend::Conn::answer_check() {
  ++owner_.checks_seen_;
  std::string text = owner_.checks();
  owner_.trace_.note("backend", owner_.number_, "is checked", text.size());
  if (text.empty()) return;
  owner_.events_.schedule(std::chrono::microseconds(100), [this, text = std::move(text)] {
    if (!is_open()) return;
    link_.write(text);
    link_.close();
  });
}

BodyEnd SimBackend::Conn::on_message_head(const Head& head) {
  if (head.second == kCheckPath) {
    answer_check();
    return BodyEnd::kNone;
  }
  ++owner_.requests_seen_;
  ++generation_;
  SimBackend::Conn::Known known = known_idle();
  attempt_ = owner_.ledger_.on_request_seen(owner_.number_, link_, reader_.message_offset(), head,
                                            attempt_, known);
  if (attempt_ == nullptr) {
    reader_.stop();
    return BodyEnd::kNone;
  }
  answer_ = owner_.decides(*owner_.ledger_.find(attempt_->request), *attempt_);
  prepare();
  if (answer_.leaves_at == std::size_t{0}) {
    leave(answer_.leaves_by);
    return BodyEnd::kNone;
  }
  if (answer_.stalls_at == std::size_t{0}) stall();
  bool wants_continue = head.has_token("expect", "100-continue");
  if (answer_.when == Answer::When::kAfterHead) {
    begin_later();
  } else if (wants_continue && answer_.continues && answer_.when != Answer::When::kNever) {
    link_.write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (head.count("transfer-encoding") > 0) return BodyEnd::kChunked;
  return head.count("content-length") > 0 ? BodyEnd::kLength : BodyEnd::kNone;
}

// What the ledger is to expect of this answer.
void SimBackend::Conn::prepare() {
  const Request& request = *owner_.ledger_.find(attempt_->request);
  if (answer_.upgrades && request.is_upgrade) answer_.status = 101;
  bool has_body = request.method != "HEAD" && answer_.status != 204 && answer_.status != 304 &&
                  answer_.status >= 200 && answer_.body != BodyEnd::kNone;
  attempt_->status = answer_.status;
  attempt_->answer_bytes = has_body ? answer_.body_bytes : 0;
  bool is_closing = answer_.body == BodyEnd::kUntilClose && has_body;
  attempt_->keeps_alive = answer_.keeps_alive && !is_closing && answer_.minor_version == 1;
  bool falls_silent = answer_.cut == Answer::Cut::kSilence || answer_.cut == Answer::Cut::kVanish;
  attempt_->may_hang = falls_silent || answer_.when == Answer::When::kNever || answer_.stalls_at ||
                       answer_.think > std::chrono::seconds(1) || !answer_.instead.empty();
  if (answer_.keep_alive_seconds) owner_.told_idle_limit_ = true;
}

void SimBackend::Conn::on_message_body(std::string_view bytes) {
  std::size_t before = attempt_->upload_received;
  owner_.ledger_.on_upload(*attempt_, bytes);
  auto passes = [&](const std::optional<std::size_t>& mark) {
    return mark && before < *mark && attempt_->upload_received >= *mark;
  };
  if (passes(answer_.stalls_at)) stall();
  if (passes(answer_.leaves_at)) leave(answer_.leaves_by);
}

void SimBackend::Conn::on_message_end() {
  if (attempt_ == nullptr || !is_open()) return;
  owner_.ledger_.on_upload_end(*attempt_);
  owner_.trace_.note("backend", owner_.number_, "has the request", attempt_->request);
  if (answer_.when == Answer::When::kAfterRequest) begin_later();
  if (attempt_->is_answered_whole) become_idle();
}

void SimBackend::Conn::stall() {
  link_.set_reading(false);
  if (answer_.stall) owner_.events_.schedule(*answer_.stall, [this] { link_.set_reading(true); });
}

void SimBackend::Conn::leave(Answer::Cut how) {
  if (how == Answer::Cut::kNone) return;
  // A clean end in the middle of a body until close is a shorter body: nobody could tell.
  bool is_in_answer = attempt_->has_begun && !attempt_->is_answered_whole;
  if (how == Answer::Cut::kClose && is_in_answer && answer_.body == BodyEnd::kUntilClose)
    how = Answer::Cut::kReset;
  reader_.stop();
  outbox_.clear();
  ++generation_;
  if (how == Answer::Cut::kClose) link_.close();
  if (how == Answer::Cut::kReset) link_.reset();
  if (how == Answer::Cut::kVanish) link_.die();
}

void SimBackend::Conn::begin_later() {
  owner_.events_.schedule(answer_.think, [this, generation = generation_] {
    if (generation == generation_ && is_open()) begin();
  });
}

void SimBackend::Conn::begin() {
  attempt_->has_begun = true;
  attempt_->was_early = !attempt_->has_whole_request;
  owner_.trace_.note("backend", owner_.number_, "answers", attempt_->number);
  outbox_ = answer_.instead;
  if (answer_.instead.empty()) compose();
  written_ = 0;
  send_piece();
}

void SimBackend::Conn::compose() {
  for (unsigned i = 0; i < answer_.informational; ++i)
    outbox_ += "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
  const Request& request = *owner_.ledger_.find(attempt_->request);
  outbox_ +=
      "HTTP/1." + std::to_string(answer_.minor_version) + ' ' + std::to_string(answer_.status) +
      " Fine\r\nX-Sim-Answer: " + std::to_string(attempt_->number) + "\r\n" + answer_.extra_fields;
  if (answer_.status == 101) {
    outbox_ += "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    is_tunnel_ = true;
    reader_.become_raw();
    owner_.ledger_.find(request.id)->tunnel_down_bytes = answer_.tunnel_bytes;
    append_content(outbox_, tunnel_down_key(request.id), 0, answer_.tunnel_bytes);
    return;
  }
  bool may_have_body = answer_.status != 204 && answer_.status >= 200;
  if (may_have_body && answer_.body == BodyEnd::kLength)
    outbox_ += "Content-Length: " + std::to_string(answer_.body_bytes) + "\r\n";
  if (may_have_body && answer_.body == BodyEnd::kNone) outbox_ += "Content-Length: 0\r\n";
  if (may_have_body && answer_.body == BodyEnd::kChunked)
    outbox_ += "Transfer-Encoding: chunked\r\n";
  if (!answer_.keeps_alive) outbox_ += "Connection: close\r\n";
  if (answer_.keep_alive_seconds)
    outbox_ += "Keep-Alive: timeout=" + std::to_string(*answer_.keep_alive_seconds) + "\r\n";
  outbox_ += "\r\n";
  attempt_->head_until = link_.written_by_actor() + outbox_.size();
  compose_body();
}

void SimBackend::Conn::compose_body() {
  std::size_t count = static_cast<std::size_t>(attempt_->answer_bytes);
  const Request& request = *owner_.ledger_.find(attempt_->request);
  bool is_bodiless = request.method == "HEAD" || answer_.status == 204 || answer_.status == 304;
  if (answer_.body != BodyEnd::kChunked || is_bodiless) {
    append_content(outbox_, answer_key(attempt_->number), 0, count);
    return;
  }
  for (std::size_t at = 0; at < count;) {
    std::size_t size = std::min(answer_.chunk_bytes, count - at);
    char line[20];
    outbox_.append(line,
                   static_cast<std::size_t>(std::snprintf(line, sizeof line, "%zx\r\n", size)));
    append_content(outbox_, answer_key(attempt_->number), at, size);
    outbox_ += "\r\n";
    at += size;
  }
  outbox_ += "0\r\n" + answer_.trailers + "\r\n";
}

void SimBackend::Conn::send_piece() {
  std::size_t count = outbox_.size();
  if (answer_.piece_bytes > 0) count = std::min(count, answer_.piece_bytes);
  bool is_cut = answer_.cut != Answer::Cut::kNone && written_ + count >= answer_.cut_at;
  if (is_cut) count = answer_.cut_at - written_;
  // A last piece that is cut at its very end was whole all the same.
  bool is_last = count == outbox_.size();
  if (is_last && !is_tunnel_) finish(std::string_view(outbox_).substr(0, count));
  if (!is_last || is_tunnel_) link_.write(std::string_view(outbox_).substr(0, count));
  outbox_.erase(0, count);
  written_ += count;
  // With nothing left to cut, it leaves right behind the whole answer.
  if (is_cut || (is_last && !is_tunnel_)) {
    // The next request on this connection may wait in vain.
    if (is_last && attempt_->may_hang) owner_.ledger_.is_patient = false;
    leave(answer_.cut);
  }
  if (is_cut) return;
  if (is_last && is_tunnel_) {
    link_.end_writing();
    if (tunnel_ended_) link_.close();
  }
  if (is_last) return;
  Duration after = std::max<Duration>(answer_.piece_delay, std::chrono::microseconds(1));
  owner_.events_.schedule(after, [this, generation = generation_] {
    if (generation == generation_ && is_open()) send_piece();
  });
}

// Writes the last bytes; what comes behind them is no longer this answer.
void SimBackend::Conn::finish(std::string_view rest) {
  link_.write(rest);
  bool ends_by_close = answer_.body == BodyEnd::kUntilClose && attempt_->answer_bytes > 0;
  bool closes_in_order = answer_.cut == Answer::Cut::kNone || answer_.cut == Answer::Cut::kClose;
  attempt_->is_answered_whole = answer_.instead.empty() && (!ends_by_close || closes_in_order);
  attempt_->answered_until = link_.written_by_actor();
  link_.write(answer_.extra);
  if (!attempt_->keeps_alive && answer_.cut == Answer::Cut::kNone) {
    // An early answer that closes would be eaten by the reset that unread input causes.
    if (attempt_->has_whole_request) return link_.close();
    return link_.end_writing();
  }
  if (attempt_->has_whole_request) become_idle();
}

void SimBackend::Conn::become_idle() {
  std::uint64_t generation = ++generation_;
  if (!owner_.idle_babble.empty()) {
    owner_.events_.schedule(owner_.idle_babble_after, [this, generation] {
      if (generation == generation_) link_.write(owner_.idle_babble);
    });
  }
  if (!owner_.idle_limit) return;
  owner_.events_.schedule(*owner_.idle_limit, [this, generation] {
    if (generation == generation_) close_if_idle();
  });
}

bool SimBackend::Conn::is_idle() const {
  return reader_.is_between() && outbox_.empty() &&
         (attempt_ == nullptr || (attempt_->is_answered_whole && attempt_->has_whole_request));
}

SimBackend::Conn::Known SimBackend::Conn::known_idle() const {
  return {owner_.told_idle_limit_, owner_.idle_limit, owner_.is_unix};
}

void SimBackend::Conn::on_raw(std::string_view bytes) {
  const Request& request = *owner_.ledger_.find(attempt_->request);
  if (!is_content(tunnel_up_key(request.id), tunnel_received_, bytes))
    owner_.ledger_.fail("a backend got wrong bytes through a tunnel");
  tunnel_received_ += bytes.size();
  owner_.ledger_.find(request.id)->tunnel_up_received = tunnel_received_;
}

void SimBackend::Conn::on_nonsense(const char* why) {
  owner_.ledger_.fail(std::string("a backend cannot understand weir: ") + why);
}

}  // namespace weir::sim
