//===- GpuSchedule.cpp - schedules for GPU targets ------------------------===//

#include "runtime/GpuSchedule.h"
#include "dsl/Refusal.h"

#include <fmt/format.h>

using namespace llvm;

namespace tessera {

namespace {

/// Rows of the table: the widest query and value they are for.
struct ScheduleRow {
  int64_t width;
  bool causal;
  GpuSchedule schedule;
};

} // namespace

// Registers: 512 of 128 threads each in all. What a consumer holds (scores, output,
// probabilities, and about 30 more) must fit.
static constexpr ScheduleRow table[] = {
    {64, false, {.groups = 3, .blockN = 128, .stages = 2, .lazyMax = 8, .branch = true}},
    {64, true, {.groups = 3, .blockN = 128, .stages = 2, .lazyMax = 8, .branch = true}},
    {128, false, {.groups = 2, .blockN = 128, .stages = 2, .lazyMax = 8, .branch = false}},
    {128, true, {.groups = 2, .blockN = 128, .stages = 2, .lazyMax = 8, .branch = false}},
    {192, false, {.groups = 2, .blockN = 96, .stages = 2, .lazyMax = 8, .branch = true}},
    {192, true, {.groups = 2, .blockN = 96, .stages = 2, .lazyMax = 8, .branch = true}},
    {256, false, {.groups = 2, .blockN = 80, .stages = 2, .lazyMax = 8, .branch = true}},
    {256, true, {.groups = 2, .blockN = 80, .stages = 2, .lazyMax = 8, .branch = true}},
};

/// Registers of the warp groups, by how many of them compute.
static void setRegisters(GpuSchedule &schedule) {
  static constexpr int64_t producer[] = {40, 40, 32}, consumer[] = {232, 232, 160};
  schedule.producerRegisters = producer[schedule.groups - 1];
  schedule.consumerRegisters = consumer[schedule.groups - 1];
}

Expected<GpuSchedule> gpuSchedule(const Key &key) {
  int64_t width = std::max(key.headDim, key.headDimV);
  const ScheduleRow *row = nullptr;
  for (const ScheduleRow &candidate : table)
    if (!row && width <= candidate.width && candidate.causal == key.causal)
      row = &candidate;
  if (!row)
    return refuse(ErrorCode::unsupportedHeadDim, "key: d", fmt::format("{}", width),
                  "at most 256 on this target", "256");
  GpuSchedule schedule = row->schedule;
  schedule.longestLast = key.causal;
  if (key.blockM)
    schedule.groups = key.blockM / 64;
  setRegisters(schedule);
  if (key.blockN)
    schedule.blockN = key.blockN;
  if (key.stages)
    schedule.stages = key.stages;
  return schedule;
}

Shape gpuShape(const Key &key, const GpuSchedule &schedule) {
  return {
      .q = key.q,
      .k = key.kv,
      .v = key.v,
      .o = key.o,
      // Operands of one product have one type.
      .p = key.v,
      .headDim = key.headDim,
      .headDimV = key.headDimV ? key.headDimV : key.headDim,
      .blockM = schedule.blockM(),
      .blockN = schedule.blockN,
      .lazyMax = schedule.lazyMax,
  };
}

} // namespace tessera
