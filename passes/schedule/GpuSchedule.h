//===- GpuSchedule.h - how a block computes its tiles ---------------------===//

#ifndef TESSERA_PASSES_SCHEDULE_GPUSCHEDULE_H
#define TESSERA_PASSES_SCHEDULE_GPUSCHEDULE_H

#include <cstdint>

namespace tessera {

/// How often a kernel holds the body of a loop over tiles of keys, some of which a mask touches.
enum class Bodies {
  peeled,  ///< for the first tile, for those that a mask touches, and for the others
  entered, ///< for those that a mask touches, where the first tile enters, and for the others
  joined,  ///< for the first tile, and for all others, which look whether a mask touches them
};

/// A handful of facts about one loop; which are best is measured.
struct GpuSchedule {
  int64_t groups = 2;             ///< warp groups that compute, 64 rows of a tile each
  int64_t blockN = 128;           ///< key rows of a tile
  int64_t stages = 2;             ///< tiles of keys, and of values, in flight
  int64_t outerStages = 1;        ///< tiles that a point loads once, in flight
  int64_t producerRegisters = 40; ///< of a thread
  int64_t consumerRegisters = 232;
  double lazyMax = 8;       ///< how far a row's maximum may lag, in powers of two
  bool longestLast = false; ///< later tiles of queries have more to do
  int64_t cacheBytes = 0;   ///< of heads that go through the cache together; 0: one by one
  bool strips = true;       ///< room for neighbours of tables beside the tiles of keys
  bool narrow = true;       ///< a group skips tiles of keys that only others see
  bool overlap = false;     ///< begin the next tile of queries before this one ends
  bool branch = false;      ///< skip unit factors by a branch, not by predicates
  bool settle = true;       ///< threads exchange maxima only where one of them grows
  bool integers = false;    ///< whether one does, they see by integers
  Bodies bodies = Bodies::peeled;
  bool lateAwaits = false; ///< the last product is awaited behind the branch that skips factors,
                           ///< not in front of what the next one multiplies

  int64_t blockM() const { return 64 * groups; }
};

} // namespace tessera

#endif // TESSERA_PASSES_SCHEDULE_GPUSCHEDULE_H
