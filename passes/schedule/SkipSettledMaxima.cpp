//===- SkipSettledMaxima.cpp - do not exchange maxima that stay -----------===//
//
// A running maximum that may lag seldom moves. Whether it does, each thread sees
// from what it holds of a row; only where one does need they tell each other. To
// see it takes half as many instructions as to find the maximum: bits of positive
// numbers are compared like integers, three at a time.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"
#include "passes/schedule/Factor.h"
#include "passes/schedule/RangeLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SKIPSETTLEDMAXIMAPASS
#include "passes/Passes.h.inc"

namespace {

/// `%next > %bound ? %next : %old` of each row, where %next is a maximum, or a multiple of it, and
/// is asked for nothing else.
struct GrowingMax {
  tile::ReduceOp reduce;
  arith::MulFOp product; ///< null: %next is the maximum itself
  Value factor;          ///< of the product
  arith::CmpFOp grew;
  arith::SelectOp select;
  arith::SubFOp difference; ///< of %old and the result; null if that is not asked for
  math::Exp2Op growth;      ///< of the difference

  /// From the maximum on, each behind what it reads.
  SmallVector<Operation *> ops() const {
    SmallVector<Operation *> all{reduce, product, grew, select, difference, growth};
    llvm::erase(all, nullptr);
    return all;
  }
};

std::optional<GrowingMax> matchGrowingMax(arith::SelectOp select) {
  GrowingMax max;
  max.select = select;
  max.grew = select.getCondition().getDefiningOp<arith::CmpFOp>();
  auto type = dyn_cast<RankedTensorType>(select.getType());
  Value next = select.getTrueValue();
  if (!type || type.getDimSize(1) != 1 || !max.grew || !max.grew->hasOneUse() ||
      max.grew.getPredicate() != arith::CmpFPredicate::OGT || max.grew.getLhs() != next ||
      !next.hasNUses(2))
    return std::nullopt;
  max.reduce = next.getDefiningOp<tile::ReduceOp>();
  max.product = next.getDefiningOp<arith::MulFOp>();
  if (max.product)
    for (unsigned i : {0, 1}) {
      auto reduce = max.product->getOperand(i).getDefiningOp<tile::ReduceOp>();
      Value factor = max.product->getOperand(1 - i);
      if (reduce && reduce->hasOneUse())
        max.reduce = reduce, max.factor = factor;
    }
  if (!max.reduce || max.reduce.getKind() != tile::ReduceKind::Max)
    return std::nullopt;
  for (Operation *user : select->getUsers()) {
    auto difference = dyn_cast<arith::SubFOp>(user);
    if (!difference || difference.getLhs() != select.getFalseValue() || !difference->hasOneUse())
      continue;
    if (auto growth = dyn_cast<math::Exp2Op>(*difference->user_begin()))
      max.difference = difference, max.growth = growth;
  }
  return max;
}

/// What arithmetic costs an element of a tile, in the loop in front of it: one for an operation of
/// floats, and two for a function, which takes as long as an exponential.
int64_t costOf(Value tile) {
  int64_t cost = 0;
  Operation *made = tile.getDefiningOp();
  for (Operation *op : made ? sliceInBlock(made) : llvm::SetVector<Operation *>()) {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (op->hasTrait<OpTrait::Elementwise>() && type && type.getElementType().isF32() &&
        type.getDimSize(1) != 1)
      cost += isa<math::MathDialect>(op->getDialect()) ? 2 : 1;
  }
  return cost;
}

/// Arithmetic in front of a branch that nothing needs before: together with what reads it, it is
/// one instruction where it would be two on either side.
void sinkBehind(Operation *branch) {
  auto isBehind = [&](Operation *user) {
    Operation *here = branch->getBlock()->findAncestorOpInBlock(*user);
    return here && branch->isBeforeInBlock(here);
  };
  for (Operation *op = branch->getPrevNode(); op;) {
    Operation *before = op->getPrevNode();
    if (op->hasTrait<OpTrait::Elementwise>() && llvm::all_of(op->getUsers(), isBehind))
      op->moveAfter(branch);
    op = before;
  }
}

/// A value of each row, for each of its parts.
Value forParts(OpBuilder &builder, Value rows, RankedTensorType parts) {
  auto type = parts.clone(cast<RankedTensorType>(rows.getType()).getElementType());
  return tile::BroadcastOp::create(builder, rows.getLoc(), type, rows);
}

/// Parts of which a multiple of the maximum is above the bound of their row.
Value partsAbove(OpBuilder &builder, GrowingMax &max, Value part) {
  auto type = cast<RankedTensorType>(part.getType());
  if (max.factor)
    part = arith::MulFOp::create(builder, part.getLoc(), part, forParts(builder, max.factor, type));
  return arith::CmpFOp::create(builder, part.getLoc(), arith::CmpFPredicate::OGT, part,
                               forParts(builder, max.grew.getRhs(), type));
}

// %part = partial_reduce max(%x);  %grew = %part * %factor > %bound
//
// The maximum of a row is that of one of its parts, and so is what is computed from it.
Value growsByMaxima(OpBuilder &builder, GrowingMax &max, RankedTensorType parts) {
  Value part = tile::PartialReduceOp::create(builder, max.select.getLoc(), parts,
                                             tile::ReduceKind::Max, max.reduce.getSource());
  max.reduce.getSourceMutable().assign(part);
  return partsAbove(builder, max, part);
}

// %part = positive_max(%x);  %grew = %part * %factor > %bound or %bound < 0
Value growsByIntegers(OpBuilder &builder, GrowingMax &max, RankedTensorType parts) {
  Location loc = max.select.getLoc();
  Value part = sm::PositiveMaxOp::create(builder, loc, parts, max.reduce.getSource());
  Value above = partsAbove(builder, max, part);
  Value bound = max.grew.getRhs();
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(bound.getType()));
  Value isNegative = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, bound, zero);
  return arith::OrIOp::create(builder, loc, above, forParts(builder, isNegative, parts));
}

// %max = select(%next > %bound, %next, %old)        with %next = reduce max(%x) * %factor
// ->
// %max = scf.if (sm.warp_any of what may grow) {
//   the same
// } else {
//   %old
// }
void skip(GrowingMax &max, int64_t columns, bool integers) {
  OpBuilder builder(max.select);
  Location loc = max.select.getLoc();
  auto rows = cast<RankedTensorType>(max.select.getType());
  auto parts = RankedTensorType::get({rows.getDimSize(0), columns}, rows.getElementType());
  bool isPositive = !max.factor || isPositiveSplat(max.factor);
  Value grows = integers && isPositive ? growsByIntegers(builder, max, parts)
                                       : growsByMaxima(builder, max, parts);
  Value any = sm::WarpAnyOp::create(builder, loc, builder.getI1Type(), grows);

  SmallVector<Value> grown{max.select}, settled{max.select.getFalseValue()};
  if (max.growth)
    grown.push_back(max.growth);
  auto branch = scf::IfOp::create(builder, loc, ValueRange(grown).getTypes(), any,
                                  /*withElseRegion=*/true);
  for (auto [value, result] : llvm::zip_equal(grown, branch.getResults()))
    value.replaceAllUsesExcept(result, max.difference);
  builder.setInsertionPointToEnd(branch.thenBlock());
  sm::BranchOnlyOp::create(builder, loc);
  auto yield = scf::YieldOp::create(builder, loc, grown);
  for (Operation *op : max.ops())
    op->moveBefore(yield);

  builder.setInsertionPointToEnd(branch.elseBlock());
  if (max.growth)
    settled.push_back(arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(rows, builder.getF32FloatAttr(1))));
  scf::YieldOp::create(builder, loc, settled);
  sinkBehind(branch);
}

struct SkipSettledMaximaPass : impl::SkipSettledMaximaPassBase<SkipSettledMaximaPass> {
  using SkipSettledMaximaPassBase::SkipSettledMaximaPassBase;

  void runOnOperation() override {
    SmallVector<GrowingMax> found;
    getOperation().walk([&](arith::SelectOp select) {
      // Only where it is worth a branch: in loops, of what happens often.
      if (!select->getParentOfType<scf::ForOp>() || select->getParentOfType<sm::RarelyOp>())
        return;
      std::optional<GrowingMax> max = matchGrowingMax(select);
      if (max && costOf(max->reduce.getSource()) <= arithmetic)
        found.push_back(*max);
    });
    for (GrowingMax &max : found)
      skip(max, columns, integers);
  }
};

} // namespace
} // namespace tessera
