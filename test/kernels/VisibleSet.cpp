//===- VisibleSet.cpp - which keys a query sees, exactly ------------------===//

#include "test/kernels/KernelTest.h"
#include "test/kernels/UserExamples.h"

#include <cmath>
#include <fmt/format.h>

using namespace tessera;
using namespace tessera::test;
using reference::Problem;

/// With q = 0 every visible key weighs the same; with v the identity, o says
/// which those are, and the LSE how many.
static void expectVisibleSet(Case c, const Layout &layout = {}) {
  Problem &all = c.problem;
  all.headDim = 8;
  all.headDimV = 152; // room for each key's own column
  fill(c);
  all.q.assign(all.q.size(), 0);
  all.k.assign(all.k.size(), 1);
  all.v.assign(all.v.size(), 0);
  int64_t at = 0;
  for (int64_t length : c.lengthsKv()) {
    ASSERT_LE(length, all.headDimV);
    for (int64_t j = 0; j < length; ++j)
      for (int64_t h = 0; h < all.kvHeads; ++h, at += all.headDimV)
        all.v[at + j] = 1;
  }
  Output output = run(c, layout);
  if (output.refused)
    return;
  // A GPU's logarithm is good for 22 bits of its result.
  const double tolerance = isOnGpu() ? 4e-6 : 2e-6;
  std::vector<Problem> sequences = sequencesOf(c);

  for (size_t b = 0; b < sequences.size(); ++b) {
    const Problem &p = sequences[b];
    Output one = outputOf(c, output, b);
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t i = 0; i < p.seqlenQ; ++i) {
        auto where = [&] {
          return fmt::format("sequence {}, head {}, query {}\n  {}\n  {}", b, h, i, str(c),
                             str(layout));
        };
        int64_t seen = 0;
        for (int64_t j = 0; j < p.seqlenKv; ++j) {
          bool visible = reference::visible(p, 0, h, i, j);
          seen += visible;
          ASSERT_EQ(one.out[(i * p.heads + h) * p.headDimV + j] != 0, visible)
              << "key " << j << " of " << where();
        }
        float lse = one.lse[h * p.seqlenQ + i];
        if (seen)
          ASSERT_NEAR(lse, std::log(static_cast<double>(seen)), tolerance) << where();
        else
          ASSERT_EQ(lse, -infinity) << where();
      }
  }
}

/// A mask of the key: which sides of a window it has is part of the key.
struct BuiltIn {
  const char *name;
  bool causal, left, right, sinks;
};

class VisibleSet : public testing::TestWithParam<std::tuple<BuiltIn, bool>> {};

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
      expectVisibleSet({.problem = p});
      if (!mask.left && !mask.right)
        break;
    }
}

static std::string nameOf(const testing::TestParamInfo<std::tuple<BuiltIn, bool>> &info) {
  auto [mask, topLeft] = info.param;
  return std::string(mask.name) + (topLeft ? "_top_left" : "");
}

const BuiltIn masks[] = {
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

/// Three sequences whose lengths differ where the layout lets them.
static Case threeSequences(const Layout &layout) {
  Case c{.problem = {.batch = 3, .seqlenQ = 97, .seqlenKv = 130, .heads = 4, .kvHeads = 2}};
  varyLengths(c, layout);
  return c;
}

static std::string nameOfLayout(const testing::TestParamInfo<NamedLayout> &info) {
  return info.param.name;
}

class VisibleSetIn : public testing::TestWithParam<NamedLayout> {};

TEST_P(VisibleSetIn, IsThatOfTheReference) {
  const Layout &layout = GetParam().layout;
  for (bool topLeft : {false, true})
    for (int64_t left : {-1, 40}) {
      Case c = threeSequences(layout);
      Problem &p = c.problem;
      p.causal = true;
      p.topLeft = topLeft;
      p.windowLeft = left;
      p.sinkTokens = 2;
      expectVisibleSet(c, layout);
    }
}

TEST_P(VisibleSetIn, IsThatOfAUsersMask) {
  for (const UserExample &example : userExamples()) {
    Case c = threeSequences(GetParam().layout);
    Draw draw(1);
    use(c, example, draw);
    if (c.problem.mask)
      expectVisibleSet(c, GetParam().layout);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, VisibleSetIn,
                         testing::ValuesIn(layouts().begin(), layouts().end()), nameOfLayout);
