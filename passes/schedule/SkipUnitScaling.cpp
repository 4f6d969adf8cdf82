//===- SkipUnitScaling.cpp - do not multiply by one -----------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SKIPUNITSCALINGPASS
#include "passes/Passes.h.inc"

namespace {

/// A factor of each row, of a tile that has more than one column.
tile::BroadcastOp rowFactor(Value value) {
  auto broadcast = value.getDefiningOp<tile::BroadcastOp>();
  if (broadcast && broadcast.getSource().getType().getDimSize(1) == 1 &&
      broadcast.getSource().getType().getDimSize(0) != 1)
    return broadcast;
  return {};
}

/// Where factors are results of a branch that yields ones otherwise: its condition.
Value knownCondition(Value factors) {
  auto branch = factors.getDefiningOp<scf::IfOp>();
  if (!branch)
    return {};
  unsigned number = cast<OpResult>(factors).getResultNumber();
  SplatElementsAttr constant;
  if (!matchPattern(branch.elseYield().getOperand(number), m_Constant(&constant)) ||
      !constant.getSplatValue<APFloat>().isExactlyValue(1))
    return {};
  return branch.getCondition();
}

/// Whether some row of the warp has a factor other than one.
Value anyChanges(OpBuilder &builder, Location loc, Value factors) {
  if (Value condition = knownCondition(factors))
    return condition;
  auto rows = cast<RankedTensorType>(factors.getType());
  Value one = arith::ConstantOp::create(builder, loc,
                                        DenseElementsAttr::get(rows, builder.getF32FloatAttr(1)));
  Value changes = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, factors, one);
  return sm::WarpAnyOp::create(builder, loc, builder.getI1Type(), changes);
}

// %y = %dot * broadcast(%f)
// ->
// %y = scf.if (some row of the warp has %f != 1) { %dot * broadcast(%f) } else { %dot }
void skip(arith::MulFOp product, tile::BroadcastOp factor, bool keepBranch) {
  OpBuilder builder(product);
  Location loc = product.getLoc();
  Value any = anyChanges(builder, loc, factor.getSource());
  Value tile = product.getLhs() == factor.getResult() ? product.getRhs() : product.getLhs();
  auto branch = scf::IfOp::create(
      builder, loc, any,
      [&](OpBuilder &then, Location) {
        if (keepBranch)
          sm::BranchOnlyOp::create(then, loc);
        Value scaled = arith::MulFOp::create(then, loc, tile, factor.getResult());
        scf::YieldOp::create(then, loc, scaled);
      },
      [&](OpBuilder &otherwise, Location) { scf::YieldOp::create(otherwise, loc, tile); });
  product.replaceAllUsesWith(branch.getResult(0));
  product.erase();
}

struct SkipUnitScalingPass : impl::SkipUnitScalingPassBase<SkipUnitScalingPass> {
  using SkipUnitScalingPassBase::SkipUnitScalingPassBase;

  void runOnOperation() override {
    SmallVector<std::pair<arith::MulFOp, tile::BroadcastOp>> found;
    getOperation().walk([&](arith::MulFOp product) {
      // Only where it is worth a branch: products in loops.
      if (!product->getParentOfType<scf::ForOp>())
        return;
      for (unsigned i : {0, 1})
        if (auto factor = rowFactor(product->getOperand(i));
            factor && product->getOperand(1 - i).getDefiningOp<tile::DotOp>())
          found.push_back({product, factor});
    });
    for (auto [product, factor] : found)
      skip(product, factor, branch);
  }
};

} // namespace
} // namespace tessera
