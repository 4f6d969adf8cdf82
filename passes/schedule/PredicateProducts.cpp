//===- PredicateProducts.cpp - products that are issued or not ------------===//

#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_PREDICATEPRODUCTSPASS
#include "passes/Passes.h.inc"

namespace {

/// A branch that does no more than to add a product to a sum, or leaves the sum as it is.
struct MaybeProduct {
  scf::IfOp branch;
  sm::DotOp dot;
  sm::AwaitOp await;

  static std::optional<MaybeProduct> match(scf::IfOp branch) {
    if (branch.getNumResults() != 1 || !branch.elseBlock())
      return std::nullopt;
    auto await = branch.thenYield().getOperand(0).getDefiningOp<sm::AwaitOp>();
    auto dot = await ? await.getSource().getDefiningOp<sm::DotOp>() : sm::DotOp();
    MaybeProduct product{branch, dot, await};
    bool isElse = llvm::hasSingleElement(*branch.elseBlock());
    if (!dot || !isElse || dot.getCondition() || dot->getBlock() != branch.thenBlock() ||
        branch.elseYield().getOperand(0) != dot.getAcc() || !await->hasOneUse() ||
        !llvm::all_of(branch.thenBlock()->without_terminator(),
                      [&](Operation &op) { return product.hasPart(&op); }))
      return std::nullopt;
    return product;
  }

private:
  /// Whether an op of the branch belongs to the product, or is a number.
  bool hasPart(Operation *op) {
    Value slot = dot.getRhs();
    auto acquire = slot.getDefiningOp<sm::AcquireOp>();
    bool isOwn = acquire && acquire->getBlock() == branch.thenBlock();
    if (auto release = dyn_cast<sm::ReleaseOp>(op))
      return isOwn && release.getSlot() == slot;
    if (isa<sm::ZeroTailOp>(op))
      return op->isBeforeInBlock(dot);
    return (op == acquire && isOwn) || op == dot || op == await ||
           isa<sm::FillOp, sm::FillStripOp>(op) || isPure(op);
  }
};

//   %y = scf.if %c { fill; %v = acquire; %p = dot %a, %v acc %x; %r = await %p; release %v; %r }
//        else { %x }
// ->
//   %v = acquire if %c; scf.if %c { fill }; %p = dot %a, %v acc %x if %c; %y = await %p;
//   release %v if %c
void predicate(MaybeProduct &product) {
  scf::IfOp branch = product.branch;
  Value condition = branch.getCondition();
  OpBuilder builder(branch);
  Operation *last = branch;
  auto moveBehind = [&](Operation *op) {
    op->moveAfter(last);
    last = op;
  };
  for (Operation &op : llvm::make_early_inc_range(branch.thenBlock()->without_terminator())) {
    if (auto acquire = dyn_cast<sm::AcquireOp>(op)) {
      acquire.getConditionMutable().assign(condition);
      op.moveBefore(branch);
    } else if (isa<sm::DotOp, sm::AwaitOp, sm::ReleaseOp>(op)) {
      if (auto release = dyn_cast<sm::ReleaseOp>(op))
        release.getConditionMutable().assign(condition);
      moveBehind(&op);
    } else if (isPure(&op)) {
      op.moveBefore(branch);
    }
  }
  product.dot.getConditionMutable().assign(condition);
  branch.getResult(0).replaceAllUsesWith(product.await.getResult());
  // What is left has no result.
  if (branch.thenBlock()->getOperations().size() > 1) {
    auto rest = scf::IfOp::create(builder, branch.getLoc(), condition);
    for (Operation &op : llvm::make_early_inc_range(branch.thenBlock()->without_terminator()))
      op.moveBefore(rest.thenBlock()->getTerminator());
  }
  branch.erase();
}

struct PredicateProductsPass : impl::PredicateProductsPassBase<PredicateProductsPass> {
  void runOnOperation() override {
    SmallVector<MaybeProduct> products;
    getOperation().walk([&](scf::IfOp branch) {
      if (std::optional<MaybeProduct> product = MaybeProduct::match(branch))
        products.push_back(*product);
    });
    for (MaybeProduct &product : products)
      predicate(product);
  }
};

} // namespace
} // namespace tessera
