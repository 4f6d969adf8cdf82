//===- AddToProducts.cpp - a product begins with what is added to it ------===//
//
// A bias that only depends on where a score stands is known before the product
// it is added to. Where the sum of the product begins with it, matrix
// instructions add, and what follows the product is what it is without a bias.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"
#include "passes/schedule/Factor.h"
#include "passes/schedule/RangeLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_ADDTOPRODUCTSPASS
#include "passes/Passes.h.inc"

namespace {

/// `dot * factor + bias`, or minus the bias.
struct BiasedProduct {
  Operation *sum;
  arith::MulFOp product;
  tile::DotOp dot;
  Value factor; ///< a tile of one positive number
  Value bias;
  bool isSubtracted;

  static std::optional<BiasedProduct> match(Operation *sum) {
    if (!isa<arith::AddFOp, arith::SubFOp>(sum) ||
        !isa<RankedTensorType>(sum->getResult(0).getType()))
      return std::nullopt;
    for (unsigned i : {0, 1}) {
      if (i && isa<arith::SubFOp>(sum)) // what is subtracted is not the product
        break;
      auto product = sum->getOperand(i).getDefiningOp<arith::MulFOp>();
      if (!product || !product->hasOneUse() || product->getBlock() != sum->getBlock())
        continue;
      for (unsigned j : {0, 1}) {
        auto dot = product->getOperand(j).getDefiningOp<tile::DotOp>();
        BiasedProduct found{sum,
                            product,
                            dot,
                            product->getOperand(1 - j),
                            sum->getOperand(1 - i),
                            isa<arith::SubFOp>(sum)};
        if (dot && dot->getBlock() == sum->getBlock() && dot->hasOneUse() &&
            isZeroSplat(dot.getAcc()) && isPositiveSplat(found.factor) && found.isKnownBefore())
          return found;
      }
    }
    return std::nullopt;
  }

  /// From positions, and strips, and arithmetic on them.
  bool isKnownBefore() const {
    Operation *made = bias.getDefiningOp();
    if (!made || made->getBlock() != dot->getBlock())
      return false;
    bool isKnown = true, isPlace = false;
    for (Operation *op : sliceInBlock(made)) {
      isPlace |= isa<tile::PositionsOp, sm::GatherStripOp>(op);
      isKnown &= isa<tile::PositionsOp, sm::GatherStripOp, tile::LoadOp, tile::NthOp,
                     tile::BroadcastOp, tensor::SplatOp>(op) ||
                 (op->hasTrait<OpTrait::Elementwise>() && isPure(op));
    }
    return isKnown && isPlace;
  }
};

/// Whether all elements of a tile are one number, which is known in front of a loop.
bool isNumberBefore(scf::ForOp loop, Value tile) {
  if (auto splat = tile.getDefiningOp<tensor::SplatOp>())
    return loop.isDefinedOutsideOfLoop(splat.getInput());
  SplatElementsAttr constant;
  return matchPattern(tile, m_Constant(&constant));
}

/// Numbers of a strip that nothing else reads, or a multiple of them.
struct ScaledStrip {
  sm::GatherStripOp strip;
  Value factor; ///< a tile of one number; null: one

  static std::optional<ScaledStrip> of(scf::ForOp loop, Value value) {
    auto isOwn = [](sm::GatherStripOp strip) {
      return strip && strip->hasOneUse() && !strip.getFactor();
    };
    if (auto strip = value.getDefiningOp<sm::GatherStripOp>(); isOwn(strip))
      return ScaledStrip{strip, {}};
    auto product = value.getDefiningOp<arith::MulFOp>();
    if (!product || !product->hasOneUse())
      return std::nullopt;
    for (unsigned i : {0, 1}) {
      auto strip = product->getOperand(i).getDefiningOp<sm::GatherStripOp>();
      Value factor = product->getOperand(1 - i);
      if (isOwn(strip) && isNumberBefore(loop, factor))
        return ScaledStrip{strip, factor};
    }
    return std::nullopt;
  }
};

// (dot %a, %b, 0) * %f + %bias   ->   (dot %a, %b, (%bias * 1 / %f)) * %f
// Who fills a strip multiplies it.
void addToProduct(BiasedProduct &biased) {
  Operation *made = biased.bias.getDefiningOp();
  for (Operation *op : sliceInBlock(made))
    if (biased.dot->isBeforeInBlock(op))
      op->moveBefore(biased.dot);
  Location loc = biased.sum->getLoc();
  auto loop = cast<scf::ForOp>(biased.dot->getParentOp());
  OpBuilder front(loop), builder(biased.dot);
  Value sign =
      arith::ConstantOp::create(front, loc, front.getF32FloatAttr(biased.isSubtracted ? -1 : 1));
  Value inverse = arith::DivFOp::create(front, loc, sign, splatFactor(front, biased.factor));
  Value start;
  if (std::optional<ScaledStrip> scaled = ScaledStrip::of(loop, biased.bias)) {
    if (scaled->factor)
      inverse = arith::MulFOp::create(front, loc, inverse, splatFactor(front, scaled->factor));
    scaled->strip.getFactorMutable().assign(inverse);
    start = scaled->strip;
  } else {
    auto type = cast<RankedTensorType>(biased.bias.getType());
    Value splat = tensor::SplatOp::create(builder, loc, inverse, type);
    start = arith::MulFOp::create(builder, loc, biased.bias, splat);
  }
  biased.dot.getAccMutable().assign(start);
  biased.sum->replaceAllUsesWith(ValueRange(biased.product.getResult()));
  biased.sum->erase();
}

struct AddToProductsPass : impl::AddToProductsPassBase<AddToProductsPass> {
  void runOnOperation() override {
    SmallVector<BiasedProduct> found;
    getOperation().walk([&](Operation *op) {
      auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
      // Numbers of tiles stand in front of the loop.
      if (!loop || loop->getParentOfType<sm::RarelyOp>() || op->getNumResults() != 1)
        return;
      if (std::optional<BiasedProduct> biased = BiasedProduct::match(op);
          biased && isNumberBefore(loop, biased->factor))
        found.push_back(*biased);
    });
    for (BiasedProduct &biased : found)
      addToProduct(biased);
  }
};

} // namespace
} // namespace tessera
