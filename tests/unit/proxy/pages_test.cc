// Which own page answers a failure, and what placeholders become.
#include "weir/proxy/pages.h"

#include <doctest/doctest.h>

#include <string>

#include "proxy_fixture.h"
#include "src/proxy/page_text.h"

namespace weir::proxy {
namespace {

config::PageFile file_of(const std::string& path, std::string text) {
  Form form = path.ends_with(".html")   ? Form::kHtml
              : path.ends_with(".json") ? Form::kJson
                                        : Form::kText;
  return {path, form, std::make_shared<const std::string>(std::move(text))};
}

config::PageEntry entry(const std::string& host, config::PageKey key, std::vector<Failure> failures,
                        const std::string& name) {
  return {host, key, std::move(failures), {file_of(name + ".html", name)}};
}

std::string found(const Pages& pages, Failure failure, std::string_view host) {
  const std::vector<config::PageFile>* files = pages.find(failure, host);
  return files == nullptr ? "none" : *files->front().text;
}

using enum config::PageKey;
const std::vector<Failure> kClass5{Failure::connect_refused, Failure::pool_empty,
                                   Failure::overloaded};
const std::vector<Failure> kStatus503{Failure::pool_empty, Failure::overloaded};

TEST_CASE("a reason comes before its status, that before its class, in whatever order they stand") {
  std::vector<config::PageEntry> entries = {entry("", kClass, kClass5, "class"),
                                            entry("", kReason, {Failure::overloaded}, "reason"),
                                            entry("", kStatus, kStatus503, "status")};
  for (int turn = 0; turn < 3; ++turn) {
    Pages pages(entries);
    CHECK(found(pages, Failure::overloaded, "a") == "reason");
    CHECK(found(pages, Failure::pool_empty, "a") == "status");
    CHECK(found(pages, Failure::connect_refused, "") == "class");
    CHECK(found(pages, Failure::no_route, "a") == "none");
    std::rotate(entries.begin(), entries.begin() + 1, entries.end());
  }
}

TEST_CASE("the most specific host that has a page for the failure, however far its key is") {
  Pages pages({entry("", kReason, {Failure::overloaded}, "all"),
               entry(".com", kReason, {Failure::overloaded}, "com"),
               entry(".example.com", kClass, kClass5, "domain"),
               entry("*.example.com", kStatus, kStatus503, "one"),
               entry("www.example.com", kReason, {Failure::pool_empty}, "www"),
               entry("192.0.2.1", kClass, kClass5, "address")});
  CHECK(found(pages, Failure::pool_empty, "www.example.com") == "www");
  CHECK(found(pages, Failure::overloaded, "www.example.com") == "one");
  CHECK(found(pages, Failure::connect_refused, "www.example.com") == "domain");
  CHECK(found(pages, Failure::overloaded, "a.b.example.com") == "domain");
  CHECK(found(pages, Failure::overloaded, "example.com") == "domain");
  CHECK(found(pages, Failure::overloaded, "other.com") == "com");
  CHECK(found(pages, Failure::pool_empty, "other.com") == "none");
  CHECK(found(pages, Failure::overloaded, "other.org") == "all");
  CHECK(found(pages, Failure::overloaded, "") == "all");
  CHECK(found(pages, Failure::overloaded, "192.0.2.1") == "address");
  CHECK(found(pages, Failure::overloaded, "192.0.2.2") == "all");
}

std::string filled(std::string_view page, Form form, std::string_view request_id = "id") {
  std::string out;
  append_page(out, page, form, Failure::connect_refused, request_id);
  return out;
}

TEST_CASE("placeholders are filled in; what is none stays as it is") {
  CHECK(filled("{status}|{status_text}|{reason}|{message}|{request_id}", Form::kText) ==
        "502|Bad Gateway|connect_refused|The backend refused the connection.|id");
  for (std::string_view same : {"", "{", "}", "{}", "{{", "{status", "status}", "{ status }",
                                "{Status}", "{host}", "{statu", "a{b}c", "body{color:red}"})
    CHECK(filled(same, Form::kHtml) == same);
  CHECK(filled("{{status}}{status", Form::kText) == "{502}{status");
}

TEST_CASE("a request id is escaped as the form wants it and cannot bring placeholders") {
  constexpr std::string_view kId = "<b a='1' c=\"2\">&{status}\\";
  CHECK(filled("{request_id}", Form::kHtml, kId) ==
        "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;{status}\\");
  CHECK(filled("{request_id}", Form::kJson, kId) == "<b a='1' c=\\\"2\\\">&{status}\\\\");
  CHECK(filled("{request_id}", Form::kText, kId) == kId);
  CHECK(filled("{request_id}", Form::kText, "a\xff\xc3\xa9\xc3") ==
        "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
  CHECK(filled("{request_id}", Form::kHtml, "\xff") == "\xef\xbf\xbd");
  CHECK(filled("{request_id}", Form::kJson, "\xff") == "\\ufffd");
}

TEST_CASE("weir's own pages fill every placeholder and load nothing") {
  for (Form form : {Form::kText, Form::kHtml, Form::kJson}) {
    std::string page = filled(builtin_page(form), form);
    for (std::string_view part :
         {"502", "connect_refused", "The backend refused the connection.", "id"})
      CHECK(has(page, part));
    for (std::string_view name : config::kPlaceholders)
      CHECK_FALSE(has(page, "{" + std::string(name)));
  }
  std::string html = filled(builtin_page(Form::kHtml), Form::kHtml);
  for (std::string_view part : {"src=", "href=", "url(", "<script", "@import", "http", "weir"})
    CHECK_FALSE(has(html, part));
  CHECK(html.size() < 1500);
  CHECK(
      filled(builtin_page(Form::kJson), Form::kJson) ==
      R"({"error":"connect_refused","message":"The backend refused the connection.","status":502,)"
      R"("request_id":"id"})"
      "\n");
}

// --- through the proxy: the Accept is found wherever the request was given up ---

constexpr std::string_view kWantsJson = "Accept: application/json\r\n";

std::string content_type(std::string_view answer) {
  std::size_t at = answer.find("Content-Type: ");
  if (at == std::string_view::npos) return "";
  at += 14;
  return std::string(answer.substr(at, answer.find("\r\n", at) - at));
}

// A backend's answer that comes in two pieces, so that weir notices what is wrong at the second.
void fail_after(World& world, test::FakePeer& client, std::string_view first) {
  test::FakePeer& backend = world.connect();
  if (!first.empty()) backend.send(first);
  backend.send("nonsense\r\n\r\n");
  std::string answer = client.take_received();
  CAPTURE(answer);
  CHECK(world.last().failure == "bad_response");
  CHECK(content_type(answer) == "application/json");
  CHECK(has(answer, "\r\nVary: Accept\r\n"));
}

TEST_CASE("the form that a client wants is known before and after the request was forgotten") {
  World world;
  // Refused, no route, no backend.
  world.client("GET / HTTP/1.1\r\n" + std::string(kWantsJson) + "Host: a\r\nHost: b\r\n\r\n");
  CHECK(content_type(world.clients.back()->take_received()) == "application/json");
  world.client(get("/", kWantsJson));
  world.connector.fail(net::ConnectError::kRefused);
  world.advance(std::chrono::seconds(1));
  while (world.connector.pending_count() > 0) {
    world.connector.fail(net::ConnectError::kRefused);
    world.advance(std::chrono::seconds(1));
  }
  CHECK(content_type(world.clients.back()->take_received()) == "application/json");
  // While the request is kept, after an informational answer, after a body too long to be kept.
  fail_after(world, world.client(get("/", kWantsJson)), "");
  fail_after(world, world.client(get("/", kWantsJson)), "HTTP/1.1 103 Early Hints\r\n\r\n");
  std::string body(100'000, 'x');
  fail_after(world,
             world.client("POST / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n"
                          "Content-Length: 100000\r\n\r\n" +
                          body),
             "");
  // A switch of protocols that nobody asked for.
  test::FakePeer& client = world.client(get("/", kWantsJson));
  world.connect().send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n");
  CHECK(content_type(client.take_received()) == "application/json");
  world.publish(false);
  world.client(get("/", kWantsJson));
  CHECK(content_type(world.clients.back()->take_received()) == "application/json");
}

TEST_CASE("HEAD and HTTP/1.0 get the same page, without its body and without more") {
  World world;
  world.publish(false);
  std::string accept = "Accept: text/html\r\n";
  std::string answer = world.client(get("/", accept)).take_received();
  std::string body = body_of(answer);
  std::string length = "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  CHECK(has(answer, length));
  CHECK(content_type(answer) == "text/html; charset=utf-8");
  answer = world.client("HEAD / HTTP/1.1\r\nHost: a\r\n" + accept + "\r\n").take_received();
  CHECK(has(answer, length));
  CHECK(body_of(answer).empty());
  answer = world.client("HEAD / HTTP/1.1\r\nHost: a b\r\n" + accept + "\r\n").take_received();
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(content_type(answer) == "text/html; charset=utf-8");
  CHECK(body_of(answer).empty());
  answer = world.client("GET / HTTP/1.0\r\nHost: a\r\n" + accept + "\r\n").take_received();
  CHECK(has(answer, length));
  CHECK(has(answer, "\r\nConnection: close\r\n"));
  CHECK(body_of(answer).size() == body.size());
}

TEST_CASE("one's own page by host; weir's own in the forms that it does not have") {
  World world;
  world.settings->pages = std::make_shared<Pages>(std::vector<config::PageEntry>{
      {"", kClass, {Failure::table_empty, Failure::bad_request}, {file_of("all.txt", "for all")}},
      {"b",
       kStatus,
       {Failure::table_empty},
       {file_of("b.html", "<b>{status}"), file_of("b.json", "{\"b\":{status}}")}}});
  world.publish(false);
  auto answer = [&](std::string_view host, std::string_view accept) {
    std::string fields = accept.empty() ? "" : "Accept: " + std::string(accept) + "\r\n";
    std::string request = "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" + fields + "\r\n";
    return world.client(request).take_received();
  };
  CHECK(body_of(answer("a", "*/*")) == "for all");
  CHECK(content_type(answer("a", "")) == "text/plain; charset=utf-8");
  CHECK(body_of(answer("a", "text/html")).starts_with("<!doctype html>"));
  CHECK(body_of(answer("a", "application/json")).starts_with("{\"error\":\"table_empty\""));
  CHECK(body_of(answer("a", "image/*")) == "for all");
  CHECK(body_of(answer("b", "")) == "<b>503");
  CHECK(body_of(answer("b", "*/*")) == "<b>503");
  CHECK(body_of(answer("b", "image/*")) == "<b>503");
  CHECK(content_type(answer("b", "text/*")) == "text/html; charset=utf-8");
  CHECK(body_of(answer("b", "application/json")) == "{\"b\":503}");
  CHECK(content_type(answer("b", "application/problem+json")) == "application/json");
  CHECK(body_of(answer("b", "text/plain")).starts_with("503 Service Unavailable\n"));
  CHECK(body_of(answer("b:80", "")) == "<b>503");
  CHECK(body_of(answer("b b", "")) == "for all");
  std::string refused = world.client("GET / HTTP/1.1\r\nHost: b\r\nA b: c\r\n\r\n").take_received();
  CHECK(body_of(refused) == "for all");
}

}  // namespace
}  // namespace weir::proxy
