//===- TileMapTest.cpp - Visited tiles against every element --------------===//
//
// A specialized program must visit exactly the tiles in which some query sees
// some key, and mask exactly those in which some query does not see some key.
// The loops of the program are counted; the reference looks at every element.
//
//===----------------------------------------------------------------------===//

#include "passes/specialize/TileMap.h"
#include "dsl/ir/Tile.h"
#include "passes/specialize/ScalarEvaluator.h"
#include "runtime/Specialized.h"
#include "test/reference/Attention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Parser/Parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace tessera;
using llvm::StringRef;
using reference::Problem;

namespace {

/// Around each tile size, one key, one query, and nothing in between.
constexpr int64_t lengthsToTry[] = {1, 7, 63, 64, 65, 127, 129, 255, 257};
constexpr int64_t windowsToTry[] = {0, 1, 5, 63, 64, 100, 300};
constexpr int64_t sinksToTry[] = {0, 1, 5, 64, 70};

/// Queries x keys of a tile: wide, tall, square, and of no common divisor.
struct TileSize {
  int64_t m, n;
};
constexpr TileSize tileSizesToTry[] = {{8, 8},   {16, 96},  {32, 64},  {64, 32},
                                       {96, 64}, {96, 128}, {128, 16}, {128, 96}};

/// The features of a mask.
struct MaskCase {
  const char *flags;
  bool causal = false, left = false, right = false, sinks = false;
};
constexpr MaskCase masksToTry[] = {
    {.flags = ""},
    {.flags = "causal", .causal = true},
    {.flags = "window_left", .left = true},
    {.flags = "window_right", .right = true},
    {.flags = "window_left,window_right", .left = true, .right = true},
    {.flags = "causal,window_left", .causal = true, .left = true},
    {.flags = "causal,window_right", .causal = true, .right = true},
    {.flags = "window_left,sink_tokens", .left = true, .sinks = true},
    {.flags = "window_right,sink_tokens", .right = true, .sinks = true},
    {.flags = "window_left,window_right,sink_tokens", .left = true, .right = true, .sinks = true},
    {.flags = "causal,window_left,sink_tokens", .causal = true, .left = true, .sinks = true},
    {.flags = "causal,window_left,window_right,sink_tokens",
     .causal = true,
     .left = true,
     .right = true,
     .sinks = true},
};

/// One mask with its sizes.
struct Band {
  int64_t left = -1, right = -1, sinks = 0;
};

/// Every combination of the windows and the sinks that a mask has. Of those of
/// all three, each pair of a size and a number of sinks once.
std::vector<Band> bandsOf(const MaskCase &mask) {
  const size_t windows = std::size(windowsToTry), sinks = std::size(sinksToTry);
  std::vector<Band> bands;
  for (size_t left = 0; left < (mask.left ? windows : 1); ++left)
    for (size_t right = 0; right < (mask.right ? windows : 1); ++right)
      for (size_t sink = 0; sink < (mask.sinks ? sinks : 1); ++sink) {
        if (mask.left && mask.right && mask.sinks && right != (left + 2 * sink) % windows)
          continue;
        bands.push_back({mask.left ? windowsToTry[left] : -1, mask.right ? windowsToTry[right] : -1,
                         mask.sinks ? sinksToTry[sink] : 0});
      }
  return bands;
}

Lengths lengthsOf(const Problem &problem) {
  Lengths lengths{.seqlenQ = problem.seqlenQ, .seqlenKv = problem.seqlenKv};
  lengths.indices["window_left"] = problem.windowLeft;
  lengths.indices["window_right"] = problem.windowRight;
  lengths.indices["sink_tokens"] = problem.sinkTokens;
  return lengths;
}

std::string describe(const Problem &p) {
  return fmt::format("{} queries, {} keys, window {} and {}, {} sinks", p.seqlenQ, p.seqlenKv,
                     p.windowLeft, p.windowRight, p.sinkTokens);
}

/// How many elements are visible in each rectangle from the first query and
/// the first key.
class VisibleCounts {
public:
  explicit VisibleCounts(const Problem &problem)
      : queries(problem.seqlenQ), keys(problem.seqlenKv), sums((queries + 1) * (keys + 1)) {
    for (int64_t i = 0; i < queries; ++i) {
      int32_t inRow = 0;
      for (int64_t j = 0; j < keys; ++j) {
        inRow += visible(problem, i, j);
        sums[(i + 1) * (keys + 1) + j + 1] = sums[i * (keys + 1) + j + 1] + inRow;
      }
    }
  }

  /// What a program should do with a tile. Keys past the end are hidden, rows
  /// past the end are no queries.
  TileKind kindOf(TileSize size, int64_t queryTile, int64_t keyTile) const {
    int64_t top = queryTile * size.m, left = keyTile * size.n;
    int64_t bottom = std::min(top + size.m, queries);
    int64_t right = std::min(left + size.n, keys);
    int64_t seen = at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left);
    if (seen == 0)
      return TileKind::skipped;
    return seen == (bottom - top) * size.n ? TileKind::full : TileKind::masked;
  }

private:
  int64_t at(int64_t i, int64_t j) const { return sums[i * (keys + 1) + j]; }

  int64_t queries, keys;
  std::vector<int32_t> sums;
};

/// A key's program at stage `specialized`.
std::unique_ptr<Compiler::Specialized> specialized(const std::string &keyText) {
  static const Compiler compiler;
  return llvm::cantFail(compiler.specialize(llvm::cantFail(parseKey(keyText))));
}

/// Each kind's letter in `tessera explain`.
char letter(TileKind kind) { return ".o#?"[static_cast<int>(kind)]; }

std::string picture(const TileMap &map) {
  std::string text;
  for (int64_t i = 0; i < map.queryTiles; ++i) {
    for (int64_t j = 0; j < map.keyTiles; ++j)
      text += letter(map.at(i, j));
    text += '\n';
  }
  return text;
}

testing::AssertionResult isExact(const TileMap &map, TileSize size, const VisibleCounts &counts) {
  for (int64_t i = 0; i < map.queryTiles; ++i)
    for (int64_t j = 0; j < map.keyTiles; ++j)
      if (TileKind expected = counts.kindOf(size, i, j); map.at(i, j) != expected)
        return testing::AssertionFailure()
               << "query tile " << i << ", key tile " << j << " is " << letter(map.at(i, j))
               << ", expected " << letter(expected);
  return testing::AssertionSuccess();
}

class TileMapSweep : public testing::TestWithParam<std::tuple<MaskCase, bool>> {};

} // namespace

TEST_P(TileMapSweep, VisitsExactlyWhatIsVisible) {
  auto [mask, topLeft] = GetParam();
  struct Variant {
    TileSize size;
    std::unique_ptr<Compiler::Specialized> program;
  };
  std::vector<Variant> variants;
  for (TileSize size : tileSizesToTry)
    variants.push_back({size, specialized(fmt::format("f32,d8,block_m={},block_n={}{}{}{}", size.m,
                                                      size.n, *mask.flags ? "," : "", mask.flags,
                                                      topLeft ? ",top_left" : ""))});

  for (const Band &band : bandsOf(mask))
    for (int64_t seqlenQ : lengthsToTry)
      for (int64_t seqlenKv : lengthsToTry) {
        Problem problem{.seqlenQ = seqlenQ, .seqlenKv = seqlenKv};
        problem.causal = mask.causal;
        problem.topLeft = topLeft;
        problem.windowLeft = band.left;
        problem.windowRight = band.right;
        problem.sinkTokens = band.sinks;
        VisibleCounts counts(problem);
        for (const Variant &variant : variants) {
          llvm::Expected<TileMap> map = mapTiles(variant.program->function(), lengthsOf(problem));
          ASSERT_TRUE(static_cast<bool>(map))
              << toString(map.takeError()) << " in " << describe(problem);
          ASSERT_EQ(map->queryTiles, (seqlenQ + variant.size.m - 1) / variant.size.m);
          ASSERT_EQ(map->keyTiles, (seqlenKv + variant.size.n - 1) / variant.size.n);
          ASSERT_TRUE(isExact(*map, variant.size, counts))
              << describe(problem) << ", tiles of " << variant.size.m << " x " << variant.size.n;
        }
      }
}

static std::string nameOf(const testing::TestParamInfo<TileMapSweep::ParamType> &info) {
  auto [mask, topLeft] = info.param;
  std::string name = *mask.flags ? mask.flags : "full";
  std::replace(name.begin(), name.end(), ',', '_');
  return name + (topLeft ? "_top_left" : "");
}

INSTANTIATE_TEST_SUITE_P(Masks, TileMapSweep,
                         testing::Combine(testing::ValuesIn(masksToTry), testing::Bool()), nameOf);

// What is left of the mask in the loops hides exactly what should be hidden.
TEST(TileMap, ElementsAreTheReference) {
  Problem problem{.seqlenQ = 70, .seqlenKv = 90, .causal = true};
  problem.windowLeft = 20;
  problem.sinkTokens = 5;
  auto program = specialized("f32,d8,block_m=16,block_n=24,causal,window_left,sink_tokens");
  std::vector<bool> seen = llvm::cantFail(mapElements(program->function(), lengthsOf(problem)));
  for (int64_t i = 0; i < problem.seqlenQ; ++i)
    for (int64_t j = 0; j < problem.seqlenKv; ++j)
      ASSERT_EQ(seen[i * problem.seqlenKv + j], visible(problem, i, j))
          << "query " << i << ", key " << j;
}

// Where rows lie does not change which of them are visible: the lengths come out
// of tables then.
TEST(TileMap, IsTheSameWhereverRowsLie) {
  const std::string placements[] = {
      "varlen_q", "varlen_kv",     "varlen_q,varlen_kv", "seqused_kv", "varlen_kv,seqused_kv",
      "paged",    "varlen_q,paged"};
  for (std::string flags : {"", ",causal", ",causal,window_left,sink_tokens", ",alibi,lse"})
    for (const std::string &placement : placements) {
      const std::string dense = "f32,d8,block_m=16,block_n=24" + flags;
      SCOPED_TRACE(dense + "," + placement);
      Problem problem{.seqlenQ = 70, .seqlenKv = 131};
      problem.windowLeft = 20;
      problem.sinkTokens = 5;
      Lengths lengths = lengthsOf(problem);
      lengths.batch = 3;
      auto expected = specialized(dense), found = specialized(dense + "," + placement);
      TileMap map = llvm::cantFail(mapTiles(expected->function(), lengths));
      EXPECT_EQ(map.queryTiles, 5);
      EXPECT_EQ(map.keyTiles, 6);
      llvm::Expected<TileMap> same = mapTiles(found->function(), lengths);
      ASSERT_TRUE(static_cast<bool>(same)) << toString(same.takeError());
      EXPECT_EQ(picture(*same), picture(map));
      EXPECT_EQ(llvm::cantFail(mapElements(found->function(), lengths)),
                llvm::cantFail(mapElements(expected->function(), lengths)));
    }
}

// The sizes of windows are arguments: the tiles cannot be known without them.
TEST(TileMap, NeedsTheSizeOfTheWindow) {
  auto program = specialized("f32,d8,window_left");
  llvm::Expected<TileMap> map = mapTiles(program->function(), {.seqlenQ = 64});
  ASSERT_FALSE(map);
  EXPECT_EQ(toString(map.takeError()), "no value is given for the argument \"window_left\"");
}

//===----------------------------------------------------------------------===//
// Programs written by hand
//===----------------------------------------------------------------------===//

namespace {

/// A module read from text.
class ParsedProgram {
public:
  explicit ParsedProgram(const std::string &text) {
    mlir::DialectRegistry registry;
    registerDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(registry);
    module = mlir::parseSourceString<mlir::ModuleOp>(text, context.get());
  }
  mlir::func::FuncOp function() { return *module->getOps<mlir::func::FuncOp>().begin(); }

private:
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// A program with a grid of 8 x 8 tiles around the lines of its loops.
ParsedProgram programWith(const std::string &loops) {
  return ParsedProgram(R"(
    !view = !tile.view<8xf32>
    !scores = tensor<8x8xf32>
    func.func @f(%q: !view {tile.name = "q", tile.sequences = "q"},
                 %k: !view {tile.name = "k", tile.sequences = "kv"}) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      %c4 = arith.constant 4 : index
      %tile, %head, %batch = tile.grid %c2, %c1, %c1
      %queries = tile.load %q[%batch, %head] tile %tile padding zero : !view -> !scores
      %row = tile.positions %q[%batch] tile %tile : !view -> tensor<8x1xi32>
      )" + loops +
                       R"(
      return
    })");
}

std::string mapOrError(ParsedProgram program) {
  llvm::Expected<TileMap> map = mapTiles(program.function(), {.seqlenQ = 16, .seqlenKv = 30});
  return map ? picture(*map) : toString(map.takeError());
}

} // namespace

TEST(TileMap, LoopThatIsNotSplitIsFullOrUndecided) {
  EXPECT_EQ(mapOrError(programWith(R"(
      scf.for %j = %c0 to %c3 step %c1 {
        %x = tile.load %k[%batch, %head] tile %j padding zero : !view -> !scores
      })")),
            "###.\n###.\n");
  EXPECT_EQ(mapOrError(programWith(R"(
      scf.for %j = %c1 to %c4 step %c2 {
        %x = tile.load %k[%batch, %head] tile %j padding zero : !view -> !scores
        %keep = arith.constant dense<true> : tensor<8x8xi1>
        %y = tile.mask %x, %keep : !scores
      })")),
            ".?.?\n.?.?\n");
}

TEST(TileMap, MaskThatIsLookedAtIsUndecided) {
  EXPECT_EQ(mapOrError(programWith(R"(
      scf.for %t = %c0 to %c2 step %c1 {
        %j = tile.nth %t of (%c0, %c2) to (%tile, %c4)
        %col = tile.positions %k[%batch] tile %j : !view -> tensor<1x8xi32>
        %c = tile.broadcast %col : tensor<1x8xi32> -> tensor<8x8xi32>
        %r = tile.broadcast %row : tensor<8x1xi32> -> tensor<8x8xi32>
        %product = arith.muli %c, %r : tensor<8x8xi32>
        %keep = arith.cmpi sle, %product, %c : tensor<8x8xi32>
        %any = tile.any %keep : tensor<8x8xi1>
        scf.if %any {
          %x = tile.load %k[%batch, %head] tile %j padding zero : !view -> !scores
          %y = tile.mask %x, %keep : !scores
        }
      })")),
            "..??\n?.?.\n");
}

TEST(TileMap, RefusesToVisitATileTwice) {
  EXPECT_EQ(mapOrError(programWith(R"(
      scf.for %t = %c0 to %c3 step %c1 {
        %j = tile.nth %t of (%c0, %tile) to (%c1, %c4)
        %x = tile.load %k[%batch, %head] tile %j padding zero : !view -> !scores
      })")),
            "query tile 0 visits key tile 0 twice");
}

TEST(TileMap, RefusesATileThatDoesNotExist) {
  EXPECT_EQ(mapOrError(programWith(R"(
      %c5 = arith.constant 5 : index
      scf.for %j = %c3 to %c5 step %c1 {
        %x = tile.load %k[%batch, %head] tile %j padding zero : !view -> !scores
      })")),
            "query tile 0 visits key tile 4 of 4");
}

// Not every program is attention.
TEST(TileMap, RefusesAProgramWithoutKeys) {
  const char *message = "the program has no loop over key tiles";
  EXPECT_EQ(mapOrError(programWith("")), message);
  llvm::Expected<TileMap> map = mapTiles(specialized("append,f32,d8")->function(), {.seqlenQ = 16});
  ASSERT_FALSE(map);
  EXPECT_EQ(toString(map.takeError()), message);
}

// Only views of known sequences have a length.
TEST(TileMap, RefusesLengthsOfOtherViews) {
  ParsedProgram program(R"(
    func.func @f(%x: !tile.view<8xf32> {tile.name = "x"}) {
      %c1 = arith.constant 1 : index
      %rows = tile.extent %x rows : !tile.view<8xf32>
      %tile, %head, %batch = tile.grid %rows, %c1, %c1
      return
    })");
  llvm::Expected<TileMap> map = mapTiles(program.function(), {.seqlenQ = 16, .seqlenKv = 30});
  ASSERT_FALSE(map);
  EXPECT_EQ(toString(map.takeError()), "no extents are given for the view \"x\"");
}

//===----------------------------------------------------------------------===//
// ScalarEvaluator
//===----------------------------------------------------------------------===//

namespace {

/// The values passed to `func.return` by a body that may use %k (2 batches,
/// 3 heads, 50 rows), %n = 7, %starts = {0, 20, 50}, %unknown and %places.
std::string returned(const std::string &body, const std::string &types) {
  ParsedProgram program(R"(
    func.func @f(%k: !tile.view<8xf32> {tile.name = "k"}, %n: index {tile.name = "n"},
                 %unknown: index {tile.name = "unknown"}, %x: f32 {tile.name = "x"},
                 %starts: !tile.table<1xi32> {tile.name = "starts"},
                 %places: !tile.table<2xi32> {tile.name = "places"})
        -> ()" + types + ") {" +
                        body + " : " + types + "}");
  ArgumentValues arguments;
  arguments.views["k"] = {.batches = 2, .heads = 3, .rows = 50};
  arguments.indices["n"] = 7;
  arguments.tables["starts"] = {0, 20, 50};
  ScalarEvaluator evaluator(std::move(arguments));
  std::string text;
  mlir::Operation *end = program.function().getBody().front().getTerminator();
  for (mlir::Value value : end->getOperands()) {
    llvm::Expected<int64_t> number = evaluator.evaluate(value);
    if (!number)
      return toString(number.takeError());
    text += (text.empty() ? "" : " ") + std::to_string(*number);
  }
  return text;
}

} // namespace

TEST(ScalarEvaluator, Arithmetic) {
  EXPECT_EQ(returned(R"(
      %a = arith.constant -7 : index
      %b = arith.constant 2 : index
      %div = arith.divsi %a, %b : index
      %floor = arith.floordivsi %a, %b : index
      %ceil = arith.ceildivsi %n, %b : index
      %rem = arith.remsi %a, %b : index
      %less = arith.cmpi slt, %a, %b : index
      %below = arith.cmpi ult, %a, %b : index
      %either = arith.ori %less, %below : i1
      %chosen = arith.select %below, %a, %b : index
      return %div, %floor, %ceil, %rem, %less, %below, %either, %chosen)",
                     "index, index, index, index, i1, i1, i1, index"),
            "-3 -4 4 -1 1 0 1 2");
}

TEST(ScalarEvaluator, I32Wraps) {
  EXPECT_EQ(returned(R"(
      %big = arith.constant 2147483647 : i32
      %wide = arith.constant 4294967297 : index
      %narrow = arith.index_cast %wide : index to i32
      %sum = arith.addi %big, %narrow : i32
      return %narrow, %sum)",
                     "i32, i32"),
            "1 -2147483648");
}

TEST(ScalarEvaluator, ViewsAndRanges) {
  EXPECT_EQ(returned(R"(
      %c0 = arith.constant 0 : index
      %c2 = arith.constant 2 : index
      %batches = tile.extent %k batches : !tile.view<8xf32>
      %heads = tile.extent %k heads : !tile.view<8xf32>
      %rows = tile.extent %k rows : !tile.view<8xf32>
      %length = tile.length %k[%c0] : !tile.view<8xf32>
      %count = tile.count (%c0, %heads, %n) to (%c2, %c0, %rows)
      %nth = tile.nth %heads of (%c0, %heads, %n) to (%c2, %c0, %rows)
      return %batches, %heads, %rows, %length, %count, %nth)",
                     "index, index, index, index, index, index"),
            "2 3 50 50 45 8");
}

// Outside of a table there are zeros.
TEST(ScalarEvaluator, Tables) {
  EXPECT_EQ(returned(R"(
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %m1 = arith.constant -1 : index
      %first = tile.fetch %starts[%c1] : !tile.table<1xi32> -> i32
      %next = tile.fetch %starts[%c2] : !tile.table<1xi32> -> i32
      %length = arith.subi %next, %first : i32
      %index = arith.index_cast %length : i32 to index
      %after = tile.fetch %starts[%n] : !tile.table<1xi32> -> i32
      %before = tile.fetch %starts[%m1] : !tile.table<1xi32> -> i32
      return %first, %index, %after, %before)",
                     "i32, index, i32, i32"),
            "20 30 0 0");
}

TEST(ScalarEvaluator, NamesWhatItDoesNotKnow) {
  const std::string why = ": it is no integer arithmetic over lengths and arguments";
  EXPECT_EQ(returned("%y = arith.fptosi %x : f32 to i32\n return %y", "i32"),
            "cannot evaluate arith.fptosi" + why);
  EXPECT_EQ(returned("%y = arith.shli %n, %n : index\n return %y", "index"),
            "cannot evaluate arith.shli" + why);
  EXPECT_EQ(returned("%y = arith.addi %n, %unknown : index\n return %y", "index"),
            "no value is given for the argument \"unknown\"");
  EXPECT_EQ(returned("%y = tile.fetch %places[%n, %n] : !tile.table<2xi32> -> i32\n"
                     " return %y",
                     "i32"),
            "no numbers are given for the table \"places\"");
  EXPECT_EQ(returned("%y = tile.fetch %starts[%unknown] : !tile.table<1xi32> -> i32\n"
                     " return %y",
                     "i32"),
            "no value is given for the argument \"unknown\"");
  EXPECT_EQ(returned("%z = arith.subi %n, %n : index\n"
                     "%y = arith.remsi %n, %z : index\n return %y",
                     "index"),
            "cannot evaluate arith.remsi: 7 by 0 has no result");
  EXPECT_EQ(returned("%y = tile.nth %n of (%n) to (%n)\n return %y", "index"),
            "cannot evaluate tile.nth: index 7 of ranges that hold 0");
}

// Binding a value again forgets what was computed from it, and only that.
TEST(ScalarEvaluator, BindsAgain) {
  ParsedProgram program(R"(
    func.func @f(%i: index, %n: index {tile.name = "n"}) -> (index, index) {
      %double = arith.addi %i, %i : index
      %sum = arith.addi %double, %n : index
      return %double, %sum : index, index
    })");
  mlir::func::FuncOp function = program.function();
  mlir::Value sum = function.getBody().front().getTerminator()->getOperand(1);
  ArgumentValues arguments;
  arguments.indices["n"] = 100;
  ScalarEvaluator evaluator(std::move(arguments));
  llvm::Expected<int64_t> early = evaluator.evaluate(sum);
  ASSERT_FALSE(early);
  EXPECT_EQ(toString(early.takeError()),
            "cannot evaluate an argument of func.func without a value");
  for (int64_t i : {1, 2, -5}) {
    evaluator.bind(function.getArgument(0), i);
    EXPECT_EQ(llvm::cantFail(evaluator.evaluate(sum)), 2 * i + 100);
  }
}
