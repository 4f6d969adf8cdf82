//===- GuardUndecidedMasks.cpp - decide at run time what analysis cannot --===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/specialize/VisibleRange.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_GUARDUNDECIDEDMASKSPASS
#include "passes/Passes.h.inc"

namespace {

//   scf.for iter_args(%s) { keep...; rest...; yield %next }
// ->
//   scf.for iter_args(%s) {
//     keep...
//     %r = scf.if (tile.any %keep) { rest...; yield %next } else { yield %s }
//     yield %r }
void guard(scf::ForOp loop) {
  Block *body = loop.getBody();
  llvm::SetVector<Operation *> decides;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) { return op->getBlock() == body; };
  (void)getBackwardSlice(maskOf(loop).getKeep(), &decides, options);

  OpBuilder builder(loop.getContext());
  builder.setInsertionPointToStart(body);
  // The mask's operands first, in their order.
  Operation *last = nullptr;
  for (Operation &op : llvm::make_early_inc_range(*body)) {
    if (!decides.contains(&op))
      continue;
    if (last)
      op.moveAfter(last);
    else
      op.moveBefore(body, body->begin());
    last = &op;
  }
  if (last)
    builder.setInsertionPointAfter(last);
  auto any =
      tile::AnyOp::create(builder, loop.getLoc(), builder.getI1Type(), maskOf(loop).getKeep());
  auto branch = scf::IfOp::create(builder, loop.getLoc(), loop.getResultTypes(), any,
                                  /*withElseRegion=*/true);
  auto yield = cast<scf::YieldOp>(body->getTerminator());
  Block *visited = branch.thenBlock();
  visited->getOperations().splice(visited->end(), body->getOperations(),
                                  std::next(branch->getIterator()), body->end());
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loop.getLoc(), loop.getRegionIterArgs());
  builder.setInsertionPointToEnd(body);
  scf::YieldOp::create(builder, yield.getLoc(), branch.getResults());
}

struct GuardUndecidedMasksPass : impl::GuardUndecidedMasksPassBase<GuardUndecidedMasksPass> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (maskOf(loop) && !loop.getInitArgs().empty() && isUndecided(loop))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      guard(loop);
  }
};

} // namespace
} // namespace tessera
