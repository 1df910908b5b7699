#include "src/proxy/request_text.h"

#include <doctest/doctest.h>

#include <string>

namespace weir::proxy {
namespace {

TEST_CASE("a request's texts are kept as they were added, in any selection") {
  RequestText text;
  text.add(RequestText::kMethod, "GET");
  text.add(RequestText::kHost, "www.example.com");
  text.add(RequestText::kTarget, "");
  text.add(RequestText::kReferer, "http://ref/");
  text.add(RequestText::kRoute, "web");
  CHECK(text.get(RequestText::kMethod) == "GET");
  CHECK(text.get(RequestText::kHost) == "www.example.com");
  CHECK(text.get(RequestText::kPath).empty());
  CHECK(text.get(RequestText::kTarget).empty());
  CHECK(text.get(RequestText::kReferer) == "http://ref/");
  CHECK(text.get(RequestText::kRoute) == "web");
  CHECK(text.take_buffer().capacity() == 0);
}

TEST_CASE("texts of every size around the room are whole") {
  for (std::size_t size = 0; size < 1200; ++size) {
    RequestText text;
    std::string path(size, 'p');
    std::string agent(size / 2 + 1, 'u');
    text.add(RequestText::kMethod, "POST");
    text.add(RequestText::kPath, path);
    text.add(RequestText::kUserAgent, agent);
    text.add(RequestText::kRoute, "label");
    REQUIRE(text.get(RequestText::kMethod) == "POST");
    REQUIRE(text.get(RequestText::kPath) == path);
    REQUIRE(text.get(RequestText::kUserAgent) == agent);
    REQUIRE(text.get(RequestText::kRoute) == "label");
    bool has_room = RequestText::has_room_for(4 + path.size() + agent.size());
    if (has_room) REQUIRE(text.take_buffer().capacity() == 0);
  }
}

TEST_CASE("a lent buffer takes what has no room, and goes back") {
  RequestText text;
  Buffer spare;
  const char* memory = spare.reserve(4096);
  text.lend_buffer(std::move(spare));
  text.add(RequestText::kMethod, "GET");
  text.add(RequestText::kPath, std::string(2000, 'p'));
  CHECK(text.get(RequestText::kMethod) == "GET");
  CHECK(text.get(RequestText::kPath) == std::string(2000, 'p'));
  CHECK(text.take_buffer().view().data() == memory);
}

TEST_CASE("lists show texts cut, whether they were added so or not") {
  std::string path(300, 'p');
  RequestText cut;
  cut.add_cut(RequestText::kMethod, std::string(30, 'M'));
  cut.add_cut(RequestText::kHost, std::string(300, 'h'));
  cut.add_cut(RequestText::kPath, path);
  cut.add_cut(RequestText::kRoute, std::string(300, 'r'));
  CHECK(cut.get(RequestText::kHost).size() == 255);
  CHECK(cut.get(RequestText::kPath) == path.substr(0, 160));
  CHECK(cut.get(RequestText::kRoute).size() == 64);
  CHECK(cut.take_buffer().capacity() == 0);
  RequestText whole;
  whole.add(RequestText::kPath, path);
  CHECK(whole.get(RequestText::kPath) == path);
  CHECK(whole.get_cut(RequestText::kPath) == path.substr(0, 160));
}

}  // namespace
}  // namespace weir::proxy
