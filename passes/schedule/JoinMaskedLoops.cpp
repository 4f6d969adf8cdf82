//===- JoinMaskedLoops.cpp - one loop for tiles with and without a mask ---===//
//
// Loops over tiles that a mask touches, and over those that it leaves, differ in
// the mask alone. Joined, the mask stands under a branch that is decided by the
// number of the iteration, and a kernel holds one body instead of two or three:
// assembling a body takes a good part of the time until a kernel first runs.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"
#include "passes/schedule/RangeLoop.h"
#include "passes/specialize/VisibleRange.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_JOINMASKEDLOOPSPASS
#include "passes/Passes.h.inc"

namespace {

/// A copy of a loop over the numbers of its tiles, with its mask or without.
OwningOpRef<scf::ForOp> copyOf(scf::ForOp loop, bool isMasked) {
  OwningOpRef<scf::ForOp> copy(loop.clone());
  tile::NthOp nth = nthOf(*copy);
  nth.replaceAllUsesWith(copy->getInductionVar());
  nth.erase();
  if (tile::MaskOp mask = maskOf(*copy); mask && !isMasked)
    dropMask(mask);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*copy->getBody())))
    if (isOpTriviallyDead(&op))
      op.erase();
  return copy;
}

/// Whether a loop does to each tile what another does, but for the mask that it may lack.
bool isLike(scf::ForOp loop, scf::ForOp masked) {
  bool isMasked = bool(maskOf(loop));
  OwningOpRef<scf::ForOp> own = copyOf(loop, isMasked), other = copyOf(masked, isMasked);
  return OperationEquivalence::isRegionEquivalentTo(&own->getRegion(), &other->getRegion(),
                                                    OperationEquivalence::IgnoreLocations);
}

/// Loops that continue each other, the first of which masks.
struct Chain {
  SmallVector<scf::ForOp> loops;

  bool canJoin() {
    scf::ForOp first = loops.front();
    if (loops.size() < 2 || !nthOf(first) || !maskOf(first))
      return false;
    return llvm::all_of(llvm::drop_begin(loops), [&](scf::ForOp loop) {
      tile::NthOp nth = nthOf(loop);
      return nth && nth.getDescending() == nthOf(first).getDescending() && isLike(loop, first);
    });
  }
};

/// The ranges of all loops; those that touch are one.
void listRanges(Chain &chain, SmallVector<Value> &starts, SmallVector<Value> &ends) {
  for (scf::ForOp loop : chain.loops) {
    tile::NthOp nth = nthOf(loop);
    bool touches = !starts.empty() && nth.getDescending() && nth.getStarts().size() == 1 &&
                   nth.getEnds().front() == starts.back();
    if (touches) {
      starts.back() = nth.getStarts().front();
      continue;
    }
    llvm::append_range(starts, nth.getStarts());
    llvm::append_range(ends, nth.getEnds());
  }
}

/// The tiles of loops that mask.
SmallVector<Interval> maskedTiles(Chain &chain) {
  SmallVector<Interval> tiles;
  for (scf::ForOp loop : chain.loops) {
    if (!maskOf(loop))
      continue;
    tile::NthOp nth = nthOf(loop);
    // All tiles lie before the end of the first range, if they are taken from the last one on.
    bool isFirst =
        loop == chain.loops.front() && nth.getDescending() && nth.getStarts().size() == 1;
    for (auto [start, end] : llvm::zip_equal(nth.getStarts(), nth.getEnds()))
      tiles.push_back({start, isFirst ? Value() : end});
  }
  return tiles;
}

// %y = tile.mask %x, %keep   ->   %y = scf.if %isMasked { tile.mask %x, %keep } else { %x }
void putUnderBranch(tile::MaskOp mask, Value isMasked) {
  OpBuilder builder(mask);
  auto branch = scf::IfOp::create(builder, mask.getLoc(), mask.getType(), isMasked,
                                  /*withElseRegion=*/true);
  mask.replaceAllUsesWith(branch.getResult(0));
  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, mask.getLoc(), mask.getSource());
  builder.setInsertionPointToEnd(branch.thenBlock());
  sm::BranchOnlyOp::create(builder, mask.getLoc());
  auto yield = scf::YieldOp::create(builder, mask.getLoc(), mask.getResult());
  mask->moveBefore(yield);
  // What only the mask reads goes along.
  for (Operation *op = branch->getPrevNode(); op;) {
    Operation *before = op->getPrevNode();
    bool isInside = !op->use_empty() && llvm::all_of(op->getUsers(), [&](Operation *user) {
      return branch.getThenRegion().isAncestor(user->getParentRegion());
    });
    if (isInside && isPure(op) && !op->getNumRegions())
      op->moveAfter(&branch.thenBlock()->front());
    op = before;
  }
}

void join(Chain &chain) {
  scf::ForOp first = chain.loops.front(), last = chain.loops.back();
  OpBuilder builder(last);
  Location loc = first.getLoc();
  SmallVector<Value> starts, ends;
  listRanges(chain, starts, ends);
  Value count = tile::CountOp::create(builder, loc, builder.getIndexType(), starts, ends);
  auto joined = scf::ForOp::create(builder, loc, first.getLowerBound(), count, first.getStep(),
                                   first.getInitArgs());
  OpBuilder inside = OpBuilder::atBlockBegin(joined.getBody());
  tile::NthOp nth = nthOf(first);
  IRMapping mapping;
  Value tile = tile::NthOp::create(inside, loc, builder.getIndexType(), joined.getInductionVar(),
                                   starts, ends, nth.getDescending());
  mapping.map(nth.getResult(), tile);
  mapping.map(first.getRegionIterArgs(), joined.getRegionIterArgs());
  Value masked = isInAny(inside, tile, maskedTiles(chain));
  for (Operation &op : *first.getBody())
    if (&op != nth)
      inside.clone(op, mapping);
  putUnderBranch(maskOf(joined), masked);

  last.replaceAllUsesWith(joined.getResults());
  for (scf::ForOp loop : llvm::reverse(chain.loops))
    loop.erase();
}

struct JoinMaskedLoopsPass : impl::JoinMaskedLoopsPassBase<JoinMaskedLoopsPass> {
  void runOnOperation() override {
    SmallVector<Chain> chains;
    getOperation().walk([&](scf::ForOp loop) {
      if (!continuesLoop(loop))
        if (Chain chain{chainFrom(loop)}; chain.canJoin())
          chains.push_back(std::move(chain));
    });
    for (Chain &chain : chains)
      join(chain);
  }
};

} // namespace
} // namespace tessera
