//===- DeferScaling.cpp - scale behind masks and maxima -------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/schedule/Factor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_DEFERSCALINGPASS
#include "passes/Passes.h.inc"

namespace {

/// A tile times a positive number that is the same everywhere.
struct Scaled {
  Value tile, splat;
};

std::optional<Scaled> matchScaled(Value tile) {
  auto product = tile.getDefiningOp<arith::MulFOp>();
  if (!product || !isa<RankedTensorType>(tile.getType()))
    return std::nullopt;
  for (unsigned i : {0, 1})
    if (Value side = product->getOperand(i); isPositiveSplat(side))
      return Scaled{product->getOperand(1 - i), side};
  return std::nullopt;
}

// mask(x * f, keep)  ->  mask(x, keep) * f     (f > 0 leaves -infinity as it is)
struct DeferBehindMask : OpRewritePattern<tile::MaskOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tile::MaskOp op, PatternRewriter &rewriter) const override {
    std::optional<Scaled> scaled = matchScaled(op.getSource());
    if (!scaled)
      return rewriter.notifyMatchFailure(op, "source is not scaled by a positive number");
    Value masked = tile::MaskOp::create(rewriter, op.getLoc(), scaled->tile, op.getKeep());
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, masked, scaled->splat);
    return success();
  }
};

// reduce max(x * f)  ->  reduce max(x) * f     (f > 0 keeps the order)
struct DeferBehindMax : OpRewritePattern<tile::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tile::ReduceOp op, PatternRewriter &rewriter) const override {
    if (op.getKind() != tile::ReduceKind::Max)
      return rewriter.notifyMatchFailure(op, "not a maximum");
    std::optional<Scaled> scaled = matchScaled(op.getSource());
    if (!scaled)
      return rewriter.notifyMatchFailure(op, "source is not scaled by a positive number");
    Location loc = op.getLoc();
    Value max = tile::ReduceOp::create(rewriter, loc, tile::ReduceKind::Max, scaled->tile);
    Value splat =
        tensor::SplatOp::create(rewriter, loc, splatFactor(rewriter, scaled->splat), op.getType());
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, max, splat);
    return success();
  }
};

// x * f - y * g  ->  (x - y * (g / f)) * f     (f > 0)
struct DeferBehindDifference : OpRewritePattern<arith::SubFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SubFOp op, PatternRewriter &rewriter) const override {
    auto bias = op.getRhs().getDefiningOp<arith::MulFOp>();
    if (!isa<RankedTensorType>(op.getType()) || !bias)
      return rewriter.notifyMatchFailure(op, "no scaled tile is subtracted");
    std::optional<Scaled> scaled = matchScaled(op.getLhs());
    if (!scaled)
      return rewriter.notifyMatchFailure(op, "minuend is not scaled by a positive number");
    for (unsigned i : {0, 1}) {
      Value factor = splatFactor(rewriter, bias->getOperand(i));
      if (!factor)
        continue;
      Location loc = op.getLoc();
      auto type = cast<RankedTensorType>(op.getType());
      Value ratio =
          arith::DivFOp::create(rewriter, loc, factor, splatFactor(rewriter, scaled->splat));
      Value splat = tensor::SplatOp::create(rewriter, loc, ratio, type);
      Value product = arith::MulFOp::create(rewriter, loc, bias->getOperand(1 - i), splat);
      Value difference = arith::SubFOp::create(rewriter, loc, scaled->tile, product);
      rewriter.replaceOpWithNewOp<arith::MulFOp>(op, difference, scaled->splat);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "subtrahend is not scaled by a number");
  }
};

struct DeferScalingPass : impl::DeferScalingPassBase<DeferScalingPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<DeferBehindDifference, DeferBehindMask, DeferBehindMax>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tessera
