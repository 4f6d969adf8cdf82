//===- Edges.cpp - nothing to see, nothing to compute, and what spreads ---===//

#include "test/kernels/KernelTest.h"

#include <cmath>

using namespace tessera;
using namespace tessera::test;
using reference::Problem;

static Case base(DType type) {
  Case c{.problem = {.batch = 2,
                     .seqlenQ = 130,
                     .seqlenKv = 101,
                     .heads = 4,
                     .kvHeads = 2,
                     .headDim = 40,
                     .headDimV = 24,
                     .scale = 0.2f}};
  c.setTypes(type);
  return c;
}

//===----------------------------------------------------------------------===//
// Rows that see nothing
//===----------------------------------------------------------------------===//

/// No key is visible to any row: +0, and an LSE of -inf or of the sink.
static void expectEmpty(const Case &c, const Layout &layout = {}) {
  Output output = run(c, layout);
  if (output.refused)
    return;
  for (float value : output.out)
    ASSERT_TRUE(value == 0 && !std::signbit(value)) << str(c);
  size_t at = 0;
  for (int64_t length : c.lengthsQ())
    for (int64_t h = 0; h < c.problem.heads; ++h)
      for (int64_t i = 0; i < length; ++i, ++at)
        if (c.problem.sinkLogits.empty())
          ASSERT_EQ(output.lse[at], -infinity) << str(c);
        else
          ASSERT_NEAR(output.lse[at], c.problem.sinkLogits[h], 1e-6) << str(c);
}

TEST(Empty, RowsBeforeTheFirstKey) {
  // The one key is seen by the last query only.
  for (DType type : floatTypes())
    for (bool sink : {false, true}) {
      Case c = base(type);
      c.problem.seqlenKv = 1;
      c.problem.causal = true;
      if (sink)
        c.problem.sinkLogits.resize(4);
      fill(c);
      expectCorrect(c);
    }
}

TEST(Empty, NoKeys) {
  for (DType type : floatTypes())
    for (bool sink : {false, true})
      for (bool causal : {false, true})
        for (const auto &[name, layout] : layouts()) {
          SCOPED_TRACE(name);
          Case c = base(type);
          c.problem.seqlenKv = 0;
          c.problem.causal = causal;
          if (sink)
            c.problem.sinkLogits.resize(4);
          fill(c);
          expectEmpty(c, layout);
        }
}

TEST(Empty, AMaskThatHidesAllKeys) {
  // Every query stands before the first key, or behind the last by far.
  for (bool sink : {false, true})
    for (bool before : {false, true}) {
      Case c = base(DType::bf16);
      c.problem.seqlenQ = 300;
      c.problem.seqlenKv = 20;
      c.seqlensQ = {300, 0}, c.seqlensKv = {20, 0};
      if (sink)
        c.problem.sinkLogits.resize(4);
      if (before)
        c.problem.causal = true;
      else
        c.problem.topLeft = true, c.problem.windowLeft = 10;
      Layout layout{.packedQ = true, .kv = pagedOrPacked()};
      fill(c);
      expectCorrect(c, layout);
    }
}

TEST(Empty, NoKeysNeedNoMemory) {
  Case c = base(plainType());
  c.problem.seqlenKv = 0;
  fill(c);
  Operands operands(c);
  Attention call = operands.call();
  call.k.data = call.v.data = nullptr;
  if (!ran(call))
    return;
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

TEST(Empty, ScoresOfMinusInfinity) {
  Case c = base(plainType());
  fill(c);
  c.problem.q.assign(c.problem.q.size(), 1);
  c.problem.k.assign(c.problem.k.size(), -infinity);
  expectCorrect(c);
}

//===----------------------------------------------------------------------===//
// Nothing to compute
//===----------------------------------------------------------------------===//

TEST(Empty, NoQueries) {
  for (const auto &[name, layout] : layouts()) {
    Case c = base(DType::bf16);
    c.problem.seqlenQ = 0;
    fill(c);
    EXPECT_TRUE(run(c, layout).out.empty()) << name;
  }
}

TEST(Empty, NothingNeedsNoMemory) {
  for (auto [batch, rows] : {std::pair(0, 130), {2, 0}}) {
    Case c = base(plainType());
    c.problem.batch = batch;
    c.problem.seqlenQ = rows;
    fill(c);
    Operands operands(c);
    Attention call = operands.call();
    for (Tensor *tensor : {&call.q, &call.o, &call.lse})
      tensor->data = nullptr;
    if (!batch)
      call.k.data = call.v.data = nullptr;
    EXPECT_TRUE(ran(call));
    EXPECT_TRUE(llvm::cantFail(keyOf(call)).lse);
  }
}

TEST(Empty, NoBatches) {
  for (const auto &[name, layout] : layouts()) {
    Case c = base(DType::bf16);
    c.problem.batch = 0;
    fill(c);
    EXPECT_TRUE(run(c, layout).out.empty()) << name;
  }
}

TEST(Empty, NoHeads) {
  for (const auto &[name, layout] : layouts())
    for (int64_t kvHeads : {0, 2}) {
      Case c = base(DType::bf16);
      c.problem.heads = 0;
      c.problem.kvHeads = kvHeads;
      fill(c);
      EXPECT_TRUE(run(c, layout).out.empty()) << name;
    }
}

TEST(Empty, SequencesOfEveryKind) {
  for (Form form : {Form::packed, pagedOrPacked()})
    for (bool sink : {false, true}) {
      Case c = base(DType::bf16);
      c.problem.batch = 6;
      c.problem.causal = true;
      c.seqlensQ = {0, 5, 0, 100, 1, 0};
      c.seqlensKv = {7, 0, 0, 130, 1, 90};
      if (sink)
        c.problem.sinkLogits.resize(4);
      fill(c);
      expectCorrect(c, {.packedQ = true, .kv = form});
    }
}

//===----------------------------------------------------------------------===//
// Sinks
//===----------------------------------------------------------------------===//

TEST(Sinks, AreTheSumOfARowThatSeesNothing) {
  Case c = base(plainType());
  c.problem.seqlenKv = 0;
  c.problem.sinkLogits.resize(4);
  fill(c);
  c.problem.sinkLogits = {0, -1, 2, 0.5f};
  Output output = run(c);
  for (size_t at = 0; at < output.lse.size(); ++at)
    ASSERT_FLOAT_EQ(output.lse[at], c.problem.sinkLogits[at / 130 % 4]);
}

/// As if there were no sink.
TEST(Sinks, OfMinusInfinityAddNothing) {
  Case c = base(plainType());
  c.problem.sinkLogits.resize(4);
  c.problem.causal = true; // the first rows see no key
  fill(c);
  c.problem.sinkLogits.assign(4, -infinity);
  expectCorrect(c);
}

TEST(Sinks, OfNaNSpreadToTheirHead) {
  Case c = base(plainType());
  c.problem.sinkLogits.resize(4);
  fill(c);
  c.problem.sinkLogits[2] = quietNaN;
  expectCorrect(c);
}

//===----------------------------------------------------------------------===//
// NaN and infinity spread to who sees them, and no further
//===----------------------------------------------------------------------===//

namespace {

struct Named {
  const char *name;
  Case c;
  Layout layout;
};

void PrintTo(const Named &variant, std::ostream *os) {
  *os << str(variant.c) << " " << str(variant.layout);
}

std::vector<Named> variants() {
  std::vector<Named> all;
  auto add = [&](std::string_view layoutName, const char *name, DType type, auto change) {
    for (const auto &[candidate, layout] : layouts())
      if (candidate == layoutName) {
        Case c = base(type);
        if (isFp8(type))
          c.o = DType::bf16;
        change(c.problem);
        varyLengths(c, layout);
        fill(c);
        all.push_back({name, std::move(c), layout});
      }
  };
  auto causal = [](Problem &p) { p.causal = true; };
  add("dense", "f32", DType::f32, [](Problem &) {});
  add("dense", "f16", DType::f16, [](Problem &) {});
  add("dense", "bf16", DType::bf16, [](Problem &) {});
  add("dense", "e5m2", DType::e5m2, causal);
  add("dense", "causal", DType::bf16, causal);
  add("dense", "band", plainType(), [](Problem &p) { p.windowLeft = 30, p.windowRight = 5; });
  add("dense", "sinks", DType::f16, [](Problem &p) {
    p.causal = true, p.windowLeft = 20, p.sinkTokens = 4, p.sinkLogits.resize(4);
  });
  add("dense", "biased", plainType(),
      [](Problem &p) { p.topLeft = p.causal = true, p.alibiSlopes.resize(8), p.softcap = 3; });
  add("packed", "packed", DType::bf16, causal);
  add("packed_seqused", "packed_seqused", plainType(), [](Problem &p) { p.windowLeft = 30; });
  add("pages_nhd", "pages_nhd", DType::bf16, [](Problem &) {});
  add("pages_hnd", "pages_hnd", DType::f16, causal);
  return all;
}

std::string nameOf(const testing::TestParamInfo<Named> &info) { return info.param.name; }

class Spread : public testing::TestWithParam<Named> {};

} // namespace

/// Sets one key row (sequence 0, key/value head 0) and expects that exactly the
/// rows that see it have changed.
static void expectSpread(const Named &named, std::vector<float> Problem::*tensor, int64_t key,
                         float value) {
  Case c = named.c;
  Problem &p = c.problem;
  Output clean = run(c, named.layout);
  if (clean.refused)
    return;
  int64_t width = tensor == &Problem::k ? p.headDim : p.headDimV;
  (p.*tensor)[key * p.kvHeads * width + 3] = value;
  Output output = run(c, named.layout);
  expectCorrect(c, output);

  Problem first = sequencesOf(c)[0];
  for (int64_t b = 0; b < p.batch; ++b) {
    Output one = outputOf(c, output, b), before = outputOf(c, clean, b);
    int64_t rows = c.seqlenQ(b);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t h = 0; h < p.heads; ++h) {
        if (b == 0 && h < p.heads / p.kvHeads && reference::visible(first, i, key))
          continue; // it sees the key
        auto part = [&](const Output &of) {
          auto row = of.out.begin() + (i * p.heads + h) * p.headDimV;
          return Output{{row, row + p.headDimV}, {of.lse[h * rows + i]}};
        };
        ASSERT_TRUE(sameBits(part(one), part(before)))
            << "sequence " << b << ", query " << i << ", head " << h << " sees nothing of key "
            << key << "\n  " << str(c);
      }
  }
}

TEST_P(Spread, ABadKey) {
  for (int64_t key : {0, 50, 100})
    for (float value : {quietNaN, infinity, -infinity})
      expectSpread(GetParam(), &Problem::k, key, value);
}

TEST_P(Spread, ABadValue) {
  if (isOnGpu())
    GTEST_SKIP() << "on a GPU a bad value reaches all rows of its tile";
  for (int64_t key : {0, 50, 100})
    for (float value : {quietNaN, infinity, -infinity})
      expectSpread(GetParam(), &Problem::v, key, value);
}

TEST_P(Spread, ABadQuery) {
  Case c = GetParam().c;
  Problem &p = c.problem;
  p.q[(64 * p.heads + 1) * p.headDim] = quietNaN; // sequence 0, row 64, head 1
  expectCorrect(c, GetParam().layout);
}

INSTANTIATE_TEST_SUITE_P(Variants, Spread, testing::ValuesIn(variants()), nameOf);
