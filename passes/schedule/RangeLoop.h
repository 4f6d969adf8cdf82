//===- RangeLoop.h - loops over lists of ranges ---------------------------===//

#ifndef TESSERA_PASSES_SCHEDULE_RANGELOOP_H
#define TESSERA_PASSES_SCHEDULE_RANGELOOP_H

#include "dsl/ir/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera {

/// The list of ranges that a loop runs over: who maps its counter, and is all that reads it. Null
/// if it is no such loop.
tile::NthOp nthOf(mlir::scf::ForOp loop);

/// Whether the ranges of a loop provably hold one index at most, as the tiles of keys do that a
/// mask of the end of their sequence touches.
bool hasOneIndexAtMost(tile::NthOp nth);

/// Half-open; without a start or an end, from the first number or to the last.
struct Interval {
  mlir::Value start, end;
};

/// Whether a number is in one of several intervals; null if there are none.
mlir::Value isInAny(mlir::OpBuilder &builder, mlir::Value number,
                    llvm::ArrayRef<Interval> intervals);

/// What an op needs of its block, in the block's order, and the op.
llvm::SetVector<mlir::Operation *> sliceInBlock(mlir::Operation *root);

/// The loop that continues with all results of a loop, and is all that reads them.
mlir::scf::ForOp nextOf(mlir::scf::ForOp loop);

/// Whether a loop continues with the results of another.
bool continuesLoop(mlir::scf::ForOp loop);

/// A loop, and those that continue it one after the other.
llvm::SmallVector<mlir::scf::ForOp> chainFrom(mlir::scf::ForOp first);

} // namespace tessera

#endif // TESSERA_PASSES_SCHEDULE_RANGELOOP_H
