//===- Errors.cpp - mistakes in tile programs -----------------------------===//
//
// The first mistake is kept with the line of the program that made it, and
// returned when the program ends. What is computed from it until then must
// neither crash nor add a second message.
//
//===----------------------------------------------------------------------===//

#include "dsl/Trace.h"

#include <gtest/gtest.h>

using namespace tessera;

namespace {

/// A program under test, with what most mistakes need.
class Mistakes : public testing::Test {
protected:
  /// Ends the program; expects `message` at `line` of this file.
  void expectMistake(unsigned line, const std::string &message) {
    llvm::Expected<TracedProgram> traced = finish(std::move(program));
    ASSERT_FALSE(static_cast<bool>(traced)) << "the mistake went unnoticed";
    std::string text = llvm::toString(traced.takeError());
    std::string place = __FILE__ ":" + std::to_string(line) + ":";
    EXPECT_EQ(text.substr(0, place.size()), place) << text;
    size_t kind = text.find(": error: ");
    ASSERT_NE(kind, std::string::npos) << text;
    EXPECT_EQ(text.substr(kind + strlen(": error: ")), message);
  }

  void expectCorrect() {
    llvm::Expected<TracedProgram> traced = finish(std::move(program));
    EXPECT_TRUE(static_cast<bool>(traced)) << llvm::toString(traced.takeError());
  }

  Program program{"mistake"};
  View view = program.view("x", DType::bf16, 64);
  GridPoint point = program.grid(view.tiles(16), view.heads(), view.batches());
  Sequence rows = view(point.batch, point.head);
  Tile tall = zeros(32, 8), wide = zeros(8, 32);
};

struct One {
  Tile a;
};
struct Two {
  Tile a, b;
};

} // namespace

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, ContractionSizesDiffer) {
  unsigned line = __LINE__ + 1;
  dot(tall, tall);
  expectMistake(line, "contraction sizes differ: lhs has 8 columns, rhs has 32 rows");
}

TEST_F(Mistakes, AccumulatorHasAnotherShape) {
  unsigned line = __LINE__ + 1;
  dot(tall, wide, tall);
  expectMistake(line, "accumulator must be 32 x 32 of f32, found 32 x 8 of f32");
}

TEST_F(Mistakes, AccumulatorHasAnotherType) {
  Tile halves = cast(zeros(32, 32), DType::f16);
  unsigned line = __LINE__ + 1;
  dot(tall, wide, halves);
  expectMistake(line, "accumulator must be 32 x 32 of f32, found 32 x 32 of f16");
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, ShapesDoNotFit) {
  unsigned line = __LINE__ + 1;
  tall + wide;
  expectMistake(line, "shapes do not fit: 32 x 8 and 8 x 32");
}

TEST_F(Mistakes, ShapesOfMasksDoNotFit) {
  Mask a = tall > 0.0f, b = wide > 0.0f;
  unsigned line = __LINE__ + 1;
  a &&b;
  expectMistake(line, "shapes do not fit: 32 x 8 and 8 x 32");
}

TEST_F(Mistakes, ShapesOfMaskAndScoresDoNotFit) {
  Mask keep = wide > 0.0f;
  unsigned line = __LINE__ + 1;
  mask(tall, keep);
  expectMistake(line, "shapes do not fit: 32 x 8 and 8 x 32");
}

TEST_F(Mistakes, ElementTypesDiffer) {
  Tile halves = cast(tall, DType::f16);
  unsigned line = __LINE__ + 1;
  max(tall, halves);
  expectMistake(line, "element types differ: f32 and f16");
}

TEST_F(Mistakes, ElementTypesOfChoicesDiffer) {
  unsigned line = __LINE__ + 1;
  select(program.key().causal, tall, cast(tall, DType::bf16));
  expectMistake(line, "element types differ: f32 and bf16");
}

TEST_F(Mistakes, PositionsAreNoFloats) {
  Tile positions = rows.rows(point.tile, 32);
  unsigned line = __LINE__ + 1;
  tall < positions;
  expectMistake(line, "element types differ: f32 and i32");
}

TEST_F(Mistakes, ScalarHasAnotherType) {
  Tile halves = cast(tall, DType::f16);
  unsigned line = __LINE__ + 1;
  halves * 2.0f;
  expectMistake(line, "cannot combine f16 with a scalar of f32");
}

TEST_F(Mistakes, FunctionsTakeF32) {
  Tile halves = cast(tall, DType::bf16);
  unsigned line = __LINE__ + 1;
  exp2(halves);
  expectMistake(line, "exp2 takes f32, found 32 x 8 of bf16");
}

TEST_F(Mistakes, ReductionsTakeF32) {
  Tile positions = rows.columns(point.tile, 16);
  unsigned line = __LINE__ + 1;
  rowMax(positions);
  expectMistake(line, "rowMax takes f32, found 1 x 16 of i32");
}

TEST_F(Mistakes, MasksTakeScoresOfF32) {
  Tile halves = cast(tall, DType::f16);
  Mask keep = tall > 0.0f;
  unsigned line = __LINE__ + 1;
  mask(halves, keep);
  expectMistake(line, "mask takes scores of f32, found 32 x 8 of f16");
}

TEST_F(Mistakes, NoDirectCastBetweenHalves) {
  Tile halves = cast(tall, DType::f16);
  unsigned line = __LINE__ + 1;
  cast(halves, DType::bf16);
  expectMistake(line, "cannot cast f16 to bf16 directly");
}

//===----------------------------------------------------------------------===//
// Loops, loads and stores
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, LoopStateChangesItsType) {
  unsigned line = __LINE__ + 1;
  loop(rows.tiles(16), Two{tall, wide}, [&](Index, Two s) { return Two{s.a, s.a}; });
  expectMistake(line, "loop state 1 starts as 8 x 32 of f32 and continues as 32 x 8 of f32");
}

TEST_F(Mistakes, StoredTileHasAnotherWidth) {
  Tile narrow = cast(zeros(16, 32), DType::bf16);
  unsigned line = __LINE__ + 1;
  rows.store(point.tile, narrow);
  expectMistake(line, "stored tile is 32 wide, the view is 64");
}

TEST_F(Mistakes, StoredTileHasAnotherType) {
  Tile floats = zeros(16, 64);
  unsigned line = __LINE__ + 1;
  rows.store(point.tile, floats);
  expectMistake(line, "stored tile has elements of f32, the view of bf16");
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, TileStoredToASliceHasAnotherWidth) {
  Sequence slice = rows.slice(3, 5);
  Tile narrow = cast(zeros(16, 32), DType::bf16);
  unsigned line = __LINE__ + 1;
  slice.store(point.tile, narrow);
  expectMistake(line, "stored tile is 32 wide, the view is 64");
}

TEST_F(Mistakes, SlicesWithoutRowsInATile) {
  unsigned line = __LINE__ + 1;
  rows.slice(3, 5).tiles(0);
  expectMistake(line, "tiles must have at least one row, found 0");
}

TEST_F(Mistakes, LoadsOfASliceWithoutRows) {
  unsigned line = __LINE__ + 1;
  rows.slice(3, 5).slice(1, 2).load(point.tile, -1);
  expectMistake(line, "tiles must have at least one row, found -1");
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, NamesWithOtherCharacters) {
  unsigned line = __LINE__ + 1;
  program.scalar("my-scale");
  expectMistake(line, "an argument's name has letters, digits and underscores, found \"my-scale\"");
}

TEST_F(Mistakes, NamesWithoutCharacters) {
  unsigned line = __LINE__ + 1;
  program.index("");
  expectMistake(line, "an argument's name has letters, digits and underscores, found \"\"");
}

TEST_F(Mistakes, ScalarOfAnotherType) {
  program.index("size");
  unsigned line = __LINE__ + 1;
  program.scalar("size");
  expectMistake(line, "the argument \"size\" is index already, not f32");
}

TEST_F(Mistakes, TableOfAnotherType) {
  program.floats("bias", 2);
  unsigned line = __LINE__ + 1;
  program.integers("bias", 2);
  expectMistake(line,
                "the argument \"bias\" is !tile.table<2xf32> already, not !tile.table<2xi32>");
}

TEST_F(Mistakes, TableOfAnotherRank) {
  program.floats("bias", 2);
  unsigned line = __LINE__ + 1;
  program.floats("bias", 3);
  expectMistake(line,
                "the argument \"bias\" is !tile.table<2xf32> already, not !tile.table<3xf32>");
}

TEST_F(Mistakes, TableWithTheNameOfAView) {
  unsigned line = __LINE__ + 1;
  program.floats("x", 2);
  expectMistake(line, "the argument \"x\" is !tile.view<64xbf16> already, not !tile.table<2xf32>");
}

TEST_F(Mistakes, ViewOfAnotherType) {
  unsigned line = __LINE__ + 1;
  program.view("x", DType::f32, 64);
  expectMistake(line, "the argument \"x\" is !tile.view<64xbf16> already, not !tile.view<64xf32>");
}

TEST_F(Mistakes, ViewOfOtherSequences) {
  program.view("y", DType::f32, 64, "q");
  unsigned line = __LINE__ + 1;
  program.view("y", DType::f32, 64, "kv");
  expectMistake(line, "the rows of \"y\" are those of \"q\" already, not of \"kv\"");
}

TEST_F(Mistakes, ViewsWithoutColumns) {
  unsigned line = __LINE__ + 1;
  program.view("narrow", DType::f32, 0);
  expectMistake(line, "a view has at least one column, found 0");
}

TEST_F(Mistakes, TablesWithoutDimensions) {
  unsigned line = __LINE__ + 1;
  program.floats("number", 0);
  expectMistake(line, "a table has 1 to 4 dimensions, found 0");
}

TEST_F(Mistakes, TablesOfFiveDimensions) {
  unsigned line = __LINE__ + 1;
  program.integers("many", 5);
  expectMistake(line, "a table has 1 to 4 dimensions, found 5");
}

// What is not a mistake: the same argument twice.
TEST_F(Mistakes, NamesMayBeAskedForAgain) {
  EXPECT_EQ(program.floats("bias", 2).opaque(), program.floats("bias", 2).opaque());
  EXPECT_EQ(program.integers("starts", 1).opaque(), program.integers("starts", 1).opaque());
  EXPECT_EQ(program.scalar("cap").opaque(), program.scalar("cap").opaque());
  EXPECT_EQ(program.index("left").opaque(), program.index("left").opaque());
  EXPECT_EQ(program.view("x", DType::bf16, 64).opaque(), view.opaque());
  EXPECT_NE(program.index("left").opaque(), program.index("right").opaque());
  expectCorrect();
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, OneNumberAtATileOfPlaces) {
  FloatTable bias = program.floats("bias", 2);
  Tile positions = rows.rows(point.tile, 32);
  unsigned line = __LINE__ + 1;
  bias.at({point.head, positions});
  expectMistake(line, "one number of a table has no tiles as coordinates; gather gives a tile");
}

TEST_F(Mistakes, PlacesAreNoFloats) {
  FloatTable bias = program.floats("bias", 2);
  unsigned line = __LINE__ + 1;
  bias.gather({point.head, tall});
  expectMistake(line, "coordinates are positions, found 32 x 8 of f32");
}

TEST_F(Mistakes, PlacesDoNotFit) {
  FloatTable bias = program.floats("bias", 2);
  Tile row = rows.rows(point.tile, 32), col = rows.columns(point.tile, 8);
  Tile both = row - col, other = rows.rows(point.tile, 16);
  unsigned line = __LINE__ + 1;
  bias.gather({both, other});
  expectMistake(line, "coordinates do not fit: 16 x 1 of i32 and 32 x 8");
}

TEST_F(Mistakes, TooFewCoordinates) {
  FloatTable bias = program.floats("bias", 2);
  unsigned line = __LINE__ + 1;
  bias.at({point.head});
  expectMistake(line, "a place in the table has 2 coordinates, found 1");
}

TEST_F(Mistakes, TooManyCoordinates) {
  IndexTable labels = program.integers("labels", 1);
  Tile col = rows.columns(point.tile, 8);
  unsigned line = __LINE__ + 1;
  labels.gather({col, 0});
  expectMistake(line, "a place in the table has 1 coordinates, found 2");
}

TEST_F(Mistakes, NoCoordinates) {
  unsigned line = __LINE__ + 1;
  IndexTable labels = program.integers("labels", 1);
  labels.at({});
  expectMistake(line, "a place in the table has 1 coordinates, found 0");
}

TEST_F(Mistakes, TablesOfIntegersGivePositions) {
  Tile labels = program.integers("labels", 1).gather({rows.columns(point.tile, 8)});
  unsigned line = __LINE__ + 1;
  tall + labels;
  expectMistake(line, "element types differ: f32 and i32");
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, TilesWithoutRows) {
  unsigned line = __LINE__ + 1;
  view.tiles(0);
  expectMistake(line, "tiles must have at least one row, found 0");
}

TEST_F(Mistakes, SequenceTilesWithoutRows) {
  unsigned line = __LINE__ + 1;
  rows.tiles(-4);
  expectMistake(line, "tiles must have at least one row, found -4");
}

TEST_F(Mistakes, LoadsWithoutRows) {
  unsigned line = __LINE__ + 1;
  rows.load(point.tile, 0);
  expectMistake(line, "tiles must have at least one row, found 0");
}

TEST_F(Mistakes, PositionsWithoutRows) {
  unsigned line = __LINE__ + 1;
  rows.rows(point.tile, 0);
  expectMistake(line, "tiles must have at least one row, found 0");
}

TEST_F(Mistakes, ConstantTilesWithoutColumns) {
  unsigned line = __LINE__ + 1;
  zeros(4, 0);
  expectMistake(line, "a tile has at least one row and column, found 4 x 0");
}

TEST_F(Mistakes, NumbersOfNoColumns) {
  unsigned line = __LINE__ + 1;
  iota(0);
  expectMistake(line, "a tile has at least one column, found 0");
}

TEST_F(Mistakes, RunsWithoutColumns) {
  unsigned line = __LINE__ + 1;
  exchange(tall, 0);
  expectMistake(line, "exchange takes runs of at least one column, found 0");
}

//===----------------------------------------------------------------------===//
// Afterwards
//===----------------------------------------------------------------------===//

TEST_F(Mistakes, OnlyTheFirstIsKept) {
  unsigned line = __LINE__ + 1;
  Tile first = tall + wide;
  dot(tall, tall);
  exp2(cast(first, DType::f16));
  zeros(0, 0);
  expectMistake(line, "shapes do not fit: 32 x 8 and 8 x 32");
}

TEST_F(Mistakes, EverythingSwallowsAMistake) {
  const KeyFlags &key = program.key();
  unsigned line = __LINE__ + 1;
  Tile bad = tall + wide;
  Tile x = -1.0f * (bad + tall) - bad / bad + 3.0f * bad;
  x = max(abs(x), bad) % 4 + program.index("n");
  x = exp2(log2(tanh(x))) + rowMax(bad) * rowSum(bad) + transpose(x);
  x = dot(bad, bad, bad) + dot(tall, bad) + dot(bad, tall);
  x = cast(cast(x, DType::f16), DType::f32);
  Mask keep = bad < 1.0f || !(bad >= bad) || bad != 2;
  keep = implies(key.causal, keep) && (key.causal && keep);
  x = mask(select(key.causal, x, bad), keep);
  x = select(keep, x, bad) + select(keep, 0.0f, x) + select(keep, x, 0.0f);
  Scalar s = max(program.scalar("s") * 2.0f, program.floats("h", 2).at({point.batch, point.head}));
  x = x + select(key.causal, s, s) + full(2, 2, s);
  Index n = select(key.causal, rows.length() * 2, view.heads()) / 3;
  IndexTable labels = program.integers("labels", 2);
  n = n + labels.at({n, point.head}) + labels.at({x, n}) + labels.at({});
  x = x + labels.gather({bad, n}) + program.floats("bias", 1).gather({x}) + iota(4) + iota(0);
  x = x + exchange(bad, 2) + exchange(tall, -1) + program.view("z", DType::f32, 0)(n, n).load(n, 4);
  Sequence slice = rows.slice(n, n).slice(1, labels.at({n, n}));
  x = x + slice.load(n, 4) + slice.rows(n, 4);
  slice.store(slice.length() + slice.tiles(4), x);
  x = x + rows.rows(n, 4) + rows.columns(n, 0) + rows.load(n, 4) + rows.load(n, 0);
  auto [y] = loop(n, One{x}, [&](Index j, One state) {
    return One{state.a + rows.load(j, 4) + dot(tall, tall)};
  });
  rows.store(n, y);
  rows.store(n, y, key.lse && !key.causal);
  program.grid(n, n, n);
  expectMistake(line, "shapes do not fit: 32 x 8 and 8 x 32");
}

TEST_F(Mistakes, InsideALoop) {
  unsigned line = 0;
  auto [y] = loop(rows.tiles(16), One{tall}, [&](Index j, One s) {
    line = __LINE__ + 1;
    Tile bad = dot(s.a, s.a);
    return One{s.a + bad};
  });
  rows.store(point.tile, y + tall);
  expectMistake(line, "contraction sizes differ: lhs has 8 columns, rhs has 32 rows");
}

TEST_F(Mistakes, AnotherProgramIsNotConcerned) {
  unsigned line = __LINE__ + 1;
  dot(tall, tall);
  {
    Program other("correct");
    View x = other.view("x", DType::f32, 8);
    auto [tile, head, batch] = other.grid(x.tiles(16), x.heads(), x.batches());
    x(batch, head).store(tile, x(batch, head).load(tile, 16) * 2.0f);
    EXPECT_TRUE(static_cast<bool>(finish(std::move(other))));
  }
  expectMistake(line, "contraction sizes differ: lhs has 8 columns, rhs has 32 rows");
}

TEST_F(Mistakes, CorrectProgramsFinish) {
  Tile sum = cast(rows.load(point.tile, 16), DType::f32);
  auto [y] = loop(rows.tiles(16), One{sum}, [&](Index j, One s) {
    return One{s.a + cast(rows.load(j, 16), DType::f32) * 0.5f};
  });
  Mask keep = rows.columns(point.tile, 64) <= rows.rows(point.tile, 16);
  rows.store(point.tile, cast(select(keep, y, 0.0f), DType::bf16));

  IndexTable starts = program.integers("starts", 1);
  FloatTable bias = program.floats("bias", 4);
  Tile row = rows.rows(point.tile, 16) + starts.at({point.batch});
  Tile biases = bias.gather({point.batch, 2, row, iota(64)});
  rows.slice(starts.at({point.batch}), 7)
      .slice(1, 3)
      .store(point.tile, cast(exchange(biases, 32), DType::bf16));
  expectCorrect();
}
