#include "reply.h"

#include <utility>

#include "json.h"

namespace weir::admin {

Answer error_answer(int status, std::string_view code, std::string_view message) {
  return {status, "application/json", error_json(code, message), {}, code};
}

Answer error_answer(const Refusal& refusal) {
  return error_answer(refusal.status, refusal.code, refusal.message);
}

PendingReply::~PendingReply() {
  if (!is_sent) send(error_answer(503, "ending", "weir ends before this is done"));
}

void PendingReply::send(Answer answer) {
  if (std::exchange(is_sent, true)) return;
  std::shared_ptr<AdminSource*> alive = source.lock();
  if (alive == nullptr) return;
  if (!audited_action.empty())
    (*alive)->audit({by, audited_action, answer.status, std::string(answer.error)});
  if (sink != nullptr) sink->on_reply(std::move(answer));
}

}  // namespace weir::admin
