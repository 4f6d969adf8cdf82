//===- SkipSettledMaxima.cpp - do not exchange maxima that stay -----------===//
//
// A running maximum that may lag seldom moves. Whether it does, each thread sees
// from what it holds of a row; only where one does need they tell each other.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SKIPSETTLEDMAXIMAPASS
#include "passes/Passes.h.inc"

namespace {

/// `%next > %bound ? %next : %old` of each row, where %next is a maximum, or a multiple of it.
struct GrowingMax {
  arith::SelectOp select;
  Value next, old, bound;
  tile::ReduceOp reduce;
  Value factor;        ///< null: %next is the maximum itself
  math::Exp2Op growth; ///< 2^(%old - the result), if that is asked for
};

std::optional<GrowingMax> matchGrowingMax(arith::SelectOp select) {
  auto type = dyn_cast<RankedTensorType>(select.getType());
  auto grew = select.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!type || type.getRank() != 2 || type.getDimSize(1) != 1 || !grew ||
      grew.getPredicate() != arith::CmpFPredicate::OGT || grew.getLhs() != select.getTrueValue())
    return std::nullopt;
  GrowingMax max{select, select.getTrueValue(), select.getFalseValue(), grew.getRhs(), {}, {}, {}};
  max.reduce = max.next.getDefiningOp<tile::ReduceOp>();
  if (auto product = max.next.getDefiningOp<arith::MulFOp>())
    for (unsigned i : {0, 1})
      if (auto reduce = product->getOperand(i).getDefiningOp<tile::ReduceOp>())
        max.reduce = reduce, max.factor = product->getOperand(1 - i);
  if (!max.reduce || max.reduce.getKind() != tile::ReduceKind::Max)
    return std::nullopt;
  for (Operation *user : select->getUsers())
    if (auto difference = dyn_cast<arith::SubFOp>(user);
        difference && difference.getLhs() == max.old && difference->hasOneUse())
      if (auto growth = dyn_cast<math::Exp2Op>(*difference->user_begin()))
        max.growth = growth;
  return max;
}

/// What arithmetic costs an element of a tile, in the loop in front of it: one for an operation of
/// floats, and two for a function, which takes as long as an exponential.
int64_t costOf(Value tile) {
  Block *body = tile.getParentBlock();
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) { return op->getBlock() == body; };
  if (Operation *op = tile.getDefiningOp())
    (void)getBackwardSlice(op, &slice, options);
  int64_t cost = 0;
  for (Operation *op : slice) {
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

// %max = select(%next > %bound, %next, %old)        with %next = reduce max(%x) * %factor
// ->
// %part = partial_reduce max(%x)
// %max = scf.if (sm.warp_any %part * %factor > %bound) {
//   the same of reduce max(%part)
// } else {
//   %old
// }
void skip(GrowingMax &max, int64_t columns) {
  OpBuilder builder(max.select);
  Location loc = max.select.getLoc();
  auto rows = cast<RankedTensorType>(max.select.getType());
  auto type = RankedTensorType::get({rows.getDimSize(0), columns}, rows.getElementType());
  Value part = tile::PartialReduceOp::create(builder, loc, type, tile::ReduceKind::Max,
                                             max.reduce.getSource());
  auto broadcast = [&](Value value) -> Value {
    return tile::BroadcastOp::create(builder, loc, type, value);
  };
  // The maximum of a row is that of one of its parts, and so is what is computed from it.
  Value parts = part;
  if (max.factor)
    parts = arith::MulFOp::create(builder, loc, part, broadcast(max.factor));
  Value grew =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, parts, broadcast(max.bound));
  Value any = sm::WarpAnyOp::create(builder, loc, builder.getI1Type(), grew);
  auto branch = scf::IfOp::create(
      builder, loc, any,
      [&](OpBuilder &then, Location) {
        sm::BranchOnlyOp::create(then, loc);
        Value next = tile::ReduceOp::create(then, loc, tile::ReduceKind::Max, part);
        if (max.factor)
          next = arith::MulFOp::create(then, loc, next, max.factor);
        Value isMore = arith::CmpFOp::create(then, loc, arith::CmpFPredicate::OGT, next, max.bound);
        SmallVector<Value> results{arith::SelectOp::create(then, loc, isMore, next, max.old)};
        if (max.growth) {
          Value difference = arith::SubFOp::create(then, loc, max.old, results.front());
          results.push_back(math::Exp2Op::create(then, loc, difference));
        }
        scf::YieldOp::create(then, loc, results);
      },
      [&](OpBuilder &otherwise, Location) {
        SmallVector<Value> results{max.old};
        if (max.growth) {
          auto one = DenseElementsAttr::get(rows, builder.getF32FloatAttr(1));
          results.push_back(arith::ConstantOp::create(otherwise, loc, one));
        }
        scf::YieldOp::create(otherwise, loc, results);
      });
  max.select.replaceAllUsesWith(branch.getResult(0));
  if (max.growth)
    max.growth.replaceAllUsesWith(branch.getResult(1));
  // What is dead is not in the way of what may sink. Readers first; a maximum without a factor is
  // what is compared.
  llvm::SetVector<Operation *> dead;
  if (max.growth) {
    dead.insert(max.growth);
    dead.insert(max.growth.getOperand().getDefiningOp());
  }
  dead.insert(max.select);
  dead.insert(max.select.getCondition().getDefiningOp());
  dead.insert(max.next.getDefiningOp());
  dead.insert(max.reduce);
  for (Operation *op : dead)
    if (op->use_empty())
      op->erase();
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
      skip(max, columns);
  }
};

} // namespace
} // namespace tessera
