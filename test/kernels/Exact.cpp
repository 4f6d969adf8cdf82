//===- Exact.cpp - what must hold to the last bit -------------------------===//

#include "test/kernels/KernelTest.h"

#include <algorithm>
#include <cmath>
#include <thread>

using namespace tessera;
using namespace tessera::test;
using reference::Problem;

/// Lengths that leave ragged tiles and rows that see nothing, and every feature
/// that changes a path through the kernel.
static Case everything(DType type = DType::bf16) {
  Case c{.problem = {.batch = 2,
                     .seqlenQ = 127,
                     .seqlenKv = 150,
                     .heads = 4,
                     .kvHeads = 2,
                     .headDim = 40,
                     .headDimV = 40,
                     .scale = 0.2f,
                     .causal = true,
                     .windowLeft = 70,
                     .sinkTokens = 3}};
  c.problem.alibiSlopes.resize(4);
  c.setTypes(type);
  fill(c);
  return c;
}

static Case plain() {
  Case c = everything(plainType());
  Problem &p = c.problem;
  p.causal = false;
  p.windowLeft = -1;
  p.sinkTokens = 0;
  p.alibiSlopes.clear();
  return c;
}

TEST(Exact, ConstantValuesGiveThatConstant) {
  for (const auto &[name, layout] : layouts()) {
    Case c = everything(DType::f16);
    if (!isOnGpu())
      c.v = DType::e4m3;
    c.problem.v.assign(c.problem.v.size(), -2.5f);
    Output output = run(c, layout);
    for (float value : output.out)
      ASSERT_EQ(value, -2.5f) << name;
  }
}

TEST(Exact, AWindowAsWideAsTheKeysIsNone) {
  Case none = plain();
  Output expected = run(none);
  for (int64_t size : {int64_t(150), int64_t(1) << 40, std::numeric_limits<int64_t>::max()}) {
    Case wide = none;
    wide.problem.windowLeft = wide.problem.windowRight = size;
    Output output = run(wide);
    EXPECT_TRUE(sameBits(output, expected)) << size;
  }
}

TEST(Exact, TheScaleIsOneByTheRootOfTheWidth) {
  Case c = plain();
  c.problem.scale = 1.0f / std::sqrt(40.0f);
  Operands operands(c);
  Attention call = operands.call();
  call.scale.reset();
  if (!ran(call))
    return;
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

//===----------------------------------------------------------------------===//
// Heads and batches
//===----------------------------------------------------------------------===//

/// `[batch, rows, heads, width]` with every head `times` times.
static std::vector<float> repeatHeads(std::span<const float> values, int64_t width, int64_t times) {
  std::vector<float> repeated;
  for (size_t at = 0; at < values.size(); at += width)
    for (int64_t n = 0; n < times; ++n)
      repeated.insert(repeated.end(), values.begin() + at, values.begin() + at + width);
  return repeated;
}

TEST(Exact, SharedKeysAreRepeatedKeys) {
  for (int64_t ratio : {2, 3, 7, 12}) {
    Case shared = everything();
    shared.problem.heads = 2 * ratio;
    shared.problem.alibiSlopes.resize(2 * ratio);
    fill(shared);
    Case repeated = shared;
    Problem &p = repeated.problem;
    p.k = repeatHeads(p.k, p.headDim, ratio);
    p.v = repeatHeads(p.v, p.headDimV, ratio);
    p.kvHeads *= ratio;
    EXPECT_TRUE(sameBits(run(shared), run(repeated))) << ratio;
  }
}

/// Sequence b of a case as a case of its own, dense.
static Case alone(const Case &c, int64_t b) {
  Case one = c;
  one.problem = sequencesOf(c)[b];
  one.seqlensQ.clear();
  one.seqlensKv.clear();
  return one;
}

static std::string nameOf(const testing::TestParamInfo<NamedLayout> &info) {
  return info.param.name;
}

class Sequences : public testing::TestWithParam<NamedLayout> {};

TEST_P(Sequences, AreAsIfAlone) {
  Case all = everything();
  all.problem.batch = 4;
  varyLengths(all, GetParam().layout);
  fill(all);
  Output expected = run(all, GetParam().layout);
  for (int64_t b = 0; b < 4; ++b)
    EXPECT_TRUE(sameBits(run(alone(all, b)), outputOf(all, expected, b))) << b;
}

INSTANTIATE_TEST_SUITE_P(Layouts, Sequences, testing::ValuesIn(layouts().begin(), layouts().end()),
                         nameOf);

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

TEST(Exact, HeadsMayStandBeforeRows) {
  Case c = everything();
  EXPECT_TRUE(sameBits(run(c, Layout::everywhere({.order = {0, 2, 1, 3}})), run(c)));
}

TEST(Exact, BatchesMayStandLast) {
  Case c = everything(plainType());
  EXPECT_TRUE(sameBits(run(c, Layout::everywhere({.order = {1, 2, 0, 3}})), run(c)));
}

TEST(Exact, QueriesKeysAndValuesMayBePacked) {
  Case c = everything();
  c.problem.seqlenQ = c.problem.seqlenKv;
  fill(c);
  Operands operands(c);
  Attention call = operands.call();

  // [batch, seqlen, heads of q, then of k, then of v, width]
  Buffer packed(DType::bf16, {2, 150, 8, 40});
  std::vector<float> values;
  for (int64_t row = 0; row < 2 * 150; ++row)
    for (auto [source, heads] : {std::pair{&c.problem.q, 4}, {&c.problem.k, 2}, {&c.problem.v, 2}})
      values.insert(values.end(), source->begin() + row * heads * 40,
                    source->begin() + (row + 1) * heads * 40);
  packed.put(values);
  int64_t head = 0;
  for (Tensor *tensor : {&call.q, &call.k, &call.v}) {
    int64_t heads = tensor->heads();
    *tensor = packed.tensor();
    tensor->data = static_cast<uint16_t *>(tensor->data) + head * 40;
    tensor->shape[2] = heads;
    head += heads;
  }
  if (!ran(call))
    return;
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

TEST(Exact, KeysMayBeSharedByAllBatches) {
  Case c = everything();
  Problem &p = c.problem;
  for (std::vector<float> *values : {&p.k, &p.v})
    std::copy(values->begin(), values->begin() + values->size() / 2,
              values->begin() + values->size() / 2);
  Operands operands(c);
  Attention call = operands.call();
  call.k.strides[0] = call.v.strides[0] = 0;
  if (!ran(call))
    return;
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

TEST(Exact, ValuesMayBeColumnsOfKeys) {
  Case c = everything();
  Problem &p = c.problem;
  p.headDimV = 24;
  fill(c);
  for (size_t row = 0; row < p.k.size() / p.headDim; ++row)
    std::copy_n(&p.k[row * p.headDim + 8], 24, &p.v[row * 24]);
  for (Form form : {Form::dense, isOnGpu() ? Form::dense : Form::paged}) {
    Operands operands(c, {.kv = form});
    Attention call = operands.call();
    call.v = call.k;
    call.v.data = static_cast<uint16_t *>(call.k.data) + 8;
    call.v.shape[3] = 24;
    if (!ran(call))
      return;
    EXPECT_TRUE(sameBits(operands.output(), run(c)));
  }
}

/// A stride of 0 gives all sequences, or all heads, the same numbers.
TEST(Exact, TablesMayRepeat) {
  Case c = everything();
  Problem &p = c.problem;
  p.alibiSlopes.resize(8);
  p.sinkLogits.resize(4);
  if (!isOnGpu()) {
    c.k = DType::e4m3;
    p.kDescale.resize(4);
  }
  fill(c);
  p.sinkLogits.assign(4, p.sinkLogits[0]);
  std::fill(p.kDescale.begin(), p.kDescale.end(), p.kDescale.empty() ? 1 : p.kDescale[0]);
  std::copy_n(p.alibiSlopes.begin(), 4, p.alibiSlopes.begin() + 4);
  std::copy_n(p.k.begin(), p.k.size() / 2, p.k.begin() + p.k.size() / 2);
  std::copy_n(p.v.begin(), p.v.size() / 2, p.v.begin() + p.v.size() / 2);
  Operands operands(c, {.kv = isOnGpu() ? Form::dense : Form::paged});
  Attention call = operands.call();
  call.alibiSlopes.strides[0] = 0;
  call.sinkLogits.strides[0] = 0;
  call.kDescale.strides = {};
  call.seqUsedKv.strides[0] = 0;
  call.pageTable.strides[0] = 0;
  if (!ran(call))
    return;
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

TEST(Exact, PagesAreAsIfContiguous) {
  for (DType type : {DType::f32, DType::bf16, DType::e4m3}) {
    Case c = everything();
    c.k = c.v = type;
    fill(c);
    Output expected = run(c);
    for (int64_t pageSize : {1, 3, 16, 64, 150, 256})
      EXPECT_TRUE(sameBits(run(c, {.kv = Form::paged, .pageSize = pageSize}), expected))
          << str(type).str() << ", pages of " << pageSize;
  }
}

TEST(Exact, OrderOfPagesDoesNotMatter) {
  Case c = everything();
  Output expected = run(c, {.kv = Form::paged});
  for (uint32_t seed : {2, 3, 4})
    EXPECT_TRUE(sameBits(run(c, {.kv = Form::paged, .pageSeed = seed}), expected)) << seed;
}

TEST(Exact, HeadsOfPagesMayStandBeforeRows) {
  Case c = everything();
  Output expected = run(c, {.kv = Form::paged});
  Arrangement headsFirst{.order = {0, 2, 1, 3}};
  for (const Arrangement &arrangement : {headsFirst, Arrangement{}}) {
    Layout layout{.k = arrangement, .v = arrangement, .kv = Form::paged};
    layout.pageLayout = PageLayout::hnd;
    EXPECT_TRUE(sameBits(run(c, layout), expected)) << str(layout);
  }
}

TEST(Exact, SequencesMayShareTheirFirstPages) {
  Case c = everything();
  Problem &p = c.problem;
  for (auto [values, width] : {std::pair{&p.k, 2 * p.headDim}, {&p.v, 2 * p.headDimV}})
    std::copy_n(values->begin(), 100 * width, values->begin() + p.seqlenKv * width);
  EXPECT_TRUE(sameBits(run(c, {.kv = Form::paged, .sharedRows = 100}), run(c)));
}

TEST(Exact, StridesMayBeNegative) {
  Case c = plain(), reversed = c;
  Problem &p = reversed.problem;
  for (auto [values, width] : {std::pair{&p.k, 2 * p.headDim}, {&p.v, 2 * p.headDimV}}) {
    std::vector<float> rows;
    for (int64_t row = 2 * p.seqlenKv - 1; row >= 0; --row)
      rows.insert(rows.end(), values->begin() + row * width, values->begin() + (row + 1) * width);
    *values = rows;
  }
  Operands operands(reversed);
  Attention call = operands.call();
  for (Tensor *tensor : {&call.k, &call.v}) {
    int64_t last = tensor->strides[0] + (p.seqlenKv - 1) * tensor->strides[1];
    tensor->data = static_cast<std::byte *>(tensor->data) + last * sizeOf(tensor->type);
    tensor->strides[0] *= -1;
    tensor->strides[1] *= -1;
  }
  if (!ran(call))
    return;
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

//===----------------------------------------------------------------------===//
// Runs
//===----------------------------------------------------------------------===//

TEST(Exact, RunsAreTheSame) {
  Case c = everything();
  Output first = run(c);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(sameBits(run(c), first));
}

TEST(Exact, BoundsOfLengthsChangeNothing) {
  Layout layout{.packedQ = true, .kv = Form::packed};
  Case c = everything();
  varyLengths(c, layout);
  fill(c);
  Output expected = run(c, layout);
  for (int64_t slack : {0, 1, 200}) {
    layout.slackQ = layout.slackKv = slack;
    EXPECT_TRUE(sameBits(run(c, layout), expected)) << slack;
  }
}

TEST(Exact, ThreadsChangeNothing) {
  Case c = everything();
  Output alone = run(c, {}, 1);
  for (unsigned threads : {2, 3})
    EXPECT_TRUE(sameBits(run(c, {}, threads), alone)) << threads;
}

TEST(Exact, CallersMayRunAtOnce) {
  Case c = everything();
  Output alone = run(c), together[4];
  std::vector<std::thread> callers;
  for (Output &output : together)
    callers.emplace_back([&] { output = run(c); });
  for (std::thread &caller : callers)
    caller.join();
  for (const Output &output : together)
    EXPECT_TRUE(sameBits(output, alone));
}
