//===- DeferRowSums.cpp - add up partial sums, reduce them once -----------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_DEFERROWSUMSPASS
#include "passes/Passes.h.inc"

namespace {

/// `next = state * factor + reduce add(addend)`; the factor may be missing.
struct RowSum {
  unsigned number; ///< of the state
  Value factor;
  tile::ReduceOp reduce;
};

std::optional<RowSum> matchRowSum(scf::ForOp loop, unsigned number) {
  BlockArgument state = loop.getRegionIterArg(number);
  auto sum = loop.getYieldedValues()[number].getDefiningOp<arith::AddFOp>();
  if (!sum || !sum->hasOneUse() || !state.hasOneUse())
    return std::nullopt;
  for (unsigned i : {0, 1}) {
    auto reduce = sum->getOperand(i).getDefiningOp<tile::ReduceOp>();
    if (!reduce || reduce.getKind() != tile::ReduceKind::Add || !reduce->hasOneUse())
      continue;
    Value other = sum->getOperand(1 - i);
    if (other == state)
      return RowSum{number, {}, reduce};
    auto product = other.getDefiningOp<arith::MulFOp>();
    if (!product || !product->hasOneUse())
      continue;
    for (unsigned j : {0, 1})
      if (product->getOperand(j) == state)
        return RowSum{number, product->getOperand(1 - j), reduce};
  }
  return std::nullopt;
}

//   %l = scf.for iter_args(%s = %l0) { ... yield %s * %f + reduce add(%e) }
// ->
//   %p = scf.for iter_args(%s = spread(%l0)) { ... yield %s * broadcast(%f) + partial_reduce(%e) }
//   %l = reduce add(%p)
void defer(scf::ForOp loop, RowSum sum, int64_t columns) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  Value init = loop.getInitArgs()[sum.number];
  auto type = RankedTensorType::get({cast<RankedTensorType>(init.getType()).getDimSize(0), columns},
                                    builder.getF32Type());
  loop.getInitArgsMutable()[sum.number].assign(
      tile::SpreadOp::create(builder, loc, type, init).getResult());
  BlockArgument state = loop.getRegionIterArg(sum.number);
  state.setType(type);

  Operation *yield = loop.getBody()->getTerminator();
  builder.setInsertionPoint(yield);
  Value next = state;
  if (sum.factor) {
    Value factor = tile::BroadcastOp::create(builder, loc, type, sum.factor);
    next = arith::MulFOp::create(builder, loc, state, factor);
  }
  Value part = tile::PartialReduceOp::create(builder, loc, type, tile::ReduceKind::Add,
                                             sum.reduce.getSource());
  next = arith::AddFOp::create(builder, loc, next, part);
  Operation *old = yield->getOperand(sum.number).getDefiningOp();
  yield->setOperand(sum.number, next);
  // The old sum, and the product in it, read the state under its old type.
  SmallVector<Operation *> dead(old->getOperands().size());
  llvm::transform(old->getOperands(), dead.begin(), [](Value v) { return v.getDefiningOp(); });
  old->erase();
  for (Operation *op : dead)
    if (op && op->use_empty())
      op->erase();

  OpResult result = loop->getResult(sum.number);
  result.setType(type);
  builder.setInsertionPointAfter(loop);
  auto total = tile::ReduceOp::create(builder, loc, tile::ReduceKind::Add, result);
  result.replaceAllUsesExcept(total, total);
}

struct DeferRowSumsPass : impl::DeferRowSumsPassBase<DeferRowSumsPass> {
  using DeferRowSumsPassBase::DeferRowSumsPassBase;

  void runOnOperation() override {
    getOperation().walk([&](scf::ForOp loop) {
      for (unsigned i = 0; i < loop.getNumRegionIterArgs(); ++i)
        if (std::optional<RowSum> sum = matchRowSum(loop, i))
          defer(loop, *sum, columns);
    });
  }
};

} // namespace
} // namespace tessera
