#include "sim/ledger.h"

#include <algorithm>
#include <charconv>

#include "sim/content.h"

namespace weir::sim {
namespace {

constexpr std::string_view kPathPrefix = "/r/";
// Timers count whole milliseconds.
constexpr Duration kTimerSlack = std::chrono::milliseconds(2);

std::uint64_t id_of_path(std::string_view path) {
  std::uint64_t id = ~std::uint64_t{0};
  if (!path.starts_with(kPathPrefix)) return id;
  path.remove_prefix(kPathPrefix.size());
  std::from_chars(path.data(), path.data() + path.size(), id);
  return id;
}

}  // namespace

void Ledger::fail(std::string why) {
  trace_.note("judge", 0, "complaint", 0, why);
  if (complaint_.empty()) complaint_ = std::move(why);
}

std::string Ledger::name(const Request& request) const {
  return "request " + std::to_string(request.id) + " (" + request.method + " of client " +
         std::to_string(request.client) + "): ";
}

Request& Ledger::add_request() {
  Request& request = requests_.emplace_back();
  request.id = requests_.size() - 1;
  return request;
}

Attempt* Ledger::on_request_seen(unsigned backend, Link& link, std::uint64_t offset,
                                 const Head& head, const Attempt* previous,
                                 const IdlePolicy& idle) {
  trace_.note("backend", backend, "request", link.id(), head.first + ' ' + head.second);
  Request* request = find(id_of_path(head.second));
  if (request == nullptr) {
    fail("a backend got a request that no client sent: " + head.first + ' ' + head.second);
    return nullptr;
  }
  if (request->is_malformed) fail(name(*request) + "malformed, but a backend got it (R08)");
  if (head.first != request->method) fail(name(*request) + "arrived as " + head.first);
  if (head.third != "HTTP/1.1") fail(name(*request) + "arrived as " + head.third);
  if (head.count("host") != 1) fail(name(*request) + "arrived without its one Host");
  if (head.count("content-length") + head.count("transfer-encoding") > 1)
    fail(name(*request) + "arrived with more than one framing");
  Link::Mark mark = link.mark_at(offset);
  check_retry(*request, mark.at);
  if (previous != nullptr) check_reuse(*request, link, offset, *previous, idle);

  Attempt& attempt = attempts_.emplace_back();
  attempt.number = attempts_.size() - 1;
  attempt.request = request->id;
  attempt.backend = backend;
  attempt.link = &link;
  attempt.is_reused = previous != nullptr;
  attempt.sent_at = mark.at;
  attempt.response_from = mark.read;
  request->attempts.push_back(attempt.number);
  return &attempt;
}

void Ledger::check_retry(const Request& request, TimePoint sent_at) {
  if (request.attempts.empty()) return;
  if (request.has_side_effects) fail(name(request) + "reached a backend twice");
  for (std::uint64_t number : request.attempts) {
    const Attempt& other = attempts_[number];
    if (other.sent_at < sent_at && other.link->read_by_weir() > other.response_from)
      fail(name(request) + "was sent again after a byte of a response");
  }
  if (request.has_head && request.head_at < sent_at)
    fail(name(request) + "was sent again after its answer began");
}

void Ledger::check_reuse(const Request& request, Link& link, std::uint64_t offset,
                         const Attempt& previous, const IdlePolicy& idle) {
  Link::Mark mark = link.mark_at(offset);
  std::string on = "sent on connection " + std::to_string(link.id()) + ", ";
  if (!previous.has_whole_request || !previous.is_answered_whole)
    return fail(name(request) + on + "where the message before was not finished");
  if (!previous.keeps_alive) return fail(name(request) + on + "which was not to be kept open");
  if (mark.saw_end) return fail(name(request) + on + "whose end weir had seen");
  if (mark.read != previous.answered_until)
    return fail(name(request) + on + "where weir had read " + std::to_string(mark.read) +
                " bytes instead of the answer's " + std::to_string(previous.answered_until));
  // Requests follow each other, so this one's beginning is the end of the one before.
  if (link.sent_when_read(previous.head_until) < offset)
    return fail(name(request) + on + "whose last answer came before the end of its request (R23)");
  if (!request.has_side_effects) return;
  if (idle.is_unix) return fail(name(request) + on + "a Unix socket that was used before");
  Duration allowed = std::chrono::seconds(1);
  if (idle.is_known) allowed = std::max(allowed, idle.limit.value_or(Duration::max() / 2));
  if (mark.at - mark.last_read_at > allowed + kTimerSlack)
    fail(name(request) + on + "idle for too long for a request with side effects");
}

void Ledger::on_upload(Attempt& attempt, std::string_view bytes) {
  Request& request = requests_[attempt.request];
  if (!is_content(upload_key(request.id), attempt.upload_received, bytes))
    fail(name(request) + "a backend got other bytes than the client sent, from byte " +
         std::to_string(attempt.upload_received));
  attempt.upload_received += bytes.size();
}

void Ledger::on_upload_end(Attempt& attempt) {
  Request& request = requests_[attempt.request];
  attempt.has_whole_request = true;
  if (attempt.upload_received != request.upload_bytes)
    fail(name(request) + "a backend took " + std::to_string(attempt.upload_received) +
         " bytes for the whole body of " + std::to_string(request.upload_bytes));
  if (!request.is_sent_whole) fail(name(request) + "complete at a backend, not at the client");
}

void Ledger::on_answer_head(Request& request, const Head& head, int minor_version) {
  request.has_head = true;
  request.head_at = clock_.now();
  request.status = head.status();
  bool has_te = head.count("transfer-encoding") > 0;
  if (head.count("content-length") + head.count("transfer-encoding") > 1)
    fail(name(request) + "an answer with more than one framing");
  if (has_te && minor_version == 0) fail(name(request) + "chunked to a 1.0 client (R27)");
  const std::string* tag = head.field("x-sim-answer");
  if (tag == nullptr) return check_local_answer(request, head);
  std::uint64_t number = ~std::uint64_t{0};
  std::from_chars(tag->data(), tag->data() + tag->size(), number);
  if (number >= attempts_.size() || attempts_[number].request != request.id)
    return fail(name(request) + "got the answer of another request");
  request.answered_by = number;
  if (attempts_[number].status != request.status)
    fail(name(request) + "got another status than the backend's");
}

void Ledger::check_local_answer(const Request& request, const Head& head) {
  if (head.count("proxy-status") == 0) return fail(name(request) + "an answer of nobody");
  int status = request.status;
  if (request.is_malformed && status >= 400 && status != 500) return;
  if (status == 500) return fail(name(request) + "an internal error");
  if (request.is_clean)
    return fail(name(request) + "failed with " + std::to_string(status) +
                " though nothing went wrong: " + *head.field("proxy-status"));
  bool blames_client = status < 500 || status == 501 || status == 505;
  if (blames_client && !request.is_excused)
    fail(name(request) + "refused with " + std::to_string(status) + " without a reason");
}

void Ledger::on_answer_body(Request& request, std::string_view bytes) {
  if (request.answered_by && !is_content(answer_key(*request.answered_by), request.received, bytes))
    fail(name(request) + "got bytes that are not of its answer, from byte " +
         std::to_string(request.received));
  request.received += bytes.size();
}

void Ledger::on_answer_end(Request& request) {
  request.is_whole = true;
  if (!request.answered_by) return;
  const Attempt& attempt = attempts_[*request.answered_by];
  if (!attempt.is_answered_whole)
    return fail(name(request) + "an incomplete answer looks complete (R24)");
  bool has_body = request.method != "HEAD" && attempt.status != 204 && attempt.status != 304;
  if (has_body && request.received != attempt.answer_bytes)
    fail(name(request) + "got " + std::to_string(request.received) + " of " +
         std::to_string(attempt.answer_bytes) + " bytes as a whole answer");
}

void Ledger::on_logged(const observe::RequestRecord& record) {
  ++logged_;
  trace_.note("weir", id_of_path(record.path), record.failure ? "failed" : "finished",
              static_cast<std::uint64_t>(record.status),
              record.failure ? row_of(*record.failure).name : std::string_view("ok"));
  if (record.failure == Failure::internal) fail("weir ended an exchange as internal");
  Request* request = find(id_of_path(record.path));
  if (request == nullptr) return logged_nameless_.push_back(record.status);
  request->logged_status = record.status;
  request->failure = record.failure;
  request->logged_tries = record.tries;
  request->logged_bytes_in = record.bytes_in;
  request->logged_bytes_out = record.bytes_out;
  request->took = record.duration;
  request->was_reused = record.is_reused;
  if (++request->logged > 1) fail(name(*request) + "ended twice");
}

void Ledger::check_logged(const Request& request) {
  bool was_refused = request.has_head && !request.answered_by && request.attempts.empty();
  if (request.logged == 0 && was_refused) {
    auto found = std::find(logged_nameless_.begin(), logged_nameless_.end(), request.status);
    if (found == logged_nameless_.end()) return fail(name(request) + "refused, but never ended");
    logged_nameless_.erase(found);
    return;
  }
  if (request.logged != 1) return fail(name(request) + "never ended");
  if (!request.has_head) return;
  if (request.logged_status != request.status)
    fail(name(request) + "logged as " + std::to_string(request.logged_status) + ", seen as " +
         std::to_string(request.status));
  // A drain's deadline may take the place of the reason of an answer that was on its way.
  if (request.answered_by || request.failure == Failure::drain_deadline) return;
  if (!request.failure || row_of(*request.failure).status != request.status)
    fail(name(request) + "a failure that the log does not name");
}

// What the log says about sizes, where the request and its answer came through whole.
void Ledger::check_counts(const Request& request) {
  if (request.attempts.size() > request.logged_tries)
    fail(name(request) + "logged with fewer tries than backends saw");
  if (is_patient && request.failure == Failure::response_head_timeout &&
      std::none_of(request.attempts.begin(), request.attempts.end(),
                   [this](std::uint64_t number) { return attempts_[number].may_hang; }))
    fail(name(request) + "waited for an answer to what no backend ever got");
  if (!request.is_whole || request.failure || !request.answered_by) return;
  if (request.logged_bytes_out != request.received)
    fail(name(request) + "logged with " + std::to_string(request.logged_bytes_out) +
         " bytes of answer instead of " + std::to_string(request.received));
  bool was_read_whole = attempts_[*request.answered_by].has_whole_request;
  if (was_read_whole && request.logged_bytes_in != request.upload_bytes)
    fail(name(request) + "logged with another size than the client sent");
}

void Ledger::check_clean(const Request& request) {
  if (request.failure)
    fail(name(request) +
         "failed though nothing went wrong: " + std::string(row_of(*request.failure).name));
  if (!request.is_whole && request.status != 101)
    fail(name(request) + "is incomplete though nothing went wrong");
  if (request.tunnel_up_received != request.tunnel_up_bytes ||
      request.tunnel_down_received != request.tunnel_down_bytes)
    fail(name(request) + "lost bytes in its tunnel");
}

void Ledger::check_end(bool all_excused) {
  for (const Request& request : requests_) {
    if (request.has_head || !request.attempts.empty()) check_logged(request);
    if (request.logged > 0) check_counts(request);
    if (all_excused || request.is_excused) continue;
    if (request.was_cut && request.has_head && !request.failure)
      fail(name(request) + "cut without a reason in the log");
    if (request.is_clean && !request.is_malformed && request.logged > 0) check_clean(request);
  }
}

}  // namespace weir::sim
