//===- GpuSchedule.h - schedules for GPU targets --------------------------===//

#ifndef TESSERA_RUNTIME_GPUSCHEDULE_H
#define TESSERA_RUNTIME_GPUSCHEDULE_H

#include "kernels/Shape.h"
#include "passes/schedule/GpuSchedule.h"

namespace tessera {

/// The measured best schedule of a key, with what the key sets itself. Refuses what the target
/// cannot do yet.
llvm::Expected<GpuSchedule> gpuSchedule(const Key &key);

/// What a key's program is traced for.
Shape gpuShape(const Key &key, const GpuSchedule &schedule);

} // namespace tessera

#endif // TESSERA_RUNTIME_GPUSCHEDULE_H
