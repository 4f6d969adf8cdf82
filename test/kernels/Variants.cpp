//===- Variants.cpp - a user's score and mask functions -------------------===//

#include "runtime/Variants.h"
#include "test/kernels/KernelTest.h"
#include "test/kernels/UserExamples.h"

#include <fmt/format.h>
#include <set>

using namespace tessera;
using namespace tessera::test;
using reference::Problem;

namespace {

class Variants : public testing::TestWithParam<UserExample> {};

std::string nameOf(const testing::TestParamInfo<UserExample> &info) { return info.param.name; }

void PrintTo(const UserExample &example, std::ostream *os) { *os << example.name; }

/// A variant that only has a score.
Variant withScore(std::function<Tile(Program &, Tile, const ScorePlace &)> score) {
  return {std::move(score), {}};
}

Variant withMask(std::function<Mask(Program &, const ScorePlace &)> mask) {
  return {{}, std::move(mask)};
}

int64_t fingerprintOf(const Variant &variant) { return llvm::cantFail(registerVariant(variant)); }

/// The message of a refusal; empty if there is none.
std::string refusalOf(const Variant &variant) {
  llvm::Expected<int64_t> fingerprint = registerVariant(variant);
  return fingerprint ? "" : llvm::toString(fingerprint.takeError());
}

} // namespace

TEST_P(Variants, AreCorrectInEveryLayout) {
  for (const auto &[name, layout] : layouts())
    for (bool causal : {false, true}) {
      SCOPED_TRACE(name);
      Case c{.problem = {.batch = 3,
                         .seqlenQ = 101,
                         .seqlenKv = 147,
                         .heads = 4,
                         .kvHeads = 2,
                         .headDim = 24,
                         .headDimV = 16,
                         .scale = 0.25f,
                         .causal = causal}};
      varyLengths(c, layout);
      Draw draw(17);
      use(c, GetParam(), draw);
      fill(c);
      expectCorrect(c, layout);
    }
}

TEST_P(Variants, MeetOtherFeatures) {
  for (int features = 0; features < 16; ++features) {
    Case c{.problem = {.batch = 2,
                       .seqlenQ = 147,
                       .seqlenKv = 101,
                       .heads = 2,
                       .kvHeads = 1,
                       .headDim = 24,
                       .headDimV = 16,
                       .scale = 0.25f}};
    Problem &p = c.problem;
    p.topLeft = features & 1;
    p.windowLeft = features & 2 ? 40 : -1;
    p.sinkTokens = features & 2 ? 3 : 0;
    p.softcap = features & 4 ? 5 : 0;
    p.alibiSlopes.resize(features & 8 ? 2 : 0);
    c.checked = !isOnGpu() && features % 3 == 1;
    Draw draw(features);
    use(c, GetParam(), draw);
    fill(c);
    expectCorrect(c);
  }
}

/// Widths that have schedules of their own on a GPU, and the tiles of those.
TEST_P(Variants, AreCorrectAtEveryWidth) {
  for (int64_t width : {64, 128, 256})
    for (int64_t blockM : {128, 192})
      for (bool causal : {false, true}) {
        if (blockM == 192 && (width > 128 || !isOnGpu()))
          continue;
        Case c{.problem = {.seqlenQ = 201,
                           .seqlenKv = 263,
                           .heads = 2,
                           .kvHeads = 1,
                           .headDim = width,
                           .headDimV = width,
                           .scale = 0.1f,
                           .causal = causal}};
        c.setTypes(DType::bf16);
        c.blockM = isOnGpu() ? blockM : 0;
        Draw draw(width + causal);
        use(c, GetParam(), draw);
        fill(c);
        expectCorrect(c);
      }
}

/// Positions are 32-bit inside; an index that is larger is larger all the same.
TEST(UserArguments, IndicesMayBeLarge) {
  for (int64_t reach : {int64_t(1) << 33, std::numeric_limits<int64_t>::max()}) {
    Case c{.problem = {.seqlenQ = 20, .seqlenKv = 70, .headDim = 8, .headDimV = 8}};
    Variant variant = withMask(
        [](Program &p, const ScorePlace &at) { return abs(at.row - at.col) <= p.index("reach"); });
    c.user = {.name = "reach", .fingerprint = fingerprintOf(variant)};
    c.user.indices["reach"] = reach;
    fill(c);
    expectCorrect(c); // all keys are visible
  }
}

TEST_P(Variants, HaveOneFingerprint) {
  int64_t first = fingerprintOf(GetParam().variant);
  EXPECT_NE(first, 0);
  EXPECT_EQ(fingerprintOf(GetParam().variant), first);
}

INSTANTIATE_TEST_SUITE_P(Examples, Variants,
                         testing::ValuesIn(userExamples().begin(), userExamples().end()), nameOf);

TEST(Fingerprints, DifferWhereFunctionsDo) {
  std::set<int64_t> fingerprints;
  size_t count = 0;
  auto add = [&](const Variant &variant) {
    fingerprints.insert(fingerprintOf(variant));
    ++count;
  };
  for (const UserExample &example : userExamples())
    add(example.variant);
  for (double factor : {0.5, 2.0})
    add(withScore([=](Program &, Tile x, const ScorePlace &) { return x * Scalar(factor); }));
  for (const char *name : {"a", "b"})
    add(withScore([=](Program &p, Tile x, const ScorePlace &) { return x * p.scalar(name); }));
  add(withMask([](Program &, const ScorePlace &at) { return at.col < at.row; }));
  add(withMask([](Program &, const ScorePlace &at) { return at.col <= at.row; }));
  EXPECT_EQ(fingerprints.size(), count);
  EXPECT_FALSE(fingerprints.contains(0));
}

TEST(Fingerprints, DoNotDependOnHowAFunctionIsWritten) {
  auto one = [](Program &, Tile x, const ScorePlace &) { return x + 1.0f; };
  auto same = [](Program &, Tile score, const ScorePlace &) {
    Scalar two(1.0f);
    return score + two;
  };
  EXPECT_EQ(fingerprintOf(withScore(one)), fingerprintOf(withScore(same)));
}

TEST(Fingerprints, FindTheirVariant) {
  int64_t fingerprint = fingerprintOf(userExamples()[0].variant);
  Variant found = llvm::cantFail(findVariant(fingerprint));
  EXPECT_TRUE(found.score && !found.mask);
  Variant none = llvm::cantFail(findVariant(0));
  EXPECT_TRUE(!none.score && !none.mask);
  llvm::Expected<Variant> unknown = findVariant(fingerprint ^ 1);
  ASSERT_FALSE(static_cast<bool>(unknown));
  llvm::consumeError(unknown.takeError());
}

TEST(Fingerprints, NeedAFunction) {
  EXPECT_EQ(refusalOf({}), "the variant is empty, expected a score or a mask function");
}

//===----------------------------------------------------------------------===//
// Mistakes
//===----------------------------------------------------------------------===//

/// A refusal names the line of the mistake in the user's file.
static void expectMistakeAt(const Variant &variant, int line) {
  std::string message = refusalOf(variant);
  EXPECT_NE(message.find(fmt::format("Variants.cpp:{}:", line)), std::string::npos)
      << "\"" << message << "\"";
}

TEST(Mistakes, ShapesThatDoNotFit) {
  int line = __LINE__ + 1;
  auto score = [](Program &, Tile x, const ScorePlace &) { return x + transpose(x); };
  expectMistakeAt(withScore(score), line);
}

TEST(Mistakes, TypesThatDoNotFit) {
  int line = __LINE__ + 1;
  auto score = [](Program &, Tile x, const ScorePlace &at) { return x + at.row; };
  expectMistakeAt(withScore(score), line);
}

TEST(Mistakes, CoordinatesThatATableDoesNotHave) {
  int line = __LINE__ + 2;
  auto score = [](Program &p, Tile x, const ScorePlace &at) {
    return x + p.floats("bias", 2).gather({at.col});
  };
  expectMistakeAt(withScore(score), line);
}

TEST(Mistakes, ATableOfTwoRanks) {
  int line = __LINE__ + 2;
  auto mask = [](Program &p, const ScorePlace &at) {
    return p.integers("t", 1).gather({at.col}) == p.integers("t", 2).gather({at.row, at.col});
  };
  expectMistakeAt(withMask(mask), line);
}

TEST(Mistakes, AScoreOfAnotherShape) {
  auto score = [](Program &, Tile x, const ScorePlace &) { return rowMax(x); };
  EXPECT_NE(refusalOf(withScore(score)), "");
}

/// The names of the kernel's own arguments are taken.
TEST(Mistakes, ANameOfTheKernel) {
  for (const char *name : {"scale", "softcap"}) {
    auto score = [=](Program &p, Tile x, const ScorePlace &) { return x * p.scalar(name); };
    EXPECT_NE(refusalOf(withScore(score)), "") << name;
  }
}

TEST(Mistakes, AnArgumentThatACallDoesNotGive) {
  for (const UserExample &example : userExamples()) {
    Case c{.problem = {.seqlenQ = 5, .seqlenKv = 7, .headDim = 8, .headDimV = 8}};
    Draw draw(1);
    use(c, example, draw);
    c.user.tables.clear();
    c.user.scalars.clear();
    c.user.indices.clear();
    fill(c);
    Operands operands(c);
    Output untouched = operands.output();
    llvm::Error error = run(operands.call());
    EXPECT_TRUE(static_cast<bool>(error)) << example.name;
    llvm::consumeError(std::move(error));
    EXPECT_TRUE(sameBits(operands.output(), untouched)) << example.name;
  }
}
