//===- Lesson 3: masks are predicates -------------------------------------===//
//
// Which keys a query sees is written once, as a predicate over positions. From
// the predicate the compiler derives which tiles of keys a tile of queries
// visits at all, and in which of these the predicate must be looked at. This
// lesson specialises one program for several keys and draws the tiles that each
// result visits:
//
//     .  skipped     o  visited, masked
//     #  visited, every score counts, no mask
//     ?  looks at its mask when it runs
//
//===----------------------------------------------------------------------===//

#include "dsl/Program.h"
#include "dsl/Trace.h"
#include "passes/Pipelines.h"
#include "passes/specialize/TileMap.h"

#include "llvm/Support/raw_ostream.h"

using namespace tessera;

static constexpr int64_t block = 16, headDim = 8;

struct Sums {
  Tile weight, value;
};

// Attention without a running maximum, to keep the program short. `stride` 2 or
// more lets a query see only each stride-th key.
static Program attention(int64_t stride) {
  Program p("attention");

  // Features of the key are values of the program, unknown while it is written.
  const KeyFlags &key = p.key();
  // The last argument names the sequences that a view's rows belong to.
  View q = p.view("q", DType::f32, headDim, "q"), k = p.view("k", DType::f32, headDim, "kv");
  View v = p.view("v", DType::f32, headDim, "kv"), o = p.view("o", DType::f32, headDim, "q");
  Index left = p.index("window_left"), sinks = p.index("sink_tokens");

  auto [i, head, batch] = p.grid(q.tiles(block), q.heads(), q.batches());
  Sequence queries = q(batch, head), keys = k(batch, head), values = v(batch, head);
  Tile qi = queries.load(i, block);

  // Where the queries of this tile stand among the keys: a column, 16 x 1.
  Tile row = queries.rows(i, block) + (keys.length() - queries.length());

  Sums start{zeros(block, 1), zeros(block, headDim)};
  auto [weight, value] = loop(keys.tiles(block), start, [&](Index j, Sums sums) {
    // The places of the keys: a row, 1 x 16. Comparing it with the column
    // gives a mask of 16 x 16.
    Tile col = keys.columns(j, block);

    // `implies(f, p)` is p where the feature f is on, and true elsewhere.
    // Keys past the end are part of the predicate; nothing is implicit.
    Mask keep = col < keys.length() && implies(key.causal, col <= row) &&
                (implies(key.windowLeft, col >= row - left) || (key.sinkTokens && col < sinks));
    if (stride > 1) // an `if` of C++: two programs, not two variants of one
      keep = keep && col % Index(stride) == Index(0);

    // Hidden scores become minus infinity, whose exponential is zero.
    // `mask` also promises that a tile in which nothing is kept leaves the
    // state as it was. That is what allows the compiler to skip it.
    Tile e = exp2(mask(dot(qi, transpose(keys.load(j, block))), keep));
    return Sums{sums.weight + rowSum(e), dot(e, values.load(j, block, Padding::zero), sums.value)};
  });
  o(batch, head).store(i, value / weight);
  return p;
}

/// Draws the tiles that a variant visits for 128 queries and 120 keys.
static void draw(const char *keyText, int64_t stride = 1) {
  Key key = llvm::cantFail(parseKey(keyText));
  TracedProgram program = llvm::cantFail(finish(attention(stride)));

  // generic -> specialized: the stage has a function that adds its passes. The
  // pipeline replaces features by constants, drops what became dead and splits
  // the loop.
  mlir::PassManager passes(program.context.get());
  buildSpecialize(passes, key);
  if (failed(passes.run(*program.module)))
    return;

  // Sizes of windows are arguments, so the specialised program is right for
  // each of them. The map counts what its loops do for one choice.
  Lengths lengths{.seqlenQ = 128, .seqlenKv = 120};
  lengths.indices["window_left"] = 40;
  lengths.indices["sink_tokens"] = 4;
  auto function = *program.module->getOps<mlir::func::FuncOp>().begin();
  TileMap map = llvm::cantFail(mapTiles(function, lengths));

  llvm::outs() << str(key) << (stride > 1 ? ", strided" : "") << "\n";
  for (int64_t i = 0; i < map.queryTiles; ++i) {
    llvm::outs() << "  ";
    for (int64_t j = 0; j < map.keyTiles; ++j)
      llvm::outs() << ".o#?"[static_cast<int>(map.at(i, j))];
    llvm::outs() << "\n";
  }
}

int main() {
  // Without any feature only the last tile is masked: 120 keys end inside it.
  draw("f32,d8");
  // Query 0 stands at key 120 - 128 = -8 and sees nothing, query 8 sees key 0.
  draw("f32,d8,causal");
  // A window cuts off what lies far behind; the sinks stay. Two ranges of key
  // tiles with a gap between them are one loop, over a list of ranges.
  draw("f32,d8,causal,window_left");
  draw("f32,d8,causal,window_left,sink_tokens");
  // The analysis does not understand remainders. That part of the predicate
  // counts as possibly true and possibly false: the tiles that the other parts
  // leave are looked at when the kernel runs, and no tile goes without its
  // mask.
  draw("f32,d8,causal", /*stride=*/2);
  return 0;
}
