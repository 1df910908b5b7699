#include "weir/backend/balancer.h"

#include "balancers/balancers.h"
#include "weir/base/check.h"

namespace weir::backend {

std::unique_ptr<Balancer> make_balancer(config::Balance which) {
  switch (which) {
#define BALANCER(key, name, type) \
  case config::Balance::name:     \
    return std::make_unique<type>();
#include "weir/backend/balancers.def"
#undef BALANCER
  }
  WEIR_CHECK(false);
}

std::string_view name_of(config::Balance which) {
  switch (which) {
#define BALANCER(key, name, type) \
  case config::Balance::name:     \
    return key;
#include "weir/backend/balancers.def"
#undef BALANCER
  }
  WEIR_CHECK(false);
}

}  // namespace weir::backend
