//===- Exact.cpp - what must hold to the last bit -------------------------===//

#include "test/kernels/KernelTest.h"

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
  c.q = c.kv = c.o = type;
  fill(c);
  return c;
}

static Case plain() {
  Case c = everything(DType::f32);
  Problem &p = c.problem;
  p.causal = false;
  p.windowLeft = -1;
  p.sinkTokens = 0;
  p.alibiSlopes.clear();
  return c;
}

//===----------------------------------------------------------------------===//
// Who sees what
//===----------------------------------------------------------------------===//

/// With q = 0 every visible key weighs the same; with v the identity, o says
/// which those are, and the LSE how many.
static void expectVisibleSet(Problem p) {
  p.headDim = 8;
  p.headDimV = 152; // room for each key's own column
  p.q.assign(p.batch * p.seqlenQ * p.heads * p.headDim, 0);
  p.k.assign(p.batch * p.seqlenKv * p.kvHeads * p.headDim, 1);
  p.v.assign(p.batch * p.seqlenKv * p.kvHeads * p.headDimV, 0);
  ASSERT_LE(p.seqlenKv, p.headDimV);
  for (int64_t j = 0; j < p.seqlenKv; ++j)
    p.v[j * p.headDimV + j] = 1;
  Case c{.problem = p};
  Output output = run(c);

  for (int64_t i = 0; i < p.seqlenQ; ++i) {
    int64_t seen = 0;
    for (int64_t j = 0; j < p.seqlenKv; ++j) {
      bool visible = reference::visible(p, i, j);
      seen += visible;
      ASSERT_EQ(output.out[i * p.headDimV + j] != 0, visible)
          << "query " << i << ", key " << j << "\n  " << str(c);
    }
    double expected = seen ? std::log(static_cast<double>(seen)) : -infinity;
    if (seen)
      ASSERT_NEAR(output.lse[i], expected, 2e-6) << "query " << i << "\n  " << str(c);
    else
      ASSERT_EQ(output.lse[i], expected) << "query " << i << "\n  " << str(c);
  }
}

/// A mask under test: which sides of a window it has is part of the key.
struct Mask {
  const char *name;
  bool causal, left, right, sinks;
};

class VisibleSet : public testing::TestWithParam<std::tuple<Mask, bool>> {};

TEST_P(VisibleSet, IsThatOfTheReference) {
  auto [mask, topLeft] = GetParam();
  for (auto [seqlenQ, seqlenKv] :
       {std::pair{150, 150}, {63, 150}, {150, 63}, {1, 150}, {150, 1}, {129, 128}, {97, 65}})
    for (int64_t size : {0, 1, 31, 64, 149, 1000}) {
      Problem p{
          .seqlenQ = seqlenQ, .seqlenKv = seqlenKv, .causal = mask.causal, .topLeft = topLeft};
      if (mask.left)
        p.windowLeft = size;
      if (mask.right) // another size than on the left
        p.windowRight = size / 2;
      if (mask.sinks)
        p.sinkTokens = size % 7 + 1;
      expectVisibleSet(p);
      if (!mask.left && !mask.right)
        break;
    }
}

static std::string nameOf(const testing::TestParamInfo<std::tuple<Mask, bool>> &info) {
  auto [mask, topLeft] = info.param;
  return std::string(mask.name) + (topLeft ? "_top_left" : "");
}

const Mask masks[] = {
    {"none", false, false, false, false},
    {"causal", true, false, false, false},
    {"left", false, true, false, false},
    {"right", false, false, true, false},
    {"band", false, true, true, false},
    {"causal_left", true, true, false, false},
    {"causal_right", true, false, true, false},
    {"left_sinks", false, true, false, true},
    {"band_sinks", false, true, true, true},
    {"causal_left_sinks", true, true, false, true},
    {"causal_band_sinks", true, true, true, true},
};

INSTANTIATE_TEST_SUITE_P(Masks, VisibleSet,
                         testing::Combine(testing::ValuesIn(masks), testing::Bool()), nameOf);

TEST(Exact, ConstantValuesGiveThatConstant) {
  Case c = everything(DType::f16);
  c.problem.v.assign(c.problem.v.size(), -2.5f);
  Output output = run(c);
  for (float value : output.out)
    ASSERT_EQ(value, -2.5f);
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
  llvm::cantFail(run(call));
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
  Case shared = everything(), repeated = shared;
  Problem &p = repeated.problem;
  p.k = repeatHeads(p.k, p.headDim, 2);
  p.v = repeatHeads(p.v, p.headDimV, 2);
  p.kvHeads = 4;
  EXPECT_TRUE(sameBits(run(shared), run(repeated)));
}

TEST(Exact, EachBatchIsAsIfAlone) {
  Case both = everything();
  Output expected = run(both);
  for (int64_t b = 0; b < 2; ++b) {
    auto half = [&](std::vector<float> values) {
      auto middle = values.begin() + values.size() / 2;
      return b ? std::vector<float>(middle, values.end())
               : std::vector<float>(values.begin(), middle);
    };
    Case one = both;
    Problem &p = one.problem;
    p.batch = 1;
    p.q = half(p.q), p.k = half(p.k), p.v = half(p.v);
    EXPECT_TRUE(sameBits(run(one), {half(expected.out), half(expected.lse)})) << b;
  }
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

TEST(Exact, HeadsMayStandBeforeRows) {
  Case c = everything();
  EXPECT_TRUE(sameBits(run(c, {.order = {0, 2, 1, 3}}), run(c)));
}

TEST(Exact, BatchesMayStandLast) {
  Case c = everything(DType::f32);
  EXPECT_TRUE(sameBits(run(c, {.order = {1, 2, 0, 3}}), run(c)));
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
  llvm::cantFail(run(call));
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
  llvm::cantFail(run(call));
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
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
    tensor->data = static_cast<float *>(tensor->data) + last;
    tensor->strides[0] *= -1;
    tensor->strides[1] *= -1;
  }
  llvm::cantFail(run(call));
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
