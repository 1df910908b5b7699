// Nanoseconds per head, requests and responses: guards alone, the whole parser, and the head
// forwarded. An argument instead runs each part so many times: for counting instructions. Compile
// with
//   g++ -std=c++20 -O2 -DLLHTTP_STRICT_MODE=1 -Iinclude -Isrc -I$LLHTTP/include/llhttp
//     tests/bench/head_bench.cc src/http/*.cc src/base/address.cc build/libllhttp.a
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/guards.h"
#include "http/semantics.h"
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

constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: backend/1.0\r\n"
    "Date: Fri, 20 Nov 2026 03:27:34 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 8192\r\n"
    "Cache-Control: private, max-age=0, must-revalidate\r\n"
    "ETag: W/\"5f3a9c1e-2000\"\r\n"
    "Last-Modified: Thu, 19 Nov 2026 11:02:51 GMT\r\n"
    "Vary: Accept-Encoding, Cookie\r\n"
    "X-Request-Id: 6f1c2f0e-8f6c-4bb5-9d8d-0f4c0d7d5b11\r\n"
    "Set-Cookie: session=2c26b46b68ffc68ff99b453c1d304134; Path=/; HttpOnly; SameSite=Lax\r\n"
    "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
    "X-Frame-Options: SAMEORIGIN\r\n\r\n";

// The best of many short runs: what the code costs, not what the machine did besides. With a count
// each part is run that often, once.
class Stopwatch {
 public:
  explicit Stopwatch(int count) : count_(count) {}
  template <typename Work>
  double nanoseconds(Work work) const {
    constexpr int kRounds = 2'000;
    int rounds = count_ > 0 ? count_ : kRounds;
    double best = 1e9;
    for (int run = 0; run < (count_ > 0 ? 1 : 500); ++run) {
      auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < rounds; ++i) work();
      std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
      best = std::min(best, taken.count() / rounds);
    }
    return best;
  }

 private:
  int count_;
};

// The guards' parts, each alone: what weir itself looks at in a head, beside the parser that it
// takes from elsewhere. Together at most kMaxGuardNanoseconds for a typical head.
struct Guards {
  double bytes = 0;     // guards.h: line ends, control bytes, limits
  double meaning = 0;   // framing.h and semantics.h: lengths, codings, Connection, Host
  double identity = 0;  // forward.h: who is really asking, behind a trusted proxy; of requests only
  double sum() const { return bytes + meaning + identity; }
};
constexpr double kMaxGuardNanoseconds = 200;

double time_bytes(const Stopwatch& watch, std::string_view bytes) {
  HeadLimits limits;
  std::size_t sink = 0;
  return watch.nanoseconds([&] {
    std::size_t fields = 0;
    std::size_t begin = find_line_end(bytes, 0).position + 2;
    LineEnds ends;
    sink += find_fields_end(bytes, begin, begin, fields, limits.fields, ends).position;
    asm volatile("" : "+r"(sink));
  });
}

Guards time_guards(const Stopwatch& watch, std::string_view bytes, RequestHead& head) {
  TrustPolicy policy;
  policy.trusted_proxies.push_back(*Cidr::parse("192.0.2.0/24"));
  IpAddress peer = IpAddress::v4(0xc0000201, 4711);
  bool sink = false;
  Guards guards;
  guards.bytes = time_bytes(watch, bytes);
  guards.meaning = watch.nanoseconds([&] {
    sink ^= static_cast<bool>(understand_request(head));
    asm volatile("" : "+r"(sink));
  });
  guards.identity = watch.nanoseconds([&] {
    sink ^= identify_client(head, peer, Scheme::kHttp, policy).is_peer_trusted;
    asm volatile("" : "+r"(sink));
  });
  return guards;
}

Guards time_guards(const Stopwatch& watch, std::string_view bytes, ResponseHead& head) {
  bool sink = false;
  Guards guards;
  guards.bytes = time_bytes(watch, bytes);
  guards.meaning = watch.nanoseconds([&] {
    sink ^= static_cast<bool>(understand_response(Method::kGet, head));
    asm volatile("" : "+r"(sink));
  });
  return guards;
}

// False: the guards take longer than they may.
bool print(const char* name, std::string_view bytes, const Guards& guards, double parse,
           double forward) {
  std::printf("%-9s %4zu bytes  parse  %5.0f ns  forward %5.0f ns\n", name, bytes.size(), parse,
              forward);
  std::printf("%-9s %4zu bytes  guards %5.0f ns: bytes %.0f, meaning %.0f, identity %.0f\n", name,
              bytes.size(), guards.sum(), guards.bytes, guards.meaning, guards.identity);
  return guards.sum() <= kMaxGuardNanoseconds;
}

// Not inlined: each a name of its own in a profile.
[[gnu::noinline]] bool measure_request(const Stopwatch& watch, const char* name,
                                       std::string_view bytes) {
  HeadLimits limits;
  RequestHead head;
  Buffer out;
  double parse = watch.nanoseconds([&] {
    HeadProgress progress;
    parse_request_head(bytes, limits, progress, head);
  });
  RequestForwarding how;
  how.peer = IpAddress::v4(0xc0000201, 4711);
  how.server_name = "weir";
  how.request_id = "0123456789abcdef0123456789abcdef";
  how.listener_port = 443;
  double forward = watch.nanoseconds([&] {
    out.clear();
    append_request_head(out, head, how);
  });
  return print(name, bytes, time_guards(watch, bytes, head), parse, forward);
}

[[gnu::noinline]] bool measure_response(const Stopwatch& watch, const char* name,
                                        std::string_view bytes) {
  HeadLimits limits;
  ResponseHead head;
  Buffer out;
  double parse = watch.nanoseconds([&] {
    HeadProgress progress;
    parse_response_head(bytes, limits, progress, Method::kGet, head);
  });
  ResponseForwarding how;
  how.server_name = "weir";
  how.body = head.body;
  how.date = "Fri, 20 Nov 2026 03:27:34 GMT";
  double forward = watch.nanoseconds([&] {
    out.clear();
    append_response_head(out, head, how);
  });
  return print(name, bytes, time_guards(watch, bytes, head), parse, forward);
}

}  // namespace

int main(int argc, char** argv) {
  Stopwatch watch(argc > 1 ? std::atoi(argv[1]) : 0);
  bool is_small = measure_request(watch, "small", kSmall);
  bool is_typical = measure_request(watch, "typical", kTypical);
  bool is_response = measure_response(watch, "response", kResponse);
  if (argc > 1 || (is_small && is_typical && is_response)) return 0;
  std::printf("the guards may take %.0f ns\n", kMaxGuardNanoseconds);
  return 1;
}
