#pragma once
// A story: a world drawn from chance, with everything that clients, backends, networks and
// administrators do, in proportions that let rare things meet.
#include <cstdint>
#include <memory>

#include "sim/chance.h"
#include "sim/world.h"

namespace weir::sim {

// A world that serves, with clients on their way. Call run().
std::unique_ptr<World> make_story(Chance chance);

}  // namespace weir::sim
