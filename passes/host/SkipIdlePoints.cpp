//===- SkipIdlePoints.cpp - points of the grid past the end ---------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SKIPIDLEPOINTSPASS
#include "passes/Passes.h.inc"

namespace {

/// The stores of a program, if each writes the tile of the grid and says how
/// many rows there are; else none.
SmallVector<tile::StoreOp> boundedStores(func::FuncOp func, tile::GridOp grid) {
  SmallVector<tile::StoreOp> stores;
  WalkResult walk = func.walk([&](tile::StoreOp store) {
    stores.push_back(store);
    bool bounded = store.getTile() == grid.getTile() && store.getLength() &&
                   store.getLength().getParentBlock() == grid->getBlock();
    return bounded ? WalkResult::advance() : WalkResult::interrupt();
  });
  if (walk.wasInterrupted())
    stores.clear();
  return stores;
}

// grid; what the lengths need; rest...
// ->
// grid; what the lengths need; scf.if (some row is left) { rest... }
void skip(tile::GridOp grid, ArrayRef<tile::StoreOp> stores) {
  Block *block = grid->getBlock();
  llvm::SetVector<Operation *> decides;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) {
    return op->getBlock() == block && grid->isBeforeInBlock(op);
  };
  for (tile::StoreOp store : stores) {
    auto value = store.getLength();
    if (value.getDefiningOp())
      (void)getBackwardSlice(value, &decides, options);
  }

  SmallVector<Operation *> rest;
  for (Operation &op : llvm::make_range(std::next(grid->getIterator()), block->end()))
    if (!decides.contains(&op) && !op.hasTrait<OpTrait::IsTerminator>())
      rest.push_back(&op);

  OpBuilder builder(block->getTerminator());
  Location loc = grid.getLoc();
  Value live;
  for (tile::StoreOp store : stores) {
    Value size =
        arith::ConstantIndexOp::create(builder, loc, store.getValue().getType().getDimSize(0));
    Value first = arith::MulIOp::create(builder, loc, grid.getTile(), size);
    Value some =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, first, store.getLength());
    live = live ? arith::OrIOp::create(builder, loc, live, some).getResult() : some;
  }
  auto branch = scf::IfOp::create(builder, loc, live);
  for (Operation *op : rest)
    op->moveBefore(branch.thenBlock()->getTerminator());
}

struct SkipIdlePointsPass : impl::SkipIdlePointsPassBase<SkipIdlePointsPass> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    auto grids = getOperation().getBody().front().getOps<tile::GridOp>();
    if (grids.empty())
      return;
    tile::GridOp grid = *grids.begin();
    SmallVector<tile::StoreOp> stores = boundedStores(getOperation(), grid);
    if (!stores.empty())
      skip(grid, stores);
  }
};

} // namespace
} // namespace tessera
