#pragma once
// Which backends an administrator has taken out of service, as orders in the sequence in which they
// were given, so that they can be given again after a restart ([server] state_dir). Pure but for
// reading and writing the file. Any thread, one at a time.
#include <string>
#include <string_view>
#include <vector>

#include "weir/backend/backend_states.h"
#include "weir/base/result.h"
#include "weir/base/time.h"

namespace weir::server {

struct AdminOrder {
  std::string pool;     // a name, or "*"
  std::string address;  // as BackendStates::set_admin() has it
  backend::AdminState state = backend::AdminState::kReady;
  std::string by;
  WallTime since{};
  bool operator==(const AdminOrder&) const = default;
};

class AdminOrders {
 public:
  // The last one for its pool and address; one that changes nothing any more is forgotten.
  void add(AdminOrder order);
  const std::vector<AdminOrder>& all() const { return orders_; }
  // A line each: "drain 1795155933123000 web 10.0.0.6:9004 alice", with tabs between; the number is
  // since when, in microseconds since 1970.
  std::string text() const;
  // What of it makes sense.
  static AdminOrders parse(std::string_view text);

 private:
  std::vector<AdminOrder> orders_;
};

// Takes the place of what was there in one step.
Status<> write_orders(const std::string& file, const AdminOrders& orders);
// None where there is no such file.
Result<AdminOrders> read_orders(const std::string& file);

}  // namespace weir::server
