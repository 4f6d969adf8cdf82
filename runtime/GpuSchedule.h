//===- GpuSchedule.h - schedules for GPU targets --------------------------===//

#ifndef TESSERA_RUNTIME_GPUSCHEDULE_H
#define TESSERA_RUNTIME_GPUSCHEDULE_H

#include "kernels/Shape.h"
#include "passes/schedule/GpuSchedule.h"

namespace tessera {

/// The measured best schedule of a key, with what the key sets itself. Refuses what the target
/// cannot do yet.
llvm::Expected<GpuSchedule> gpuSchedule(const Key &key);

/// Sets the rows of a tile that suit the length of a call's sequences, where the key leaves them
/// open: the class of its shape is part of the key.
void chooseShape(Key &key, int64_t seqlenKv);

/// What a key's program is traced for.
Shape gpuShape(const Key &key, const GpuSchedule &schedule);

} // namespace tessera

#endif // TESSERA_RUNTIME_GPUSCHEDULE_H
