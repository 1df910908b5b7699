#include "src/server/admin_orders.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace {

using namespace std::chrono_literals;
using weir::WallTime;
using weir::backend::AdminState;
using weir::server::AdminOrder;
using weir::server::AdminOrders;

constexpr WallTime kThen(1795155933123ms);

AdminOrder order(const std::string& pool, const std::string& address, AdminState state) {
  return {pool, address, state, "alice", kThen};
}

TEST_CASE("orders are kept as long as they change something") {
  AdminOrders orders;
  orders.add(order("web", "10.0.0.1:80", AdminState::kReady));
  CHECK(orders.all().empty());
  orders.add(order("*", "10.0.0.1", AdminState::kMaint));
  orders.add(order("web", "10.0.0.1:80", AdminState::kReady));  // but for this one
  CHECK(orders.all().size() == 2);
  orders.add(order("web", "10.0.0.1:80", AdminState::kDrain));
  CHECK(orders.all().size() == 2);
  orders.add(order("*", "10.0.0.1", AdminState::kReady));
  CHECK(orders.all().front() == order("web", "10.0.0.1:80", AdminState::kDrain));
}

TEST_CASE("orders come back from a file, and what makes no sense there does not") {
  std::string file = "/tmp/weir-orders-" + std::to_string(getpid());
  auto none = weir::server::read_orders(file);
  REQUIRE(none.ok());
  CHECK(none->all().empty());
  AdminOrders orders;
  orders.add(order("web", "unix:/run/my app.sock", AdminState::kDrain));
  AdminOrder odd = order("*", "10.0.0.1", AdminState::kMaint);
  odd.by = "two\tparts\n";
  orders.add(odd);
  REQUIRE(weir::server::write_orders(file, orders).ok());
  std::ofstream(file, std::ios::app) << "nonsense\ndrain\t1\t\t10.0.0.1\tx\ndrain\t1x\tweb\ta\tx\n"
                                        "gone\t1\tweb\ta\tx\ndrain\t1\tweb\t";
  auto read = weir::server::read_orders(file);
  REQUIRE(read.ok());
  REQUIRE(read->all().size() == 2);
  CHECK(read->all()[0] == orders.all()[0]);
  CHECK(read->all()[1].by == "two?parts?");
  std::filesystem::remove(file);
  CHECK(!weir::server::write_orders("/nowhere/orders", orders).ok());
}

}  // namespace
