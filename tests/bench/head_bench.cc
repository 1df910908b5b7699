// Nanoseconds per request head: guards alone, the whole parser, and the head forwarded. Compile
// with
//   g++ -std=c++20 -O2 -DLLHTTP_STRICT_MODE=1 -Iinclude -Isrc -I$LLHTTP/include/llhttp
//     tests/bench/head_bench.cc src/http/*.cc src/base/address.cc build/libllhttp.a
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include "http/guards.h"
#include "weir/http/forward.h"
#include "weir/http/parser.h"

namespace {

using namespace weir;
using namespace weir::http;

constexpr std::string_view kSmall =
    "GET / HTTP/1.1\r\nHost: www.example.com\r\nAccept: */*\r\n\r\n";
constexpr std::string_view kTypical =
    "GET /assets/js/app-4f3a9c1d.js?v=1763620490&lang=en HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "sec-ch-ua: \"Chromium\";v=\"124\", \"Google Chrome\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/124.0.0.0 Safari/537.36\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Accept: */*\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: no-cors\r\n"
    "Sec-Fetch-Dest: script\r\n"
    "Referer: https://www.example.com/account/orders?page=3\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7,en-US;q=0.6\r\n"
    "Cookie: session=8f0d8a6be1b04cf3a9f5f5f0c2d1e7a4; _ga=GA1.2.1234567890.1763620000; "
    "_gid=GA1.2.987654321.1763620000; theme=dark; consent=all; "
    "csrftoken=Zk3qYp0Jt7LmNw5xRb8vTc2d\r\n"
    "Cache-Control: no-cache\r\n"
    "Pragma: no-cache\r\n"
    "Priority: u=1\r\n"
    "If-None-Match: W/\"4f3a9c1d-1b2c\"\r\n\r\n";

// The best of many short runs: what the code costs, not what the machine did besides.
template <typename Work>
double nanoseconds(Work work) {
  constexpr int kRounds = 2'000;
  double best = 1e9;
  for (int run = 0; run < 500; ++run) {
    auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i) work();
    std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    best = std::min(best, taken.count() / kRounds);
  }
  return best;
}

void measure(const char* name, std::string_view bytes) {
  HeadLimits limits;
  RequestHead head;
  Buffer out;
  std::size_t sink = 0;
  double guards = nanoseconds([&] {
    std::size_t fields = 0;
    std::size_t begin = find_line_end(bytes, 0).position + 2;
    sink += find_fields_end(bytes, begin, begin, fields, limits.fields).position;
  });
  double total = nanoseconds([&] {
    HeadProgress progress;
    sink += parse_request_head(bytes, limits, progress, head).status == HeadStatus::kComplete;
  });
  RequestForwarding how;
  how.peer = IpAddress::v4(0xc0000201, 4711);
  how.server_name = "weir";
  how.request_id = "0123456789abcdef0123456789abcdef";
  how.listener_port = 443;
  double forward = nanoseconds([&] {
    out.clear();
    append_request_head(out, head, how);
    sink += out.size();
  });
  std::printf("%-8s %4zu bytes  guards %5.0f ns  parse %5.0f ns  forward %5.0f ns  (%zu)\n", name,
              bytes.size(), guards, total, forward, sink % 10);
}

}  // namespace

int main() {
  measure("small", kSmall);
  measure("typical", kTypical);
}
