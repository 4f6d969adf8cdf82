//===- GpuSchedule.cpp - schedules for GPU targets ------------------------===//

#include "runtime/GpuSchedule.h"
#include "dsl/Refusal.h"
#include "passes/nvptx/KernelFrame.h"

#include <algorithm>
#include <fmt/format.h>

using namespace llvm;

namespace tessera {

namespace {

/// What decides which tiles of keys are visited.
enum class MaskClass { full, causal, window };

/// What is best for queries and keys up to `width`, values up to `widthV`, and sequences of at
/// least `from` keys.
struct ScheduleRow {
  int64_t width, widthV;
  MaskClass mask;
  int64_t from;
  GpuSchedule schedule;
};

} // namespace

static constexpr auto full = MaskClass::full, causal = MaskClass::causal,
                      window = MaskClass::window;
static constexpr auto entered = Bodies::entered, joined = Bodies::joined;

// By the width that they were found for. What is not said is as GpuSchedule has it. What a consumer
// holds (scores, output, probabilities, and about 30 more) must fit into its registers.
static constexpr GpuSchedule overlapped64{.groups = 3,
                                          .blockN = 128,
                                          .outerStages = 2,
                                          .overlap = true,
                                          .branch = true,
                                          .integers = true};
static constexpr GpuSchedule narrow64{
    .groups = 4, .blockN = 64, .outerStages = 2, .branch = true, .integers = true};
static constexpr GpuSchedule full96{.groups = 3, .blockN = 96, .branch = true, .integers = true};
static constexpr GpuSchedule causal96{.groups = 3,
                                      .blockN = 80,
                                      .outerStages = 2,
                                      .branch = true,
                                      .integers = true,
                                      .bodies = entered};
static constexpr GpuSchedule pair128{
    .groups = 2, .blockN = 128, .outerStages = 2, .integers = true};
static constexpr GpuSchedule full128{.groups = 3, .blockN = 80, .branch = true, .integers = true};
static constexpr GpuSchedule causal128{.groups = 3,
                                       .blockN = 80,
                                       .outerStages = 2,
                                       .branch = true,
                                       .bodies = entered,
                                       .lateAwaits = true};
static constexpr GpuSchedule window128{
    .groups = 3, .blockN = 64, .outerStages = 2, .branch = true, .integers = true};
static constexpr GpuSchedule narrow192{.groups = 3, .blockN = 64, .branch = true, .integers = true};
static constexpr GpuSchedule full192{.groups = 2, .blockN = 80, .branch = true, .lateAwaits = true};
static constexpr GpuSchedule causal192{.groups = 2,
                                       .blockN = 80,
                                       .branch = true,
                                       .settle = false,
                                       .bodies = joined,
                                       .lateAwaits = true};
static constexpr GpuSchedule full256{.groups = 2, .blockN = 64, .branch = true, .lateAwaits = true};

static constexpr GpuSchedule withBodies(GpuSchedule schedule, Bodies bodies) {
  schedule.bodies = bodies;
  return schedule;
}

// Measured on an H200 (bench/results). The narrowest first; of one kind, the longest sequences.
static constexpr ScheduleRow table[] = {
    {64, 64, full, 2048, overlapped64},
    {64, 64, full, 0, narrow64},
    {64, 64, full, 0, pair128},
    {64, 64, causal, 16384, overlapped64},
    {64, 64, causal, 0, withBodies(narrow64, entered)},
    {64, 64, causal, 0, pair128},
    {64, 64, window, 0, narrow64},
    {96, 96, full, 1024, full96},
    {96, 96, full, 0, pair128},
    {96, 96, causal, 2048, causal96},
    {96, 96, causal, 0, withBodies(pair128, entered)},
    {96, 96, window, 0, window128},
    {128, 128, full, 2048, full128},
    {128, 128, full, 0, pair128},
    {128, 128, causal, 2048, causal128},
    {128, 128, causal, 0, withBodies(pair128, entered)},
    {128, 128, window, 0, window128},
    {192, 128, full, 4096, pair128},
    {192, 128, full, 0, narrow192},
    {192, 128, full, 0, pair128},
    {192, 128, causal, 0, withBodies(narrow192, entered)},
    {192, 128, causal, 0, withBodies(pair128, entered)},
    {192, 192, full, 0, full192},
    {192, 192, causal, 0, causal192},
    {256, 256, full, 0, full256},
    {256, 256, causal, 0, withBodies(full256, joined)},
};

static constexpr std::pair<int64_t, int64_t> widthsOf(const ScheduleRow &row) {
  return {row.width, row.widthV};
}
static_assert(std::is_sorted(std::begin(table), std::end(table),
                             [](const ScheduleRow &a, const ScheduleRow &b) {
                               return widthsOf(a) < widthsOf(b);
                             }));

/// Of the heads that go through the cache together where long tiles go before short ones.
/// Measured: a third of the cache of an H200.
static constexpr int64_t balancedBytes = int64_t(16) << 20;

/// Shared memory of a block (CUDA C++ Programming Guide, "Technical Specifications"), less what
/// barriers take.
static constexpr int64_t maxTileBytes = 226 * 1024;

/// Registers of a thread of the producer, and of a consumer, by how many groups compute: all that
/// a multiprocessor has.
static constexpr int64_t producerRegisters[] = {40, 40, 32, 32},
                         consumerRegisters[] = {232, 232, 160, 112};

/// Registers in which a thread of a consumer holds scores, probabilities and output.
static int64_t heldRegisters(const GpuSchedule &schedule, const Key &key) {
  return schedule.blockN / 2 + schedule.blockN / 4 + valueWidth(key) / 2;
}

static void setRegisters(GpuSchedule &schedule, const Key &key) {
  schedule.producerRegisters = producerRegisters[schedule.groups - 1];
  schedule.consumerRegisters = consumerRegisters[schedule.groups - 1];
  // A producer who reads lengths needs more, if scores, probabilities and output leave it.
  bool readsLengths = key.varlenQ || key.varlenKv || key.seqUsedKv;
  if (schedule.groups == 3 && readsLengths && heldRegisters(schedule, key) < 128) {
    schedule.producerRegisters += 24;
    schedule.consumerRegisters -= 8;
  }
  // Who gathers strips of a user's tables does, too.
  if (schedule.groups == 2 && key.variant) {
    schedule.producerRegisters += 16;
    schedule.consumerRegisters -= 8;
  }
}

/// What functions of a user may need besides what is held; of the examples, all but one do not
/// spill with so many.
static constexpr int64_t userRegisters = 36;

/// Whether a row leaves room for what is not known when it is measured: what functions of a user
/// need, and other tiles than its own. Two groups have registers to spare.
static bool hasRoom(const ScheduleRow &row, const Key &key) {
  const GpuSchedule &schedule = row.schedule;
  if (schedule.groups <= 2 || key.blockM)
    return true;
  int64_t free = consumerRegisters[schedule.groups - 1] - heldRegisters(schedule, key);
  return !key.blockN && (!key.variant || free >= userRegisters);
}

/// The rows of a key under a kind of mask: those of the least widths that hold its own.
static SmallVector<const ScheduleRow *> rowsFor(const Key &key, MaskClass mask) {
  const ScheduleRow *least = find_if(table, [&](const ScheduleRow &row) {
    return row.width >= key.headDim && row.widthV >= valueWidth(key);
  });
  SmallVector<const ScheduleRow *> rows;
  for (const ScheduleRow *row = least; row != std::end(table); ++row)
    if (row->mask == mask && widthsOf(*row) == widthsOf(*least) && hasRoom(*row, key))
      rows.push_back(row);
  return rows;
}

/// The rows of a key. Where there are none for windows, they count as other masks.
static SmallVector<const ScheduleRow *> rowsFor(const Key &key) {
  SmallVector<const ScheduleRow *> rows;
  if (key.windowLeft || key.windowRight)
    rows = rowsFor(key, window);
  return rows.empty() ? rowsFor(key, key.causal ? causal : full) : rows;
}

/// Bytes of shared memory that the tiles of a schedule take.
static int64_t sharedBytes(const GpuSchedule &schedule, const Key &key) {
  auto rowBytes = [](int64_t width) { return int64_t(alignTo(width * 2, 128)); };
  int64_t keys = rowBytes(key.headDim);
  int64_t values = rowBytes(valueWidth(key));
  return schedule.outerStages * schedule.blockM() * keys +
         schedule.stages * schedule.blockN * (keys + values);
}

/// Bytes that neighbours of a table take beside the tiles of keys, at most: one for each diagonal
/// of a tile.
static int64_t stripsBytes(const GpuSchedule &schedule) {
  return schedule.stages * stripBytes(schedule.blockM() + schedule.blockN - 1);
}

void chooseShape(Key &key, int64_t seqlenKv) {
  if (key.blockM)
    return;
  SmallVector<const ScheduleRow *> rows = rowsFor(key);
  for (const ScheduleRow *row : reverse(rows))
    if (seqlenKv >= row->from)
      key.blockM = row->schedule.blockM();
}

Expected<GpuSchedule> gpuSchedule(const Key &key) {
  SmallVector<const ScheduleRow *> rows = rowsFor(key);
  if (rows.empty())
    return refuse(ErrorCode::unsupportedHeadDim, "key: d",
                  fmt::format("{}", std::max(key.headDim, key.headDimV)),
                  "at most 256 on this target", "256");
  auto row =
      find_if(rows, [&](const ScheduleRow *row) { return row->schedule.blockM() == key.blockM; });
  GpuSchedule schedule = (row == rows.end() ? rows.front() : *row)->schedule;
  // Under a window all tiles have about the same to do.
  schedule.longestLast = key.causal && !key.windowLeft;
  if (key.causal)
    schedule.cacheBytes = balancedBytes;
  if (key.blockM)
    schedule.groups = key.blockM / 64;
  if (key.blockN)
    schedule.blockN = key.blockN;
  if (key.stages)
    schedule.stages = key.stages;
  setRegisters(schedule, key);
  // Two points at a time leave no registers for more: two bounds of a mask, functions of a user,
  // results as wide as the sums.
  bool isPlain = !key.windowLeft && !key.windowRight && !key.variant && key.o != DType::f32;
  schedule.overlap &= isPlain;
  // A function in front of each exponential makes bodies larger. Where they are large as it is, one
  // has to do, or assembling takes a second; elsewhere the first tile does better in front.
  if (schedule.bodies == Bodies::entered && key.softcap)
    schedule.bodies = schedule.blockN >= 128 ? Bodies::joined : Bodies::peeled;
  // Behind arithmetic on the scores the last product is over by the time they are packed.
  if (schedule.groups > 2 && (key.alibi || key.softcap || key.variant))
    schedule.lateAwaits = false;
  // What overlaps begins with the same tile for all groups.
  schedule.narrow = !schedule.overlap;
  if (sharedBytes(schedule, key) > maxTileBytes)
    schedule.outerStages = 1;
  schedule.strips = sharedBytes(schedule, key) + stripsBytes(schedule) <= maxTileBytes;
  if (int64_t bytes = sharedBytes(schedule, key); bytes > maxTileBytes)
    return refuse(ErrorCode::invalidValue, "key: memory for block_m, block_n and stages",
                  fmt::format("{} bytes", bytes),
                  fmt::format("at most {}, what a block of this target has", maxTileBytes));
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
      .headDimV = valueWidth(key),
      .blockM = schedule.blockM(),
      .blockN = schedule.blockN,
      .lazyMax = schedule.lazyMax,
  };
}

} // namespace tessera
