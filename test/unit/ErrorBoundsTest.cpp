// How far a kernel may be from the reference: what the same computation loses in the
// working precision, and whether bounds made of that pass what they should.

#include "test/unit/NonFinite.h"
#include "test/unit/Problems.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

using namespace tessera::reference;
using namespace tessera::test;

//===----------------------------------------------------------------------===//
// Working precision
//===----------------------------------------------------------------------===//

// Three keys of weight a third: the weight and the output are rounded.
TEST(WorkingPrecision, RoundsProbabilitiesAndOutput) {
  const Problem p = scores({0, 0, 0}, {1, 1, 1});
  EXPECT_EQ(attentionIn(Precision::bf16, p).out[0], roundTo(Precision::bf16, 3 * 0x1.56p-2f));
  EXPECT_EQ(attentionIn(Precision::f16, p).out[0], roundTo(Precision::f16, 3 * 0x1.554p-2f));
  EXPECT_NEAR(attentionIn(Precision::f32, p).out[0], 1, 1e-7);
}

// 257 is not a bf16 number: the stored score is 256, but the LSE knows better.
TEST(WorkingPrecision, RoundsScoresButNotTheLse) {
  const Problem p = scores({257, 256}, {1, 0});
  const Result r = attentionIn(Precision::bf16, p);
  EXPECT_EQ(r.out[0], 0.5);
  EXPECT_NEAR(r.lse[0], attention(p).lse[0], 1e-4);
}

// The function is given the f32 score for the LSE, the stored one for the output.
TEST(WorkingPrecision, ScoreFunctionOfStoredScores) {
  Problem p = scores({257, 256}, {1, 0});
  std::set<double> seen;
  p.scale = 1 / 3.0;
  p.score = [&](double score, Place) {
    seen.insert(score);
    return score * (1 + 1e-12); // lost in f32
  };
  const Result r = attentionIn(Precision::bf16, p);
  const float scale = 1 / 3.0f;
  EXPECT_EQ(seen, (std::set<double>{257 * scale, 256 * scale, 85.5}));
  EXPECT_EQ(r.out[0], 0.5);
  p.score = {};
  EXPECT_EQ(attentionIn(Precision::bf16, p).lse, r.lse);
}

// Eight-bit inputs are exact in f32; the output's precision is what counts.
TEST(WorkingPrecision, OfEightBitInputs) {
  std::mt19937 random(7);
  for (Precision input : {Precision::e4m3, Precision::e5m2})
    for (int n = 0; n < 10; ++n) {
      Problem p = randomProblem(input, random);
      p.qDescale = {0.9f}, p.kDescale = {1.1f}, p.vDescale = {0.3f};
      const Result truth = attention(p);
      const Errors inF32 = compare(attentionIn(Precision::f32, p).out, truth.out);
      const Result working = attentionIn(Precision::bf16, p);
      const Errors inBF16 = compare(working.out, truth.out);
      EXPECT_TRUE(within(inF32, {1e-5, 1e-6})) << describe(inF32);
      EXPECT_TRUE(within(inBF16, {0.1, 0.01})) << describe(inBF16);
      for (double x : working.out)
        ASSERT_EQ(roundTo(Precision::bf16, x), x); // stored after the descale
    }
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

TEST(Errors, CountsAndPlaces) {
  const std::vector<float> actual{1, 2, 3, inf32, nan32};
  const std::vector<double> expected{1, 2.5, 2.75, inf, nan32};
  const Errors errors = compare(actual, expected);
  EXPECT_EQ(errors.maxAbs, 0.5);
  EXPECT_EQ(errors.meanAbs, 0.25);
  EXPECT_EQ(errors.maxMagnitude, 2.75);
  EXPECT_EQ(errors.nonZero, 3);
  EXPECT_EQ(errors.worst, 1);
  EXPECT_EQ(errors.mismatches, 0);
  EXPECT_EQ(describe(errors), "max error 0.5, mean 0.25; worst at 1: found 2, "
                              "expected 2.5");
}

TEST(Errors, NonFiniteElementsMustAgree) {
  const double values[] = {1, nan32, inf, -inf};
  const Bound anything{inf, inf};
  for (double actual : values)
    for (double expected : values) {
      const Errors errors = compare(std::vector<double>{actual}, std::vector<double>{expected});
      const bool same = actual == expected || (std::isnan(actual) && std::isnan(expected));
      EXPECT_EQ(errors.mismatches, same ? 0 : 1) << actual << " " << expected;
      EXPECT_EQ(within(errors, anything), same);
    }
}

TEST(Errors, SizesMustAgree) {
  const std::vector<float> none, one{1};
  EXPECT_EQ(compare(none, std::vector<double>{1, 1}).mismatches, 2);
  const Errors longer = compare(one, {});
  EXPECT_EQ(longer.mismatches, 1);
  EXPECT_EQ(describe(longer), "max error 0, mean 0; 1 NaN, inf or missing elements differ, first "
                              "at 0: found 1, expected nan");
  EXPECT_EQ(compare(none, {}).mismatches, 0);
}

TEST(Errors, FloorWhereTheWorkingComputationIsExact) {
  const Problem p = scores({3}, {1});
  const Result truth = attention(p);
  const Errors working = compare(attentionIn(Precision::bf16, p).out, truth.out);
  ASSERT_EQ(working.maxAbs, 0);
  const auto passes = [&](float x) {
    return withinBound(compare(std::vector<float>{x}, truth.out), working, Precision::bf16);
  };
  EXPECT_TRUE(passes(1));
  EXPECT_TRUE(passes(1 - 0x1p-8f)); // the bf16 number below
  EXPECT_FALSE(passes(1 + 0x3p-7f));
  EXPECT_FALSE(passes(0));
}

TEST(Errors, EmptyRowsAreZero) {
  Problem p = scores({1, 1}, {1, 1}, 3);
  p.causal = true;
  EXPECT_TRUE(emptyRowsAreZero(p, std::vector<float>{0, -0.0f, 1}));
  EXPECT_FALSE(emptyRowsAreZero(p, std::vector<float>{-0.0f, 1, 1}));
  EXPECT_FALSE(emptyRowsAreZero(p, std::vector<float>{nan32, 1, 1}));
  EXPECT_FALSE(emptyRowsAreZero(p, std::vector<float>{0, 1}));
}

namespace {

/// The mistakes that a bound must find.
enum class Mistake { none, missesLastKey, shiftsMask, forgetsRescale };

/// What a kernel writes.
struct Written {
  std::vector<float> out, lse;
};

} // namespace

/// A fused kernel in f32: online softmax over tiles of keys in the log2 domain,
/// weights rounded before they are normalised.
static Written fusedKernel(const Problem &p, Precision precision, Mistake mistake) {
  constexpr int64_t blockN = 16;
  constexpr float log2e = 0x1.715476p+0f, ln2 = 0x1.62e43p-1f;
  Written w;
  w.out.resize(p.batch * p.seqlenQ * p.heads * p.headDimV);
  w.lse.resize(p.batch * p.heads * p.seqlenQ);
  const float scale = float(p.scale) * log2e, cap = float(p.softcap) * log2e;
  const int64_t end = p.seqlenKv - (mistake == Mistake::missesLastKey);
  const int64_t shift = mistake == Mistake::shiftsMask;
  for (int64_t b = 0; b < p.batch; ++b)
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t i = 0; i < p.seqlenQ; ++i) {
        const float *q = &p.q[((b * p.seqlenQ + i) * p.heads + h) * p.headDim];
        const int64_t position = i + p.seqlenKv - p.seqlenQ;
        const auto kvRow = [&](int64_t j) {
          return (b * p.seqlenKv + j) * p.kvHeads + h * p.kvHeads / p.heads;
        };
        const bool sink = !p.sinkLogits.empty();
        float m = sink ? p.sinkLogits[h] * log2e : -1e30f, l = sink ? 1 : 0;
        std::vector<float> acc(p.headDimV);
        for (int64_t first = 0; first < end; first += blockN) {
          const int64_t last = std::min(first + blockN, end);
          std::vector<float> x;
          float top = m;
          for (int64_t j = first; j < last; ++j) {
            float dot = 0;
            for (int64_t c = 0; c < p.headDim; ++c)
              dot += q[c] * p.k[kvRow(j) * p.headDim + c];
            dot *= scale;
            if (cap != 0)
              dot = cap * std::tanh(dot / cap);
            if (!p.alibiSlopes.empty())
              dot -= p.alibiSlopes[h] * log2e * float(std::abs(j - position));
            const bool keep = visible(p, i, std::max<int64_t>(j - shift, 0));
            x.push_back(keep ? dot : -inf32);
            top = std::max(top, x.back());
          }
          const float alpha = mistake == Mistake::forgetsRescale ? 1 : std::exp2(m - top);
          m = top, l *= alpha;
          for (float &a : acc)
            a *= alpha;
          for (int64_t j = first; j < last; ++j) {
            const float e = std::exp2(x[j - first] - m);
            l += e;
            for (int64_t c = 0; c < p.headDimV; ++c)
              acc[c] += roundTo(precision, e) * p.v[kvRow(j) * p.headDimV + c];
          }
        }
        for (int64_t c = 0; c < p.headDimV; ++c)
          w.out[((b * p.seqlenQ + i) * p.heads + h) * p.headDimV + c] =
              l > 0 ? roundTo(precision, acc[c] / l) : 0;
        w.lse[(b * p.heads + h) * p.seqlenQ + i] = l > 0 ? (m + std::log2(l)) * ln2 : -inf32;
      }
  return w;
}

// Hundreds of random problems: a kernel without a mistake passes each of them.
TEST(Bounds, AnHonestKernelPasses) {
  std::mt19937 random(1);
  for (Precision precision : {Precision::f32, Precision::f16, Precision::bf16})
    for (int n = 0; n < 60; ++n) {
      const Problem p = randomProblem(precision, random);
      const Result truth = attention(p), working = attentionIn(precision, p);
      const Written w = fusedKernel(p, precision, Mistake::none);
      const Errors out = compare(w.out, truth.out);
      const Errors lse = compare(w.lse, truth.lse);
      EXPECT_TRUE(withinBound(out, compare(working.out, truth.out), precision)) << describe(out);
      EXPECT_TRUE(within(lse, lseBound(compare(working.lse, truth.lse)))) << describe(lse);
      EXPECT_TRUE(emptyRowsAreZero(p, w.out));
    }
}

// A mistake that touches the result is found even in the coarsest precision, by
// the output or by the LSE. One wrong key in one of many rows can hide among
// the outputs, where larger rows set the bound; it cannot hide in the LSE.
TEST(Bounds, MistakesAreFound) {
  std::mt19937 random(2);
  int64_t made = 0, foundInOut = 0;
  for (Precision precision : {Precision::f32, Precision::f16, Precision::bf16})
    for (Mistake mistake : {Mistake::missesLastKey, Mistake::shiftsMask, Mistake::forgetsRescale})
      for (int n = 0; n < 20; ++n) {
        const Problem p = randomProblem(precision, random);
        const Written w = fusedKernel(p, precision, mistake);
        if (w.lse == fusedKernel(p, precision, Mistake::none).lse)
          continue;
        const Result truth = attention(p), working = attentionIn(precision, p);
        const Errors out = compare(w.out, truth.out);
        const Errors lse = compare(w.lse, truth.lse);
        const bool outPasses = withinBound(out, compare(working.out, truth.out), precision);
        const bool lsePasses = within(lse, lseBound(compare(working.lse, truth.lse)));
        ++made;
        foundInOut += !outPasses;
        EXPECT_FALSE(outPasses && lsePasses) << int(precision) << " " << int(mistake) << " "
                                             << p.seqlenQ << "x" << p.seqlenKv << "\n"
                                             << describe(out) << "\n"
                                             << describe(lse);
      }
  EXPECT_GT(made, 80);
  EXPECT_GT(foundInOut, made * 9 / 10);
}

TEST(Bounds, LseGrantsWhatTheCallerGrants) {
  const Errors exact = compare(std::vector<double>{4}, std::vector<double>{4});
  EXPECT_EQ(lseBound(exact).maxAbs, 0x1p-17 + 4 * 0x1p-20);
  EXPECT_EQ(lseBound(exact, 0.25).maxAbs, 0.25 + 0x1p-17 + 4 * 0x1p-20);
}
