// The input are the choices of a story of the simulation: what clients, backends, networks and
// administrators do, and when. All invariants of tests/sim are checked after every step.
#include "sim/story.h"
#include "target.h"

namespace weir::fuzz {

void run(std::string_view input) {
  std::unique_ptr<sim::World> world = sim::make_story(sim::Chance(input));
  std::string complaint = world->run();
  if (!complaint.empty()) world->trace.print_tail(80);
  HOLDS(complaint.empty(), complaint);
}

}  // namespace weir::fuzz
