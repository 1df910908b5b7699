#pragma once
// The answer to one request, now or later: a handle that may outlive the connection, the client and
// the server. Copies are the same reply; the first send() counts. One that is dropped unsent says
// so to the client. Control's thread.
#include <memory>
#include <string>
#include <string_view>

#include "weir/admin/admin_source.h"

namespace weir::admin {

struct Answer {
  int status = 200;
  std::string_view content_type;  // a constant
  std::string body;
  std::string_view allow;  // a constant; of a 405
  std::string_view error;  // a constant: the code of an error, for the audit
};

// {"error": code, "message": message} (CONTRACT §3).
Answer error_answer(int status, std::string_view code, std::string_view message);
Answer error_answer(const Refusal& refusal);

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  virtual void on_reply(Answer answer) = 0;
};

// What one reply and its copies share.
struct PendingReply {
  PendingReply() = default;
  PendingReply(const PendingReply&) = delete;
  PendingReply& operator=(const PendingReply&) = delete;
  ~PendingReply();
  void send(Answer answer);

  ReplySink* sink = nullptr;           // null: the client is gone
  std::weak_ptr<AdminSource*> source;  // gone: so is the server
  std::string by;                      // who asks
  std::string audited_action;          // empty: it changes nothing
  bool is_sent = false;
};

class Reply {
 public:
  explicit Reply(std::shared_ptr<PendingReply> pending) : pending_(std::move(pending)) {}
  void send(Answer answer) const { pending_->send(std::move(answer)); }

 private:
  std::shared_ptr<PendingReply> pending_;
};

}  // namespace weir::admin
