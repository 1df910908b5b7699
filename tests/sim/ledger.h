#pragma once
// What happened to every request of a run, told by clients, backends and weir's log, and the
// judgement over it: the invariants of DESIGN §8 that concern messages. The first complaint stands.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/link.h"
#include "sim/message.h"
#include "sim/trace.h"
#include "weir/base/failure.h"
#include "weir/observe/request_record.h"

namespace weir::sim {

// One arrival of a request at a backend.
struct Attempt {
  std::uint64_t number = 0;
  std::uint64_t request = 0;
  unsigned backend = 0;
  Link* link = nullptr;
  bool is_reused = false;
  TimePoint sent_at{};              // a slow backend sees it later
  std::uint64_t response_from = 0;  // what weir reads behind this offset belongs to the response
  std::uint64_t upload_received = 0;
  bool has_whole_request = false;
  int status = 0;
  std::uint64_t answer_bytes = 0;  // of its body, as far as the framing tells
  bool has_begun = false;          // to answer
  bool was_early = false;          // … before the request was whole
  bool is_answered_whole = false;
  bool keeps_alive = false;
  bool may_hang = false;             // told to be silent, or slow
  std::uint64_t head_until = 0;      // offset behind its final head
  std::uint64_t answered_until = 0;  // offset behind the answer
};

struct Request {
  std::uint64_t id = 0;
  unsigned client = 0;
  std::string method = "GET";
  bool has_side_effects = false;
  std::uint64_t upload_bytes = 0;
  bool is_malformed = false;  // on purpose: weir is to refuse it
  bool is_upgrade = false;
  // Whether the client may be blamed for whatever becomes of it.
  bool is_excused = false;
  bool is_clean = false;        // nothing in this run may go wrong
  std::uint64_t begins_at = 0;  // offsets in the client's stream
  std::uint64_t ends_at = 0;
  Link* link = nullptr;
  bool is_sent_whole = false;
  std::vector<std::uint64_t> attempts;
  // At the client.
  bool has_head = false;
  TimePoint head_at{};
  bool is_whole = false;
  bool was_cut = false;
  int status = 0;
  std::optional<std::uint64_t> answered_by;  // attempt; none: weir itself
  std::uint64_t received = 0;
  // Through its tunnel, as planned and as it came.
  std::uint64_t tunnel_up_bytes = 0, tunnel_up_received = 0;
  std::uint64_t tunnel_down_bytes = 0, tunnel_down_received = 0;
  // By weir's log.
  unsigned logged = 0;
  unsigned logged_tries = 0;
  std::uint64_t logged_bytes_in = 0, logged_bytes_out = 0;
  Duration took{};
  bool was_reused = false;
  int logged_status = 0;
  std::optional<Failure> failure;
};

class Ledger {
 public:
  Ledger(const Clock& clock, Trace& trace) : clock_(clock), trace_(trace) {}

  // A complaint. Only the first is kept.
  void fail(std::string why);
  bool has_failed() const { return !complaint_.empty(); }
  const std::string& complaint() const { return complaint_; }

  Request& add_request();
  Request* find(std::uint64_t id) { return id < requests_.size() ? &requests_[id] : nullptr; }
  Attempt& attempt(std::uint64_t number) { return attempts_[number]; }
  const std::deque<Request>& requests() const { return requests_; }
  const std::deque<Attempt>& attempts() const { return attempts_; }
  std::uint64_t finished() const { return logged_; }

  // Whether timeouts are long enough for only those to be late who were told to.
  bool is_patient = false;

  // --- backends tell ---
  // What a backend lets weir know about how long it keeps idle connections.
  struct IdlePolicy {
    bool is_known = false;  // it announced the limit, or was seen closing
    std::optional<Duration> limit;
    bool is_unix = false;
  };
  // A head arrived at `offset` of the link. Null: it never should have (the run has failed).
  Attempt* on_request_seen(unsigned backend, Link& link, std::uint64_t offset, const Head& head,
                           const Attempt* previous, const IdlePolicy& idle);
  void on_upload(Attempt& attempt, std::string_view bytes);
  void on_upload_end(Attempt& attempt);

  // --- clients tell ---
  void on_answer_head(Request& request, const Head& head, int minor_version);
  void on_answer_body(Request& request, std::string_view bytes);
  void on_answer_end(Request& request);

  // --- weir tells ---
  void on_logged(const observe::RequestRecord& record);

  // Nothing is under way any more. `all_excused`: the run was cut short from outside.
  void check_end(bool all_excused);

 private:
  void check_retry(const Request& request, TimePoint sent_at);
  void check_reuse(const Request& request, Link& link, std::uint64_t offset,
                   const Attempt& previous, const IdlePolicy& idle);
  void check_logged(const Request& request);
  void check_counts(const Request& request);
  void check_clean(const Request& request);
  void check_local_answer(const Request& request, const Head& head);
  std::string name(const Request& request) const;

  const Clock& clock_;
  Trace& trace_;
  std::string complaint_;
  std::deque<Request> requests_;
  std::deque<Attempt> attempts_;
  std::uint64_t logged_ = 0;
  std::vector<int> logged_nameless_;  // statuses of refused heads, whose path nobody knows
};

}  // namespace weir::sim
