#include "client.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "weir/base/version.h"
#include "weir/wire/outbound.h"

namespace weir::cli {
namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(5);
// A reload of a very large table may take a while.
constexpr Duration kAnswerTimeout = std::chrono::minutes(10);
constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 30;

constexpr std::string_view kOtherAddress = "--admin or WEIR_ADMIN names another address";

// Why a Unix socket's path cannot be opened.
std::string unix_cause(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0)
    return errno == ENOENT ? "there is no such socket" : strerrordesc_np(errno);
  if (access(path.c_str(), W_OK) != 0)
    return "permission denied: its mode is 0660, so its user and group may use it";
  return "nothing listens there";
}

std::string connect_problem(const Target& target, net::ConnectError error) {
  const Endpoint& endpoint = target.endpoints.back();
  if (endpoint.is_unix())
    return target.text + ": " + unix_cause(endpoint.unix_path) + " (is weir running? " +
           std::string(kOtherAddress) + ")";
  switch (error) {
    case net::ConnectError::kRefused:
      return "nothing listens at " + target.text + " (is weir running there? " +
             std::string(kOtherAddress) + ")";
    case net::ConnectError::kTimedOut:
      return target.text + " does not answer (" + std::string(kOtherAddress) + ")";
    default:
      return target.text + " cannot be reached (" + std::string(kOtherAddress) + ")";
  }
}

}  // namespace

// One question, from connecting to the answer's last byte. Stops the loop when it is over.
class Client::Exchange final : private net::ConnectObserver, private wire::OutboundObserver {
 public:
  Exchange(Client& client, std::string_view method, std::string head)
      : client_(client),
        method_(http::method_of(method)),
        head_(std::move(head)),
        timer_(net::Timer::bind<&Exchange::on_timer>(this)) {}

  void begin() { connect_next(net::ConnectError::kOther); }
  bool is_over() const { return is_over_; }
  Result<Response> take() {
    if (!problem_.empty()) return Err{Error{"weir: " + problem_}};
    return std::move(response_);
  }

 private:
  void connect_next(net::ConnectError error) {
    const Target& target = client_.target_;
    while (next_ < target.endpoints.size()) {
      auto begun = client_.loop_.connector().connect(target.endpoints[next_++], *this);
      if (begun.ok()) {
        pending_ = std::move(begun).value();
        client_.loop_.scheduler().arm(timer_, kConnectTimeout);
        return;
      }
      error = begun.error();
    }
    fail(connect_problem(target, error));
  }

  void on_connected(std::unique_ptr<net::Stream> stream) override {
    connection_.emplace(client_.context_, std::move(stream));
    connection_->set_observer(this);
    connection_->start_request(method_, http::HeadLimits{});
    connection_->send_raw(head_);
    connection_->end_request();
    client_.loop_.scheduler().arm(timer_, kAnswerTimeout);
  }
  void on_connect_failed(net::ConnectError error) override { connect_next(error); }

  void on_informational(const http::ResponseHead&) override {}
  void on_head(const http::ResponseHead& head) override {
    response_.status = head.status;
    response_.reason = head.reason;
    for (const http::Field& field : head.fields)
      if (http::equals_ignoring_case(field.name, "Content-Type"))
        response_.content_type = field.value;
  }
  void on_body(std::string_view bytes) override {
    if (response_.body.size() + bytes.size() > kMaxBodyBytes) return fail("the answer is too long");
    response_.body += bytes;
  }
  void on_response_end(const http::Fields&) override { finish(); }
  void on_failure(const wire::OutboundFailure& failure) override {
    std::string what = failure.failure == Failure::closed_before_response
                           ? " closed the connection without an answer"
                           : " does not speak HTTP as weir does";
    fail(client_.target_.text + what + " (is that weir's admin interface?)");
  }
  void on_backend_progress(std::size_t) override {}
  void on_response_read_done() override {}
  void on_idle_event() override {}

  void on_timer() {
    pending_.reset();
    if (!connection_) return connect_next(net::ConnectError::kTimedOut);
    fail(client_.target_.text + " does not answer in time");
  }
  void fail(std::string problem) {
    if (is_over_) return;
    problem_ = std::move(problem);
    finish();
  }
  void finish() {
    is_over_ = true;
    timer_.cancel();
    if (connection_) connection_->set_observer(nullptr);
    client_.loop_.stop();
  }

  Client& client_;
  http::Method method_;
  std::string head_;
  net::Timer timer_;
  std::size_t next_ = 0;  // endpoint
  std::unique_ptr<net::PendingConnect> pending_;
  std::optional<wire::OutboundConnection> connection_;
  Response response_;
  std::string problem_;
  bool is_over_ = false;
};

Client::Client(Target target, std::string token)
    : target_(std::move(target)),
      token_(std::move(token)),
      loop_(clock_),
      context_(loop_.scheduler()) {}

Client::~Client() = default;

std::string Client::head_of(std::string_view method, const std::string& path) const {
  std::string head;
  head.append(method).append(" ").append(path).append(" HTTP/1.1\r\n");
  head.append("Host: ").append(target_.host).append("\r\n");
  head.append("User-Agent: weir/").append(kVersion).append("\r\nAccept: application/json\r\n");
  if (!token_.empty()) head.append("Authorization: Bearer ").append(token_).append("\r\n");
  if (method != "GET") head.append("Content-Length: 0\r\n");
  return head.append("Connection: close\r\n\r\n");
}

Result<Response> Client::ask(std::string_view method, const std::string& path) {
  Exchange exchange(*this, method, head_of(method, path));
  exchange.begin();
  while (!exchange.is_over()) loop_.run();
  return exchange.take();
}

void Client::wait(Duration duration) {
  net::Timer timer([](void* loop) { static_cast<net::Loop*>(loop)->stop(); }, &loop_);
  loop_.scheduler().arm(timer, duration);
  while (timer.is_armed()) loop_.run();
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '.' || c == '_' || c == '~';
    if (is_plain) {
      out += c;
    } else {
      out.append(1, '%').append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    }
  }
  return out;
}

}  // namespace weir::cli
