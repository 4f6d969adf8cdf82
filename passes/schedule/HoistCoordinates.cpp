//===- HoistCoordinates.cpp - know early where a gather reads -------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_HOISTCOORDINATESPASS
#include "passes/Passes.h.inc"

namespace {

/// Whether a gather runs along one dimension of its table: few reads then serve a whole tile. Of
/// others the coordinates of each element would have to be kept.
bool isAlongOneDimension(tile::GatherOp gather) {
  return llvm::count_if(gather.getCoordinates(), [](Value coordinate) {
           return !coordinate.getDefiningOp<tensor::SplatOp>() &&
                  !matchPattern(coordinate, m_Constant());
         }) == 1;
}

/// The first product that is issued in front of a gather, in its block; null if there is none.
Operation *firstProduct(tile::GatherOp gather) {
  for (Operation &op : *gather->getBlock()) {
    if (&op == gather)
      return nullptr;
    if (isa<sm::DotOp>(op))
      return &op;
  }
  return nullptr;
}

/// The last of the ops behind `product` that an op needs, or `product`.
Operation *lastNeeded(Operation *op, Operation *product) {
  Operation *last = product;
  for (Value operand : op->getOperands())
    if (Operation *needed = operand.getDefiningOp();
        needed && needed->getBlock() == last->getBlock() && last->isBeforeInBlock(needed))
      last = needed;
  return last;
}

// product; others; coordinates; gather
// ->
// product; coordinates; others; gather         (behind those of the others that they need)
void hoist(Value coordinates, Operation *product) {
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) {
    return op->getBlock() == product->getBlock() && product->isBeforeInBlock(op) && isPure(op) &&
           op->getNumRegions() == 0 && !isa<tile::GatherOp>(op);
  };
  llvm::SetVector<Operation *> slice;
  (void)getBackwardSlice(coordinates, &slice, options);
  for (Operation *op : slice)
    op->moveAfter(lastNeeded(op, product));
}

struct HoistCoordinatesPass : impl::HoistCoordinatesPassBase<HoistCoordinatesPass> {
  void runOnOperation() override {
    getOperation().walk([](tile::GatherOp gather) {
      if (!isAlongOneDimension(gather))
        return;
      if (Operation *product = firstProduct(gather))
        for (Value coordinates : gather.getCoordinates())
          hoist(coordinates, product);
    });
  }
};

} // namespace
} // namespace tessera
