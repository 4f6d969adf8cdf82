//===- SkipUnitScaling.cpp - do not multiply by one -----------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/ControlFlowSinkUtils.h"

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

/// Where factors are `exp2(%old - select(%grew, %next, %old))`: the rows in which they differ from
/// one, %grew.
Value grownRows(Value factors) {
  auto growth = factors.getDefiningOp<math::Exp2Op>();
  auto difference = growth ? growth.getOperand().getDefiningOp<arith::SubFOp>() : arith::SubFOp();
  auto select =
      difference ? difference.getRhs().getDefiningOp<arith::SelectOp>() : arith::SelectOp();
  if (!select || select.getFalseValue() != difference.getLhs())
    return {};
  return select.getCondition();
}

/// Asks whether some row of the warp has a factor other than one.
Value askForChanges(OpBuilder &builder, Location loc, Value factors) {
  Value changes = grownRows(factors);
  if (!changes) {
    auto rows = cast<RankedTensorType>(factors.getType());
    Value one = arith::ConstantOp::create(builder, loc,
                                          DenseElementsAttr::get(rows, builder.getF32FloatAttr(1)));
    changes = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, factors, one);
  }
  return sm::WarpAnyOp::create(builder, loc, builder.getI1Type(), changes);
}

/// `%tile * broadcast(%factors)`
struct Scaling {
  arith::MulFOp product;
  Value tile;
  tile::BroadcastOp broadcast;

  static std::optional<Scaling> match(arith::MulFOp product) {
    for (unsigned i : {0, 1})
      if (tile::BroadcastOp factor = rowFactor(product->getOperand(i)))
        return Scaling{product, product->getOperand(1 - i), factor};
    return std::nullopt;
  }
  Value factors() { return broadcast.getSource(); }
  bool isOfDot() { return tile.getDefiningOp<tile::DotOp>(); }
};

/// What stands between two ops and needs the first of them, if all of it may as well stand behind
/// the second.
std::optional<SmallVector<Operation *>> usersBetween(Operation *first, Operation *second) {
  llvm::SmallPtrSet<Operation *, 8> needed{first};
  SmallVector<Operation *> users;
  auto needs = [&](Value value) { return needed.contains(value.getDefiningOp()); };
  for (Operation *op = first->getNextNode(); op != second; op = op->getNextNode()) {
    bool isUser = op->walk([&](Operation *inner) {
                      return llvm::any_of(inner->getOperands(), needs) ? WalkResult::interrupt()
                                                                       : WalkResult::advance();
                    }).wasInterrupted();
    if (!isUser)
      continue;
    if (!isPure(op))
      return std::nullopt;
    needed.insert(op);
    users.push_back(op);
  }
  if (llvm::any_of(second->getOperands(), needs))
    return std::nullopt;
  return users;
}

/// Other multiplications by the factors of one, in front of it, that may go along with it; what
/// needs them is moved behind.
SmallVector<Scaling> takeAlong(Scaling &scaling) {
  SmallVector<Scaling> others;
  for (Operation *broadcast : scaling.factors().getUsers())
    for (Operation *user : broadcast->getUsers()) {
      auto product = dyn_cast<arith::MulFOp>(user);
      if (!isa<tile::BroadcastOp>(broadcast) || !product || product == scaling.product ||
          product->getBlock() != scaling.product->getBlock() ||
          !product->isBeforeInBlock(scaling.product))
        continue;
      std::optional<Scaling> other = Scaling::match(product);
      std::optional<SmallVector<Operation *>> users = usersBetween(product, scaling.product);
      if (!other || other->broadcast != broadcast || other->isOfDot() || !users)
        continue;
      Operation *last = scaling.product;
      for (Operation *op : *users) {
        op->moveAfter(last);
        last = op;
      }
      others.push_back(*other);
    }
  return others;
}

// %y = %dot * broadcast(%f);  %z = %x * broadcast(%f)
// ->
// %y, %z = scf.if (some row of the warp has %f != 1) { the same } else { %dot, %x }
void skip(Scaling scaling, bool keepBranch) {
  SmallVector<Scaling> all{scaling};
  OpBuilder builder(scaling.product);
  Location loc = scaling.product.getLoc();
  // Factors whose condition is known are computed under a branch as it is.
  Value any = knownCondition(scaling.factors());
  if (!any) {
    llvm::append_range(all, takeAlong(scaling));
    any = askForChanges(builder, loc, scaling.factors());
  }
  auto branch = scf::IfOp::create(
      builder, loc, any,
      [&](OpBuilder &then, Location) {
        SmallVector<Value> scaled;
        for (Scaling &one : all)
          scaled.push_back(arith::MulFOp::create(then, loc, one.tile, one.broadcast));
        scf::YieldOp::create(then, loc, scaled);
      },
      [&](OpBuilder &otherwise, Location) {
        scf::YieldOp::create(otherwise, loc,
                             llvm::map_to_vector(all, [](Scaling &one) { return one.tile; }));
      });
  for (auto [one, result] : llvm::zip_equal(all, branch.getResults())) {
    one.product.replaceAllUsesWith(result);
    one.product.erase();
  }
  // The factors too are computed only where they are needed.
  DominanceInfo dominance(branch);
  controlFlowSink(
      RegionRange(branch.getThenRegion()), dominance,
      [&](Operation *op, Region *) { return op->getBlock() == branch->getBlock() && isPure(op); },
      [](Operation *op, Region *region) { op->moveBefore(&region->front().front()); });
  if (keepBranch) {
    builder.setInsertionPointToStart(branch.thenBlock());
    sm::BranchOnlyOp::create(builder, loc);
  }
}

struct SkipUnitScalingPass : impl::SkipUnitScalingPassBase<SkipUnitScalingPass> {
  using SkipUnitScalingPassBase::SkipUnitScalingPassBase;

  void runOnOperation() override {
    SmallVector<Scaling> found;
    getOperation().walk([&](arith::MulFOp product) {
      // Only where it is worth a branch: products in loops.
      if (!product->getParentOfType<scf::ForOp>())
        return;
      std::optional<Scaling> scaling = Scaling::match(product);
      if (scaling && scaling->isOfDot())
        found.push_back(*scaling);
    });
    for (Scaling &scaling : found)
      skip(scaling, branch);
  }
};

} // namespace
} // namespace tessera
