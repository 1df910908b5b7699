#include "admin_orders.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace weir::server {

namespace {

using backend::AdminState;

constexpr std::size_t kColumns = 5;
constexpr std::size_t kMaxFileBytes = 64 * 1024 * 1024;

// Names of tokens are the administrator's; a tab in one would be the next column.
std::string without_controls(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; }, '?');
  return text;
}

std::int64_t microseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

bool parse_line(std::string_view line, AdminOrder& order) {
  std::array<std::string_view, kColumns> columns;
  for (std::size_t at = 0; at < kColumns; ++at) {
    std::size_t tab = at + 1 < kColumns ? line.find('\t') : line.size();
    if (tab == line.npos) return false;
    columns[at] = line.substr(0, tab);
    line.remove_prefix(std::min(tab + 1, line.size()));
  }
  bool is_state = false;
  for (AdminState state : {AdminState::kReady, AdminState::kDrain, AdminState::kMaint}) {
    if (backend::name_of(state) != columns[0]) continue;
    order.state = state;
    is_state = true;
  }
  std::int64_t since = 0;
  auto [end, problem] =
      std::from_chars(columns[1].data(), columns[1].data() + columns[1].size(), since);
  if (!is_state || problem != std::errc() || columns[2].empty() || columns[3].empty()) return false;
  order.since = WallTime(std::chrono::microseconds(since));
  order.pool = columns[2];
  order.address = columns[3];
  order.by = columns[4];
  return end == columns[1].data() + columns[1].size();
}

Err<Error> cannot(const char* verb, const std::string& file) {
  return Err{Error{std::string("cannot ") + verb + " " + file + ": " + strerrordesc_np(errno)}};
}

}  // namespace

void AdminOrders::add(AdminOrder order) {
  std::erase_if(orders_, [&](const AdminOrder& known) {
    return known.pool == order.pool && known.address == order.address;
  });
  orders_.push_back(std::move(order));
  // What stands in no other's way: all are ready from the start.
  while (!orders_.empty() && orders_.front().state == AdminState::kReady)
    orders_.erase(orders_.begin());
}

std::string AdminOrders::text() const {
  std::string text;
  for (const AdminOrder& order : orders_) {
    text.append(backend::name_of(order.state)).append("\t");
    text.append(std::to_string(microseconds(order.since))).append("\t");
    for (const std::string* column : {&order.pool, &order.address})
      text.append(without_controls(*column)).append("\t");
    text.append(without_controls(order.by)).append("\n");
  }
  return text;
}

AdminOrders AdminOrders::parse(std::string_view text) {
  AdminOrders orders;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    AdminOrder order;
    if (parse_line(text.substr(0, end), order)) orders.add(std::move(order));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return orders;
}

Status<> write_orders(const std::string& file, const AdminOrders& orders) {
  std::string draft = file + ".new";
  int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return cannot("write", draft);
  std::string text = orders.text();
  std::string_view left = text;
  bool is_written = true;
  while (is_written && !left.empty()) {
    ssize_t count = write(fd, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    is_written = count >= 0;
    if (is_written) left.remove_prefix(static_cast<std::size_t>(count));
  }
  is_written = is_written && fsync(fd) == 0;
  Status<> written = is_written ? Status<>(Ok{}) : Status<>(cannot("write", draft));
  close(fd);
  if (written.ok() && rename(draft.c_str(), file.c_str()) != 0) written = cannot("rename", draft);
  if (!written.ok()) unlink(draft.c_str());
  return written;
}

Result<AdminOrders> read_orders(const std::string& file) {
  int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return AdminOrders();
  if (fd < 0) return cannot("open", file);
  std::string text;
  char chunk[16 * 1024];
  for (;;) {
    ssize_t count = read(fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count > 0 && text.size() < kMaxFileBytes) {
      text.append(chunk, static_cast<std::size_t>(count));
      continue;
    }
    Result<AdminOrders> orders =
        count < 0 ? Result<AdminOrders>(cannot("read", file)) : AdminOrders::parse(text);
    close(fd);
    return orders;
  }
}

}  // namespace weir::server
