//===- MergeFactors.cpp - scale a tile once -------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_MERGEFACTORSPASS
#include "passes/Passes.h.inc"

namespace {

/// What is the same for every element of a tile: a scalar or a constant.
OpFoldResult factorOf(Value tile) {
  if (auto splat = tile.getDefiningOp<tensor::SplatOp>())
    return splat.getInput();
  SplatElementsAttr constant;
  if (matchPattern(tile, m_Constant(&constant)))
    return constant.getSplatValue<Attribute>();
  return {};
}

/// `tile * factor` or `tile / factor`.
struct Scaled {
  Value tile;
  OpFoldResult factor;
  bool divides = false;

  explicit operator bool() const { return bool(factor); }
};

Scaled scaledOf(Operation *op) {
  auto type = op ? dyn_cast<RankedTensorType>(op->getResult(0).getType()) : nullptr;
  if (!type || !type.hasStaticShape() || !type.getElementType().isF32())
    return {};
  if (!isa<arith::MulFOp, arith::DivFOp>(op))
    return {};
  bool divides = isa<arith::DivFOp>(op);
  Value left = op->getOperand(0), right = op->getOperand(1);
  if (OpFoldResult factor = factorOf(right))
    return {left, factor, divides};
  if (divides) // a tile below a number is no multiple of the tile
    return {};
  return {right, factorOf(left), false};
}

// (t * a) * b  ->  t * (a * b)
// (t / a) * b  ->  t * (b / a)
// (t * a) / b  ->  t * (a / b)
template <typename OuterOp>
struct MergeFactors : OpRewritePattern<OuterOp> {
  MergeFactors(MLIRContext *context, Pass::Statistic &merged)
      : OpRewritePattern<OuterOp>(context), merged(merged) {}

  LogicalResult matchAndRewrite(OuterOp op, PatternRewriter &rewriter) const override {
    Scaled outer = scaledOf(op);
    if (!outer)
      return rewriter.notifyMatchFailure(op, "not an f32 tile scaled by one number");
    Scaled inner = scaledOf(outer.tile.getDefiningOp());
    if (!inner)
      return rewriter.notifyMatchFailure(op, "the tile is not itself scaled by one number");
    if (!outer.tile.hasOneUse())
      return rewriter.notifyMatchFailure(op, "the tile scaled once has other uses");
    if (inner.divides && outer.divides)
      return rewriter.notifyMatchFailure(op, "two divisions and no multiplication");

    Location loc = op.getLoc();
    auto scalar = [&](OpFoldResult factor) -> Value {
      if (auto value = dyn_cast<Value>(factor))
        return value;
      return arith::ConstantOp::create(rewriter, loc, cast<TypedAttr>(cast<Attribute>(factor)));
    };
    Value a = scalar(inner.factor), b = scalar(outer.factor);
    Value factor = outer.divides   ? rewriter.createOrFold<arith::DivFOp>(loc, a, b)
                   : inner.divides ? rewriter.createOrFold<arith::DivFOp>(loc, b, a)
                                   : rewriter.createOrFold<arith::MulFOp>(loc, a, b);
    Value splat = rewriter.createOrFold<tensor::SplatOp>(loc, factor, op.getType());
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, inner.tile, splat);
    ++merged;
    return success();
  }

private:
  Pass::Statistic &merged;
};

struct MergeFactorsPass : impl::MergeFactorsPassBase<MergeFactorsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<MergeFactors<arith::MulFOp>, MergeFactors<arith::DivFOp>>(&getContext(), merged);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tessera
