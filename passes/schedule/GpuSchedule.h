//===- GpuSchedule.h - how a block computes its tiles ---------------------===//

#ifndef TESSERA_PASSES_SCHEDULE_GPUSCHEDULE_H
#define TESSERA_PASSES_SCHEDULE_GPUSCHEDULE_H

#include <cstdint>

namespace tessera {

/// A handful of facts about one loop; which are best is measured.
struct GpuSchedule {
  int64_t groups;            ///< warp groups that compute, 64 rows of a tile each
  int64_t blockN;            ///< key rows of a tile
  int64_t stages;            ///< tiles of keys, and of values, in flight
  int64_t producerRegisters; ///< of a thread
  int64_t consumerRegisters;
  double lazyMax;   ///< how far a row's maximum may lag, in powers of two
  bool longestLast; ///< later tiles of queries have more to do

  int64_t blockM() const { return 64 * groups; }
};

} // namespace tessera

#endif // TESSERA_PASSES_SCHEDULE_GPUSCHEDULE_H
