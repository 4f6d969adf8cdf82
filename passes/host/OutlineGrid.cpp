//===- OutlineGrid.cpp - the grid's extents, and the work of one point ----===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/host/HostProgram.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_OUTLINEGRIDPASS
#include "passes/Passes.h.inc"

namespace {

tile::GridOp gridOf(func::FuncOp func) {
  auto grids = func.getBody().front().getOps<tile::GridOp>();
  return grids.empty() ? tile::GridOp() : *grids.begin();
}

// func @f_extents(args) -> (index, index, index): what stands before the grid.
void outlineExtents(func::FuncOp func) {
  OpBuilder builder(func);
  auto extents = cast<func::FuncOp>(builder.clone(*func));
  extents.setName((func.getName() + extentsSuffix).str());
  tile::GridOp grid = gridOf(extents);
  Block *body = grid->getBlock();
  while (&body->back() != grid) {
    body->back().dropAllDefinedValueUses();
    body->back().erase();
  }
  builder.setInsertionPointToEnd(body);
  func::ReturnOp::create(builder, grid.getLoc(), grid.getOperands());
  Type index = builder.getIndexType();
  extents.setFunctionType(
      builder.getFunctionType(extents.getArgumentTypes(), {index, index, index}));
  grid.erase();
}

// func @f(args, %tile, %head, %batch): one point.
LogicalResult takeCoordinates(func::FuncOp func) {
  tile::GridOp grid = gridOf(func);
  Type index = IndexType::get(func.getContext());
  for (Value coordinate : grid.getResults()) {
    unsigned number = func.getNumArguments();
    if (failed(func.insertArgument(number, index, {}, grid.getLoc())))
      return failure();
    coordinate.replaceAllUsesWith(func.getArgument(number));
  }
  grid.erase();
  return success();
}

struct OutlineGridPass : impl::OutlineGridPassBase<OutlineGridPass> {
  void runOnOperation() override {
    for (func::FuncOp func : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (func.isExternal() || !gridOf(func))
        continue;
      outlineExtents(func);
      if (failed(takeCoordinates(func)))
        return signalPassFailure();
    }
  }
};

} // namespace
} // namespace tessera
