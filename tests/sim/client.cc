#include "sim/client.h"

#include <algorithm>

#include "sim/content.h"

namespace weir::sim {
namespace {

// A client that got no 100 sends its body all the same (RFC 9110 §10.1.1).
constexpr Duration kContinuePatience = std::chrono::seconds(1);

std::string hex(std::size_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[number % 16]);
    number /= 16;
  } while (number > 0);
  return text;
}

}  // namespace

SimClient::SimClient(EventQueue& events, Network& network, Ledger& ledger, Trace& trace,
                     unsigned number, ClientPlan plan)
    : events_(events),
      network_(network),
      ledger_(ledger),
      trace_(trace),
      number_(number),
      plan_(std::move(plan)) {}

std::unique_ptr<net::Stream> SimClient::start() {
  link_ = &network_.dial_weir(plan_.nature, *this);
  trace_.note("client", number_, "connects", link_->id());
  next_request();
  return link_->make_stream();
}

void SimClient::next_request() {
  do {
    if (begun_ == plan_.requests.size()) break;
    plan_request(plan_.requests[begun_++]);
  } while (plan_.is_pipelining);
  send_later(answered_ == 0 ? std::chrono::microseconds(50) : plan_.between);
}

void SimClient::plan_request(const RequestPlan& plan) {
  Request& request = ledger_.add_request();
  request.client = number_;
  request.method = plan.method;
  request.has_side_effects = plan.method == "POST" || plan.method == "PATCH";
  request.upload_bytes = plan.body == BodyEnd::kNone ? 0 : plan.body_bytes;
  request.is_malformed = !plan.malformed.empty();
  request.is_upgrade = plan.wants_upgrade;
  request.is_excused = plan_.is_excused;
  request.is_clean = plan_.is_clean;
  request.link = link_;
  request.begins_at = planned_;
  requests_.push_back(request.id);
  std::size_t before = outbox_.size();
  if (request.is_malformed) {
    outbox_ += plan.malformed;
  } else {
    append_head(plan, request);
    owes_body_ = plan.expects_continue;
    if (owes_body_) {
      events_.schedule(kContinuePatience, [this, id = request.id] {
        if (!owes_body_ || requests_.back() != id || !link_->is_open()) return;
        append_body(current_plan(), *ledger_.find(id));
        send_later(Duration::zero());
      });
    } else {
      append_body(plan, request);
    }
    if (plan.early_tunnel_bytes > 0)
      append_content(outbox_, tunnel_up_key(request.id), 0, plan.early_tunnel_bytes);
  }
  planned_ += outbox_.size() - before;
  bool never_ends = owes_body_ || !plan.malformed_body.empty();
  request.ends_at = never_ends ? ~std::uint64_t{0} : planned_;
  if (!plan.malformed_body.empty()) request.is_excused = true;
}

void SimClient::append_head(const RequestPlan& plan, const Request& request) {
  outbox_ += plan.method + " /r/" + std::to_string(request.id) + " HTTP/1." +
             std::to_string(plan.minor_version) + "\r\nHost: " + plan.host + "\r\n";
  if (plan.body == BodyEnd::kLength)
    outbox_ += "Content-Length: " + std::to_string(plan.body_bytes) + "\r\n";
  if (plan.body == BodyEnd::kChunked) outbox_ += "Transfer-Encoding: chunked\r\n";
  if (plan.expects_continue) outbox_ += "Expect: 100-continue\r\n";
  if (plan.wants_upgrade) outbox_ += "Connection: upgrade\r\nUpgrade: websocket\r\n";
  if (plan.says_close) outbox_ += "Connection: close\r\n";
  if (plan.says_keep_alive) outbox_ += "Connection: keep-alive\r\n";
  outbox_ += plan.extra_fields + "\r\n";
}

void SimClient::append_body(const RequestPlan& plan, const Request& request) {
  std::size_t before = outbox_.size();
  if (!plan.malformed_body.empty()) {
    outbox_ += plan.malformed_body;
  } else if (plan.body == BodyEnd::kLength) {
    append_content(outbox_, upload_key(request.id), 0, plan.body_bytes);
  } else if (plan.body == BodyEnd::kChunked) {
    for (std::size_t at = 0; at < plan.body_bytes;) {
      std::size_t count = std::min(plan.chunk_bytes, plan.body_bytes - at);
      outbox_ += hex(count) + "\r\n";
      append_content(outbox_, upload_key(request.id), at, count);
      outbox_ += "\r\n";
      at += count;
    }
    outbox_ += "0\r\n\r\n";
  }
  if (!owes_body_) return;
  owes_body_ = false;
  planned_ += outbox_.size() - before;
  ledger_.find(request.id)->ends_at = planned_;
}

void SimClient::send_later(Duration after) {
  if (is_sending_) return;
  is_sending_ = true;
  events_.schedule(after, [this] {
    is_sending_ = false;
    send_piece();
  });
}

void SimClient::send_piece() {
  if (!link_->is_open() || stop_here()) return;
  if (outbox_.empty()) return end_tunnel();
  std::size_t count = outbox_.size();
  if (plan_.piece_bytes > 0) count = std::min(count, plan_.piece_bytes);
  if (plan_.stop != Stop::kNever)
    count = static_cast<std::size_t>(std::min<std::uint64_t>(count, plan_.stop_at - sent_));
  link_->write(std::string_view(outbox_).substr(0, count));
  outbox_.erase(0, count);
  sent_ += count;
  for (std::uint64_t id : requests_) {
    Request& request = *ledger_.find(id);
    if (sent_ >= request.ends_at) request.is_sent_whole = true;
  }
  if (stop_here() || (outbox_.empty() && !has_tunnel_)) return;
  send_later(std::max<Duration>(plan_.piece_delay, std::chrono::microseconds(1)));
}

// True when the plan says that nothing more is sent.
bool SimClient::stop_here() {
  if (plan_.stop == Stop::kNever || sent_ < plan_.stop_at) return false;
  trace_.note("client", number_, "stops", static_cast<std::uint64_t>(plan_.stop));
  switch (plan_.stop) {
    case Stop::kReset:
      link_->reset();
      break;
    case Stop::kClose:
      link_->close();
      break;
    case Stop::kHalfClose:
      link_->end_writing();
      break;
    case Stop::kVanish:
      link_->die();
      break;
    case Stop::kNever:
    case Stop::kSilence:
      break;
  }
  return true;
}

void SimClient::on_bytes(Link& link, std::string_view bytes) {
  trace_.note("client", number_, "reads", bytes.size(), bytes);
  read_since_pause_ += bytes.size();
  if (plan_.read_quota > 0 && read_since_pause_ >= plan_.read_quota) {
    read_since_pause_ = 0;
    link.set_reading(false);
    if (plan_.read_pause) events_.schedule(*plan_.read_pause, [this] { link_->set_reading(true); });
  }
  if (is_over_)
    ledger_.fail("client " + std::to_string(number_) + ": bytes behind the last answer");
  reader_.feed(bytes);
}

BodyEnd SimClient::on_message_head(const Head& head) {
  last_head_ = head;
  int status = head.status();
  if (answered_ >= requests_.size()) {
    ledger_.fail("client " + std::to_string(number_) + ": an answer nobody asked for");
    reader_.stop();
    return BodyEnd::kNone;
  }
  Request& request = current();
  const RequestPlan& plan = current_plan();
  if (status == 101 && plan.wants_upgrade) {
    ledger_.on_answer_head(request, head, plan.minor_version);
    reader_.become_raw();
    begin_tunnel();
    return BodyEnd::kNone;
  }
  if (status < 200) {
    ++informational_;
    if (plan.minor_version == 0) ledger_.fail("an informational answer to a 1.0 client (R23)");
    return BodyEnd::kNone;
  }
  ledger_.on_answer_head(request, head, plan.minor_version);
  told_to_close_ = head.has_token("connection", "close") ||
                   (plan.minor_version == 0 && !head.has_token("connection", "keep-alive"));
  if (plan.method == "HEAD" || status == 204 || status == 304) return BodyEnd::kNone;
  if (head.count("transfer-encoding") > 0) return BodyEnd::kChunked;
  return head.count("content-length") > 0 ? BodyEnd::kLength : BodyEnd::kUntilClose;
}

void SimClient::on_message_body(std::string_view bytes) {
  ledger_.on_answer_body(current(), bytes);
}

void SimClient::on_message_end() {
  Request& request = current();
  if (!request.has_head) {  // informational
    if (last_head_.status() == 100 && owes_body_) {
      append_body(current_plan(), request);
      send_later(Duration::zero());
    }
    return;
  }
  ledger_.on_answer_end(request);
  ++answered_;
  if (owes_body_) {
    // Refused before the body was asked for: it will not be sent, so no request can follow.
    link_->close();
    return;
  }
  if (told_to_close_) {
    // A head that never came whole is refused with a body, even if it began with HEAD.
    bool may_have_body = request.method == "HEAD" && !request.is_sent_whole;
    may_have_body ? reader_.stop() : static_cast<void>(is_over_ = true);
    if (plan_.closes_when_done && outbox_.empty()) link_->close();
    return;
  }
  if (begun_ < plan_.requests.size()) return next_request();
  if (answered_ == requests_.size() && plan_.closes_when_done && outbox_.empty()) link_->close();
}

void SimClient::begin_tunnel() {
  has_tunnel_ = true;
  std::size_t before = outbox_.size();
  current().tunnel_up_bytes = current_plan().tunnel_bytes;
  std::size_t early = current_plan().early_tunnel_bytes;
  append_content(outbox_, tunnel_up_key(current().id), early, current_plan().tunnel_bytes - early);
  planned_ += outbox_.size() - before;
  send_later(std::chrono::microseconds(10));
}

// Everything was sent: says so, and leaves when weir has said so too.
void SimClient::end_tunnel() {
  if (!has_tunnel_) return;
  saw_end_ ? link_->close() : link_->end_writing();
}

void SimClient::on_raw(std::string_view bytes) {
  if (!is_content(tunnel_down_key(current().id), tunnel_received_, bytes))
    ledger_.fail("client " + std::to_string(number_) + ": wrong bytes through the tunnel");
  tunnel_received_ += bytes.size();
  current().tunnel_down_received = tunnel_received_;
}

void SimClient::on_nonsense(const char* why) {
  ledger_.fail("client " + std::to_string(number_) + " cannot understand weir: " + why);
}

void SimClient::on_end(Link& link) {
  saw_end_ = true;
  if (!reader_.end()) {
    if (answered_ < requests_.size()) {
      current().was_cut = true;
    } else {
      ledger_.fail("client " + std::to_string(number_) + ": bytes nobody asked for");
    }
  }
  gone(false);
  bool is_still_sending = has_tunnel_ && !outbox_.empty() && plan_.stop == Stop::kNever;
  if (!is_still_sending) link.close();
}

void SimClient::on_reset(Link&) {
  if (answered_ < requests_.size()) current().was_cut = true;
  gone(true);
}

// weir ended the connection. Requests that it had read anything of must have been answered.
void SimClient::gone(bool was_reset) {
  closed_at_ = events_.clock().now();
  trace_.note("client", number_, was_reset ? "is reset" : "is closed", answered_);
  if (answered_ >= requests_.size() || told_to_close_ || plan_.is_excused) return;
  const Request& request = current();
  if (request.has_head || request.is_malformed || link_->is_dead()) return;
  if (link_->read_by_weir() <= request.begins_at) return;
  bool was_answered_early =
      answered_ > 0 && std::any_of(ledger_.attempts().begin(), ledger_.attempts().end(),
                                   [&](const Attempt& attempt) {
                                     return attempt.was_early &&
                                            attempt.request == requests_[answered_ - 1];
                                   });
  if (!was_answered_early) unanswered_ = request.id;
}

}  // namespace weir::sim
