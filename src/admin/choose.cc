// Which page a request is for, and whether it may see it.
#include <algorithm>
#include <cctype>

#include "origin.h"
#include "pages.h"
#include "query.h"

namespace weir::admin {
namespace {

enum class Audience : std::uint8_t { kAnyone, kScrapers, kAdmins };

struct Page {
  std::string_view path;
  std::string_view methods;
  Audience audience;
  PageFunction function;
};

constexpr Page kPages[] = {
#define PAGE(path, methods, audience, function) {path, methods, Audience::audience, function},
#include "pages.def"
#undef PAGE
};

bool is_shown(const Page& page, Door door) {
  return door != Door::kMetrics || page.audience != Audience::kAdmins;
}

bool allows(std::string_view methods, std::string_view wanted) {
  for (std::string_view method; http::next_list_member(methods, method);) {
    if (method == wanted) return true;
  }
  return false;
}

// Takes "/segment" off the front.
std::string_view take_segment(std::string_view& path) {
  std::size_t end = std::min(path.find('/', 1), path.size());
  std::string_view segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

bool is_placeholder(std::string_view segment) {
  return !segment.empty() && segment.front() >= 'A' && segment.front() <= 'Z';
}

bool matches(std::string_view pattern, std::string_view path, std::vector<std::string>& arguments) {
  arguments.clear();
  while (pattern.starts_with('/') && path.starts_with('/')) {
    std::string_view wanted = take_segment(pattern), given = take_segment(path);
    if (!is_placeholder(wanted)) {
      if (wanted != given) return false;
      continue;
    }
    std::optional<std::string> decoded = percent_decoded(given);
    if (!decoded || decoded->empty()) return false;
    arguments.push_back(std::move(*decoded));
  }
  return pattern.empty() && path.empty();
}

Answer not_found(Door door) {
  std::string message = "there is no such page; there are";
  bool is_first = true;
  for (const Page& page : kPages) {
    if (!is_shown(page, door)) continue;
    message.append(is_first ? " " : ", ").append(page.path);
    is_first = false;
  }
  return error_answer(404, "not_found", message);
}

Answer method_not_allowed(const Page& page) {
  Answer answer =
      error_answer(405, "method_not_allowed", "this page answers " + std::string(page.methods));
  answer.allow = page.methods;
  return answer;
}

Answer no_token(bool has_one) {
  return has_one ? error_answer(401, "wrong_token", "the token is not one of [admin] token_file")
                 : error_answer(401, "no_token",
                                "a token is needed (Authorization: Bearer TOKEN, one of those in "
                                "[admin] token_file)");
}

// Fills in what it is, or why not.
void choose_page(const http::RequestHead& head, const Arrival& arrival, const Access& access,
                 Choice& choice) {
  const Page* found = nullptr;
  for (const Page& page : kPages) {
    if (!is_shown(page, arrival.door) || !matches(page.path, head.path, choice.request.arguments))
      continue;
    found = &page;
    break;
  }
  bool is_open = found != nullptr && found->audience == Audience::kAnyone;
  // Without tokens one listens on loopback only; a connection from elsewhere may be left of the days
  // before the reload that dropped them.
  bool needs_token = !access.tokens.empty() || !arrival.peer.is_loopback();
  if (arrival.door == Door::kTcp && needs_token && !is_open) {
    TokenCheck check = check_token(head, access);
    if (check.name.empty()) {
      choice.refusal = no_token(check.has_token);
      return;
    }
    choice.request.by = check.name;
  }
  if (found == nullptr) {
    choice.refusal = not_found(arrival.door);
  } else if (!allows(found->methods, head.method_text)) {
    choice.refusal = method_not_allowed(*found);
  } else {
    choice.page = found->function;
  }
}

}  // namespace

Choice choose(const http::RequestHead& head, const Arrival& arrival, const Access& access) {
  Choice choice;
  choice.request.query = head.query;
  choice.request.by = text_of(arrival);
  bool is_read = head.method == http::Method::kGet || head.method == http::Method::kHead ||
                 head.method == http::Method::kOptions;
  if (!is_read) choice.audited_action.append(head.method_text).append(" ").append(head.path);
  // Scrapers use whatever name leads here, and there is nothing to change.
  if (arrival.door != Door::kMetrics && !is_own_host(head, access)) {
    choice.refusal = error_answer(403, "foreign_host",
                                  "the Host must be an IP address, localhost or one of [admin] "
                                  "hosts");
  } else if (has_foreign_origin(head)) {
    choice.refusal =
        error_answer(403, "foreign_origin", "a page of another origin may not ask here");
  } else {
    choose_page(head, arrival, access, choice);
  }
  return choice;
}

}  // namespace weir::admin
