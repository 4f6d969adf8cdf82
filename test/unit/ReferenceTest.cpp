// The reference is the truth of all other tests, so here it is checked against
// values worked out by hand.

#include "test/unit/NonFinite.h"
#include "test/unit/Problems.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <set>

using namespace tessera::reference;
using namespace tessera::test;

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// One string per query, `x` where it sees the key.
static std::vector<std::string> pictureOf(const Problem &problem) {
  std::vector<std::string> rows;
  for (int64_t i = 0; i < problem.seqlenQ; ++i) {
    std::string row;
    for (int64_t j = 0; j < problem.seqlenKv; ++j)
      row += visible(problem, i, j) ? 'x' : '.';
    rows.push_back(row);
  }
  return rows;
}

using Picture = std::vector<std::string>;

TEST(Mask, Full) {
  Problem p{.seqlenQ = 2, .seqlenKv = 3};
  EXPECT_EQ(pictureOf(p), (Picture{"xxx", "xxx"}));
  p.topLeft = true;
  EXPECT_EQ(pictureOf(p), (Picture{"xxx", "xxx"}));
}

TEST(Mask, Causal) {
  EXPECT_EQ(pictureOf({.seqlenQ = 3, .seqlenKv = 3, .causal = true}),
            (Picture{"x..", "xx.", "xxx"}));
  EXPECT_EQ(pictureOf({.seqlenQ = 2, .seqlenKv = 5, .causal = true}), (Picture{"xxxx.", "xxxxx"}));
  EXPECT_EQ(pictureOf({.seqlenQ = 2, .seqlenKv = 5, .causal = true, .topLeft = true}),
            (Picture{"x....", "xx..."}));
}

// More queries than keys: bottom-right, the first stand before every key.
TEST(Mask, CausalMoreQueriesThanKeys) {
  EXPECT_EQ(pictureOf({.seqlenQ = 5, .seqlenKv = 2, .causal = true}),
            (Picture{"..", "..", "..", "x.", "xx"}));
  EXPECT_EQ(pictureOf({.seqlenQ = 5, .seqlenKv = 2, .causal = true, .topLeft = true}),
            (Picture{"x.", "xx", "xx", "xx", "xx"}));
}

TEST(Mask, Window) {
  Problem p{.seqlenQ = 4, .seqlenKv = 4, .windowLeft = 1, .windowRight = 1};
  EXPECT_EQ(pictureOf(p), (Picture{"xx..", "xxx.", ".xxx", "..xx"}));
  p.windowRight = -1;
  EXPECT_EQ(pictureOf(p), (Picture{"xxxx", "xxxx", ".xxx", "..xx"}));
  p.windowLeft = -1, p.windowRight = 0;
  EXPECT_EQ(pictureOf(p), (Picture{"x...", "xx..", "xxx.", "xxxx"}));
  p.windowLeft = 0, p.windowRight = 0;
  EXPECT_EQ(pictureOf(p), (Picture{"x...", ".x..", "..x.", "...x"}));
  p.windowLeft = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(pictureOf(p), (Picture{"x...", "xx..", "xxx.", "xxxx"}));
}

TEST(Mask, WindowAlignment) {
  Problem p{.seqlenQ = 2, .seqlenKv = 5, .windowLeft = 1, .windowRight = 0};
  EXPECT_EQ(pictureOf(p), (Picture{"..xx.", "...xx"}));
  p.topLeft = true;
  EXPECT_EQ(pictureOf(p), (Picture{"x....", "xx..."}));
  // Queries before the first key, and after the last one.
  p = {.seqlenQ = 5, .seqlenKv = 2, .windowLeft = 1, .windowRight = 1};
  EXPECT_EQ(pictureOf(p), (Picture{"..", "..", "x.", "xx", "xx"}));
  p.topLeft = true;
  EXPECT_EQ(pictureOf(p), (Picture{"xx", "xx", ".x", "..", ".."}));
}

TEST(Mask, CausalCutsTheRightWindow) {
  EXPECT_EQ(
      pictureOf({.seqlenQ = 4, .seqlenKv = 4, .causal = true, .windowLeft = 1, .windowRight = 2}),
      (Picture{"x...", "xx..", ".xx.", "..xx"}));
}

TEST(Mask, SinkTokens) {
  Problem p{.seqlenQ = 4, .seqlenKv = 4, .causal = true, .windowLeft = 0, .sinkTokens = 2};
  EXPECT_EQ(pictureOf(p), (Picture{"x...", "xx..", "xxx.", "xx.x"}));
  p.causal = false; // now the right side is unbounded
  EXPECT_EQ(pictureOf(p), (Picture{"xxxx", "xxxx", "xxxx", "xx.x"}));
  p.windowRight = 0; // sinks are visible on both sides of the window
  EXPECT_EQ(pictureOf(p), (Picture{"xx..", "xx..", "xxx.", "xx.x"}));
  p.sinkTokens = 9; // more than there are keys
  EXPECT_EQ(pictureOf(p), (Picture{"xxxx", "xxxx", "xxxx", "xxxx"}));
  // Without a window they change nothing: not what causal hides.
  p = {.seqlenQ = 3, .seqlenKv = 3, .causal = true, .sinkTokens = 3};
  EXPECT_EQ(pictureOf(p), (Picture{"x..", "xx.", "xxx"}));
  // Queries before the first key see no sink under causal.
  p = {.seqlenQ = 4, .seqlenKv = 2, .causal = true, .windowLeft = 0, .sinkTokens = 1};
  EXPECT_EQ(pictureOf(p), (Picture{"..", "..", "x.", "xx"}));
}

/// The same of one head, with the user's mask.
static Picture pictureOf(const Problem &problem, int64_t batch, int64_t head) {
  Picture rows(problem.seqlenQ);
  for (int64_t i = 0; i < problem.seqlenQ; ++i)
    for (int64_t j = 0; j < problem.seqlenKv; ++j)
      rows[i] += visible(problem, batch, head, i, j) ? 'x' : '.';
  return rows;
}

TEST(Mask, OfTheUser) {
  Problem p{.batch = 2, .seqlenQ = 2, .seqlenKv = 4, .heads = 2};
  EXPECT_EQ(pictureOf(p, 1, 1), (Picture{"xxxx", "xxxx"}));
  // The queries stand at 2 and 3.
  p.mask = [](Place at) { return at.col + at.batch >= at.row - at.head; };
  EXPECT_EQ(pictureOf(p, 0, 0), (Picture{"..xx", "...x"}));
  EXPECT_EQ(pictureOf(p, 0, 1), (Picture{".xxx", "..xx"}));
  EXPECT_EQ(pictureOf(p, 1, 1), (Picture{"xxxx", ".xxx"}));
  EXPECT_EQ(pictureOf(p), (Picture{"xxxx", "xxxx"})); // the built-in masks alone
  p.topLeft = true;
  EXPECT_EQ(pictureOf(p, 0, 0), (Picture{"xxxx", ".xxx"}));
}

// Neither mask shows what the other hides, sink tokens included.
TEST(Mask, OfTheUserIsAndedWithTheOthers) {
  Problem p{.seqlenQ = 4, .seqlenKv = 4, .causal = true, .windowLeft = 0, .sinkTokens = 2};
  p.mask = [](Place at) { return at.col != 1; };
  EXPECT_EQ(pictureOf(p, 0, 0), (Picture{"x...", "x...", "x.x.", "x..x"}));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

TEST(Attention, TwoKeys) {
  Problem p = scores({0, 1}, {2, 4});
  Result r = attention(p);
  const double e = std::exp(1.0);
  EXPECT_DOUBLE_EQ(r.out[0], (2 + 4 * e) / (1 + e));
  EXPECT_DOUBLE_EQ(r.lse[0], std::log(1 + e));
  p.scale = -2;
  EXPECT_DOUBLE_EQ(attention(p).lse[0], std::log(1 + 1 / (e * e)));
}

TEST(Attention, LargeScoresDoNotOverflow) {
  Result r = attention(scores({1e4f, 1e4f, -1e4f}, {1, 3, 100}));
  EXPECT_DOUBLE_EQ(r.out[0], 2);
  EXPECT_DOUBLE_EQ(r.lse[0], 1e4 + std::log(2.0));
}

TEST(Attention, EmptyRows) {
  Problem p = scores({5, 7}, {nan32, nan32}, 3);
  p.causal = true;
  p.v[1] = 1;
  Result r = attention(p);
  EXPECT_EQ(r.out[0], 0);
  EXPECT_FALSE(std::signbit(r.out[0]));
  EXPECT_EQ(r.lse[0], -inf);
  EXPECT_TRUE(std::isnan(r.out[1])); // sees the first key
  EXPECT_DOUBLE_EQ(r.lse[1], 5);
  for (Precision precision : {Precision::f32, Precision::f16, Precision::bf16})
    EXPECT_EQ(attentionIn(precision, p).lse[0], -inf);
}

TEST(Attention, NoKeysNoQueriesNoBatch) {
  Problem p{.batch = 2, .seqlenQ = 3, .seqlenKv = 0, .heads = 2, .headDimV = 4};
  p.q.resize(2 * 3 * 2);
  Result r = attention(p);
  EXPECT_EQ(r.out, std::vector<double>(2 * 3 * 2 * 4, 0.0));
  EXPECT_EQ(r.lse, std::vector<double>(2 * 2 * 3, -inf));
  EXPECT_TRUE(attention({.seqlenQ = 0, .seqlenKv = 0}).out.empty());
  EXPECT_TRUE(attention({.batch = 0}).lse.empty());
  EXPECT_TRUE(attention({.heads = 0, .kvHeads = 0}).lse.empty());
}

TEST(Attention, SinkLogit) {
  Problem p = scores({0, 0}, {2, 4});
  p.sinkLogits = {float(std::log(2.0))}; // weighs as much as both keys
  Result r = attention(p);
  EXPECT_NEAR(r.out[0], 1.5, 1e-7);
  EXPECT_NEAR(r.lse[0], std::log(4.0), 1e-7);
  p.sinkLogits = {500}; // far above every score
  EXPECT_NEAR(attention(p).out[0], 0, 1e-200);
  EXPECT_DOUBLE_EQ(attention(p).lse[0], 500);
  p.sinkLogits = {-inf32}; // no sink
  EXPECT_DOUBLE_EQ(attention(p).out[0], 3);
  EXPECT_DOUBLE_EQ(attention(p).lse[0], std::log(2.0));
}

TEST(Attention, SinkLogitOfAnEmptyRow) {
  Problem p{.seqlenKv = 0, .heads = 2};
  p.q = {1, 1};
  p.sinkLogits = {-3, 0.5f};
  Result r = attention(p);
  EXPECT_EQ(r.out, (std::vector<double>{0, 0}));
  EXPECT_EQ(r.lse, (std::vector<double>{-3, 0.5}));
}

TEST(Attention, Softcap) {
  Problem p = scores({0, 30}, {0, 1});
  p.softcap = 2;
  p.scale = 0.1;
  const double e = std::exp(2 * std::tanh(1.5));
  Result r = attention(p);
  EXPECT_NEAR(r.out[0], e / (1 + e), 1e-15);
  EXPECT_NEAR(r.lse[0], std::log(1 + e), 1e-15);
}

// Query 0 of 2 over 3 keys stands at key 1, so key 2 is as far as key 0.
TEST(Attention, Alibi) {
  Problem p = scores({0, 0, 0}, {1, 0, 0}, 2);
  p.alibiSlopes = {0.5f};
  Result r = attention(p);
  const double near = std::exp(-0.5), far = std::exp(-1.0);
  EXPECT_NEAR(r.out[0], near / (1 + 2 * near), 1e-15);
  EXPECT_NEAR(r.lse[0], std::log(1 + 2 * near), 1e-15);
  EXPECT_NEAR(r.out[1], far / (1 + near + far), 1e-15);
  p.topLeft = true; // query 0 at key 0
  EXPECT_NEAR(attention(p).lse[0], std::log(1 + near + far), 1e-15);
}

TEST(Attention, AlibiComesAfterSoftcap) {
  Problem p = scores({3, 3}, {0, 1});
  p.softcap = 1;
  p.alibiSlopes = {2};
  const double cap = std::tanh(3.0);
  EXPECT_NEAR(attention(p).lse[0], std::log(std::exp(cap) + std::exp(cap - 2)), 1e-15);
}

TEST(Attention, AlibiSlopesPerBatch) {
  Problem p{.batch = 2, .seqlenKv = 2, .heads = 2};
  p.q.assign(4, 1);
  p.k.assign(4, 0);
  p.v.assign(4, 1);
  p.alibiSlopes = {0, 1, 2, 3};
  Result r = attention(p);
  for (int n = 0; n < 4; ++n)
    EXPECT_NEAR(r.lse[n], std::log(1 + std::exp(-double(n))), 1e-15);
  p.alibiSlopes = {0, 1};
  EXPECT_EQ(attention(p).lse[2], attention(p).lse[0]);
}

// Four query heads share two key/value heads; layouts are told apart by values.
TEST(Attention, GroupedHeadsAndLayout) {
  Problem p{.batch = 2,
            .seqlenQ = 2,
            .seqlenKv = 1,
            .heads = 4,
            .kvHeads = 2,
            .headDim = 2,
            .headDimV = 3};
  for (int n = 0; n < 2 * 2 * 4 * 2; ++n)
    p.q.push_back(n);
  p.k = {1, 0, 0, 1, 1, 1, 2, 0}; // [batch][head][2]
  for (int n = 0; n < 2 * 2 * 3; ++n)
    p.v.push_back(n);
  Result r = attention(p);
  for (int b = 0; b < 2; ++b)
    for (int i = 0; i < 2; ++i)
      for (int h = 0; h < 4; ++h) {
        const int kv = b * 2 + h / 2;
        const int q = ((b * 2 + i) * 4 + h) * 2; // the value of q's first column
        EXPECT_EQ(r.lse[(b * 4 + h) * 2 + i], q * p.k[kv * 2] + (q + 1) * p.k[kv * 2 + 1]);
        for (int c = 0; c < 3; ++c)
          EXPECT_EQ(r.out[((b * 2 + i) * 4 + h) * 3 + c], kv * 3 + c);
      }
}

TEST(Attention, NanSpreadsOnlyToRowsThatSeeIt) {
  for (bool inKey : {false, true}) {
    Problem p = scores({1, 1, 1, 1}, {1, 1, 1, 1}, 4);
    p.causal = true;
    p.windowLeft = 1;
    (inKey ? p.k : p.v)[1] = nan32; // seen by queries 1 and 2
    for (const Result &r : {attention(p), attentionIn(Precision::bf16, p)})
      for (int i = 0; i < 4; ++i) {
        const bool sees = i == 1 || i == 2;
        EXPECT_EQ(std::isnan(r.out[i]), sees) << i;
        EXPECT_EQ(std::isnan(r.lse[i]), sees && inKey) << i;
      }
  }
}

TEST(Attention, Infinities) {
  // A value: the weights are positive.
  EXPECT_EQ(attention(scores({0, 0}, {1, inf32})).out[0], inf);
  // A weight of zero times infinity.
  EXPECT_TRUE(std::isnan(attention(scores({0, -inf32}, {1, inf32})).out[0]));
  // A score of -inf only loses its weight.
  EXPECT_EQ(attention(scores({0, -inf32}, {1, 5})).out[0], 1);
  EXPECT_EQ(attention(scores({0, -inf32}, {1, 5})).lse[0], 0);
  // A score of +inf.
  EXPECT_TRUE(std::isnan(attention(scores({0, inf32}, {1, 5})).out[0]));
  EXPECT_TRUE(std::isnan(attention(scores({0, inf32}, {1, 5})).lse[0]));
  // Every visible score is -inf: like a row without keys.
  EXPECT_EQ(attention(scores({-inf32, -inf32}, {1, nan32})).out[0], 0);
  EXPECT_EQ(attention(scores({-inf32, -inf32}, {1, nan32})).lse[0], -inf);
}

//===----------------------------------------------------------------------===//
// Descales
//===----------------------------------------------------------------------===//

/// `x` with the factor of each head; `x` is `[batch, seqlen, heads, width]` and
/// `factors` is `[batch, heads]`.
static std::vector<float> multiplied(std::vector<float> x, const std::vector<float> &factors,
                                     int64_t batch, int64_t heads, int64_t width) {
  const int64_t perBatch = int64_t(x.size()) / batch;
  for (int64_t n = 0; n < int64_t(x.size()); ++n)
    x[n] *= factors[n / perBatch * heads + n / width % heads];
  return x;
}

static void expectSame(const Result &actual, const Result &expected) {
  for (auto result : {&Result::out, &Result::lse}) {
    ASSERT_EQ((actual.*result).size(), (expected.*result).size());
    for (size_t n = 0; n < (actual.*result).size(); ++n) {
      if ((actual.*result)[n] != (expected.*result)[n]) { // infinities are equal
        ASSERT_NEAR((actual.*result)[n], (expected.*result)[n], 1e-12) << n;
      }
    }
  }
}

// Powers of two, so that what is multiplied beforehand is exact.
TEST(Descale, IsAFactorOfTheInputs) {
  std::mt19937 random(3);
  for (int n = 0; n < 20; ++n) {
    Problem p = randomProblem(Precision::e4m3, random);
    const auto factors = [&] {
      std::vector<float> result(p.batch * p.kvHeads);
      for (float &x : result)
        x = std::ldexp(1.0f, int(random() % 5) - 2);
      return result;
    };
    p.qDescale = factors(), p.kDescale = factors(), p.vDescale = factors();

    Problem multiples = p;
    multiples.qDescale = multiples.kDescale = multiples.vDescale = {};
    std::vector<float> ofQueryHeads; // [batch, heads]
    for (int64_t row = 0; row < p.batch * p.heads; ++row)
      ofQueryHeads.push_back(p.qDescale[row * p.kvHeads / p.heads]);
    multiples.q = multiplied(p.q, ofQueryHeads, p.batch, p.heads, p.headDim);
    multiples.k = multiplied(p.k, p.kDescale, p.batch, p.kvHeads, p.headDim);
    multiples.v = multiplied(p.v, p.vDescale, p.batch, p.kvHeads, p.headDimV);
    expectSame(attention(p), attention(multiples));
    for (Precision precision : {Precision::f32, Precision::bf16})
      expectSame(attentionIn(precision, p), attentionIn(precision, multiples));
  }
}

TEST(Descale, OneNumberServesAllHeads) {
  std::mt19937 random(4);
  for (int n = 0; n < 10; ++n) {
    Problem one = randomProblem(Precision::e4m3, random), each = one;
    one.qDescale = {0.3f}, one.kDescale = {0.7f}, one.vDescale = {-1.1f};
    each.qDescale.assign(one.batch * one.kvHeads, 0.3f);
    each.kDescale.assign(one.batch * one.kvHeads, 0.7f);
    each.vDescale.assign(one.batch * one.kvHeads, -1.1f);
    expectSame(attention(one), attention(each));
  }
}

TEST(Descale, ByHand) {
  Problem p = scores({0, 1}, {2, 4});
  p.qDescale = {4}, p.kDescale = {0.5f}, p.vDescale = {10};
  p.scale = 1.5;
  const double e = std::exp(3.0);
  EXPECT_DOUBLE_EQ(attention(p).out[0], (20 + 40 * e) / (1 + e));
  EXPECT_DOUBLE_EQ(attention(p).lse[0], std::log(1 + e));
}

// Factors of a row that sees nothing do not reach its zeros.
TEST(Descale, EmptyRowsStayZero) {
  Problem p = scores({1}, {1}, 2);
  p.causal = true;
  p.kDescale = {nan32}, p.vDescale = {-1};
  const Result r = attention(p);
  EXPECT_EQ(r.out[0], 0);
  EXPECT_FALSE(std::signbit(r.out[0]));
  EXPECT_EQ(r.lse[0], -inf);
  EXPECT_TRUE(std::isnan(r.out[1]));
}

//===----------------------------------------------------------------------===//
// The user's functions
//===----------------------------------------------------------------------===//

TEST(UserScore, EqualsAlibi) {
  std::mt19937 random(5);
  for (int n = 0; n < 20; ++n) {
    Problem alibi = randomProblem(Precision::bf16, random);
    alibi.softcap = 0; // comes between the two
    alibi.alibiSlopes.assign(alibi.batch * alibi.heads, 0);
    for (float &slope : alibi.alibiSlopes)
      slope = std::ldexp(1.0f, -int(random() % 8));
    Problem user = alibi;
    user.alibiSlopes = {};
    user.score = [&](double score, Place at) {
      return score - alibi.alibiSlopes[at.batch * alibi.heads + at.head] *
                         std::abs(double(at.row - at.col));
    };
    expectSame(attention(user), attention(alibi));
  }
}

// After the scale and the descales, before softcap and ALiBi.
TEST(UserScore, ComesBeforeSoftcap) {
  Problem p = scores({3, 5}, {0, 1});
  p.scale = 2;
  p.qDescale = {0.5f};
  p.softcap = 1;
  p.alibiSlopes = {2};
  p.score = [](double score, Place at) { return score * score - double(at.col); };
  const double first = std::tanh(9.0) - 2, second = std::tanh(24.0);
  EXPECT_NEAR(attention(p).lse[0], std::log(std::exp(first) + std::exp(second)), 1e-15);
}

TEST(UserScore, MayHideOrSpoil) {
  Problem p = scores({1, 2}, {3, 5});
  p.score = [](double score, Place at) { return at.col == 0 ? -inf : score; };
  EXPECT_EQ(attention(p).out[0], 5);
  EXPECT_EQ(attention(p).lse[0], 2);
  p.score = [](double, Place) { return -inf; };
  EXPECT_EQ(attention(p).out[0], 0);
  EXPECT_EQ(attention(p).lse[0], -inf);
  p.score = [](double, Place) { return inf; };
  EXPECT_TRUE(std::isnan(attention(p).out[0]));
}

TEST(UserMask, EqualsCausalAndWindow) {
  std::mt19937 random(6);
  for (int n = 0; n < 20; ++n) {
    Problem builtIn = randomProblem(Precision::bf16, random);
    builtIn.topLeft = n % 2;
    Problem user = builtIn;
    user.causal = false;
    user.windowLeft = user.windowRight = -1;
    user.mask = [&](Place at) {
      const int64_t left = builtIn.windowLeft, right = builtIn.windowRight;
      const bool inWindow =
          (left < 0 || at.col >= at.row - left) && (right < 0 || at.col <= at.row + right);
      return (!builtIn.causal || at.col <= at.row) && (inWindow || at.col < builtIn.sinkTokens);
    };
    expectSame(attention(user), attention(builtIn));
    expectSame(attentionIn(Precision::f16, user), attentionIn(Precision::f16, builtIn));
  }
}

TEST(UserMask, EmptyRows) {
  Problem p{.batch = 2, .seqlenKv = 2, .heads = 2};
  p.q.assign(4, 1);
  p.k.assign(8, 1), p.v.assign(8, 3);
  p.kvHeads = 2;
  p.mask = [](Place at) { return at.batch == at.head; };
  const Result r = attention(p);
  EXPECT_EQ(r.out, (std::vector<double>{3, 0, 0, 3}));
  EXPECT_EQ(r.lse[1], -inf);
  EXPECT_TRUE(emptyRowsAreZero(p, std::vector<float>{-0.0f, 0, 0, -0.0f}));
  EXPECT_FALSE(emptyRowsAreZero(p, std::vector<float>{3, -0.0f, 0, 3}));
  EXPECT_FALSE(emptyRowsAreZero(p, std::vector<float>{3, 0, nan32, 3}));
}

// Every head and batch, positions and not query numbers, visible keys only.
TEST(UserFunctions, SeeEachVisiblePlaceOnce) {
  Problem p{.batch = 2, .seqlenQ = 3, .seqlenKv = 2, .heads = 2, .causal = true};
  p.q.assign(12, 1);
  p.k.assign(4, 1), p.v.assign(4, 1);
  using Places = std::multiset<std::array<int64_t, 4>>;
  Places masked, scored, expectedMasked, expectedScored;
  p.mask = [&](Place at) {
    masked.insert({at.batch, at.head, at.row, at.col});
    return at.head == 0;
  };
  p.score = [&](double score, Place at) {
    scored.insert({at.batch, at.head, at.row, at.col});
    return score;
  };
  attention(p);
  for (int64_t b : {0, 1})
    for (auto [row, col] : {std::pair{0, 0}, {1, 0}, {1, 1}}) { // the first query is at -1
      expectedMasked.insert({b, 0, row, col});
      expectedMasked.insert({b, 1, row, col});
      expectedScored.insert({b, 0, row, col});
    }
  EXPECT_EQ(masked, expectedMasked);
  EXPECT_EQ(scored, expectedScored);
}
