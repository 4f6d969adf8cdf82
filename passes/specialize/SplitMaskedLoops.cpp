//===- SplitMaskedLoops.cpp - visit what is visible, mask what is mixed ---===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/specialize/VisibleRange.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SPLITMASKEDLOOPSPASS
#include "passes/Passes.h.inc"

namespace {

/// A copy of `loop` over the tiles in `ranges`, starting from `init`.
///
///   %n = tile.count (starts) to (ends)
///   scf.for %t = 0 to %n  { %j = tile.nth %t of (starts) to (ends); body(%j) }
scf::ForOp copyOver(OpBuilder &builder, scf::ForOp loop, const TileRanges &ranges, bool descending,
                    ValueRange init) {
  Location loc = loop.getLoc();
  auto count =
      tile::CountOp::create(builder, loc, builder.getIndexType(), ranges.starts, ranges.ends);
  auto copy = scf::ForOp::create(builder, loc, loop.getLowerBound(), count, loop.getStep(), init);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(copy.getBody());
  auto nth = tile::NthOp::create(builder, loc, builder.getIndexType(), copy.getInductionVar(),
                                 ranges.starts, ranges.ends, descending);
  IRMapping mapping;
  mapping.map(loop.getInductionVar(), nth);
  mapping.map(loop.getRegionIterArgs(), copy.getRegionIterArgs());
  for (Operation &op : *loop.getBody())
    builder.clone(op, mapping);
  return copy;
}

struct SplitMaskedLoopsPass : impl::SplitMaskedLoopsPassBase<SplitMaskedLoopsPass> {
  using SplitMaskedLoopsPassBase::SplitMaskedLoopsPassBase;

  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (maskOf(loop) && !loop.getInitArgs().empty())
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      splitLoop(loop);
  }

  void splitLoop(scf::ForOp loop) {
    OpBuilder builder(loop);
    std::optional<VisibleTiles> tiles = buildVisibleTiles(builder, loop);
    if (!tiles)
      return;
    ValueRange state = loop.getInitArgs();
    bool inSegments = descending && tiles->segments;
    auto append = [&](const TileRanges &ranges, bool isMasked) {
      if (ranges.starts.empty())
        return;
      scf::ForOp copy = copyOver(builder, loop, ranges, inSegments, state);
      if (!isMasked)
        dropMask(maskOf(copy));
      state = copy.getResults();
    };
    if (inSegments) {
      for (const TileSegment &segment : llvm::reverse(*tiles->segments))
        append({{segment.start}, {segment.end}}, segment.isMasked);
    } else {
      append(tiles->masked, /*isMasked=*/true);
      append(tiles->full, /*isMasked=*/false);
    }
    loop.replaceAllUsesWith(state);
    loop.erase();
    ++split;
  }
};

} // namespace
} // namespace tessera
