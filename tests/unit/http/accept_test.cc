// What a client wants to read, by its Accept (RFC 9110 §12.5.1).
#include "weir/http/accept.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {
namespace {

// The forms that the client wants, most wanted first; "=" between those that it wants alike.
std::string order_of(const Acceptance& wanted) {
  constexpr std::string_view kNames[] = {"text", "html", "json"};
  std::vector<Form> forms;
  for (Form form : {Form::kText, Form::kHtml, Form::kJson})
    if (wanted.rank(form) > 0) forms.push_back(form);
  std::stable_sort(forms.begin(), forms.end(),
                   [&](Form a, Form b) { return wanted.rank(a) > wanted.rank(b); });
  std::string out;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (i > 0) out += wanted.rank(forms[i]) == wanted.rank(forms[i - 1]) ? "=" : " ";
    out += kNames[static_cast<std::size_t>(forms[i])];
  }
  return out;
}

std::string order(std::string_view accept) {
  Fields fields;
  fields.add("Accept", accept);
  Acceptance wanted;
  wanted.ask(fields);
  return order_of(wanted);
}

TEST_CASE("without Accept, or with nothing in it, all forms are as good") {
  Acceptance wanted;
  CHECK_FALSE(wanted.is_known());
  CHECK(order_of(wanted) == "text=html=json");
  wanted.ask(Fields());
  CHECK(wanted.is_known());
  CHECK(order_of(wanted) == "text=html=json");
  CHECK(order("") == "text=html=json");
  CHECK(order(", ,") == "text=html=json");
}

TEST_CASE("what clients send") {
  // curl, wget
  CHECK(order("*/*") == "text=html=json");
  // Firefox, Chrome
  CHECK(order("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/"
              "*;q=0.8") == "html text=json");
  CHECK(order("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") ==
        "html text=json");
  // axios, jQuery, httpie, GitHub's and JSON:API clients
  CHECK(order("application/json, text/plain, */*") == "json text html");
  CHECK(order("application/json, text/javascript, */*; q=0.01") == "json text=html");
  CHECK(order("application/json, */*;q=0.5") == "json text=html");
  CHECK(order("application/vnd.github+json") == "json");
  CHECK(order("application/vnd.api+json") == "json");
  CHECK(order("application/problem+json, application/json;q=0.9") == "json");
  // a picture
  CHECK(order("image/avif,image/webp,image/*") == "");
}

TEST_CASE("the weight decides, then how closely a type is named, then the order") {
  CHECK(order("text/html;q=0.5, application/json") == "json html");
  CHECK(order("text/html;q=0.001, application/json;q=0.002") == "json html");
  CHECK(order("text/*, application/json") == "json text=html");
  CHECK(order("text/*;q=0.9, application/*;q=0.8") == "text=html json");
  CHECK(order("text/plain, text/html") == "text html");
  CHECK(order("text/html, text/plain") == "html text");
  CHECK(order("TEXT/HTML;Q=0.4, Application/JSON") == "json html");
  CHECK(order("text/html ; q=0.4 , text/plain") == "text html");
  CHECK(order("text/html;level=1;q=0.4, text/plain;format=flowed") == "text html");
}

TEST_CASE("a type that is named is not covered by a wildcard any more") {
  CHECK(order("text/html;q=0, */*") == "text=json");
  CHECK(order("*/*, text/html;q=0") == "text=json");
  CHECK(order("text/*;q=0, */*;q=0.1") == "json");
  CHECK(order("text/html;q=0.2, text/*;q=0.9, */*") == "json text html");
  CHECK(order("*/*;q=0") == "");
  CHECK(order("application/json;q=0.1, application/*") == "json");
}

TEST_CASE("what is no media range or no weight says nothing") {
  for (std::string_view wrong :
       {"html", "text/html;q=2", "text/html;q=", "text/html;q=0.1234", "text/html;q=1.001",
        "text/html;q=.5", "text/html;q=-1", "text/html;q=0,5", "text/html;q=\"1\"", ";q=1"}) {
    CAPTURE(wrong);
    CHECK(order(std::string(wrong) + ", application/json;q=0.3").substr(0, 4) == "json");
  }
  CHECK(order("html") == "text=html=json");
  CHECK(order("text/html;q=1.000, text/plain;q=0.999") == "html text");
  CHECK(order("text/html;q=1., text/plain;q=0.999") == "html text");
}

TEST_CASE("several fields are one list; a long one neither") {
  Fields fields;
  fields.add("Accept", "text/html;q=0.3");
  fields.add("Accept-Language", "application/json");
  fields.add("ACCEPT", "application/json");
  Acceptance wanted;
  wanted.ask(fields);
  CHECK(order_of(wanted) == "json html");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "image/x" + std::to_string(i) + ", ";
  CHECK(order(many + "text/html, application/json") == "html=json");
}

TEST_CASE("of a head's bytes, whole lines up to the empty one count") {
  auto order_of_head = [](std::string_view head) {
    Acceptance wanted;
    wanted.ask(head);
    CHECK(wanted.is_known());
    return order_of(wanted);
  };
  constexpr std::string_view kAll = "text=html=json";
  CHECK(order_of_head("") == kAll);
  CHECK(order_of_head("GET /Accept:text/html HTTP/1.1\r\nHost: a\r\n\r\n") == kAll);
  CHECK(order_of_head("GET / HTTP/1.1\r\nHost: a\r\naccept:text/html\r\n\r\n") == "html");
  CHECK(order_of_head("GET / HTTP/1.1\r\nAccept: text/html;q=0.1\r\nAccept: */*;q=0\r\n"
                      "Accept: application/json\r\n\r\n") == "json html");
  CHECK(order_of_head("GET / HTTP/1.1\r\nAccept: text/ht") == kAll);
  CHECK(order_of_head("POST / HTTP/1.1\r\n\r\nAccept: text/html\r\n") == kAll);
  CHECK(order_of_head(
            "GET / HTTP/1.1\r\nX-Accept: text/html\r\nAccept-Charset: text/html\r\n\r\n") == kAll);
}

}  // namespace
}  // namespace weir::http
