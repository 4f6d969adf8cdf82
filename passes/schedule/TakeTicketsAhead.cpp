//===- TakeTicketsAhead.cpp - no waiting for the counter ------------------===//
//
// A producer that takes its next ticket behind the last copy of a point has
// nothing to do until the counter answers, and consumers wait with it. Before the
// last copies, which wait for a free buffer anyway, that time costs nothing; any
// earlier, blocks would take points that others could begin before them.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_TAKETICKETSAHEADPASS
#include "passes/Passes.h.inc"

namespace {

/// The ops of a branch behind its last loop, if there is one.
SmallVector<Operation *> behindLoops(scf::IfOp branch) {
  SmallVector<Operation *> ops;
  for (Operation &op : llvm::reverse(branch.thenBlock()->without_terminator())) {
    if (isa<scf::ForOp>(op))
      return llvm::to_vector(llvm::reverse(ops));
    ops.push_back(&op);
  }
  return {};
}

/// What `ops` read of the block before them.
SmallVector<Value> readFromBlock(ArrayRef<Operation *> ops, Block *block) {
  llvm::SetVector<Value> values;
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (operand.getParentBlock() == block && !llvm::is_contained(ops, operand.getDefiningOp()))
        values.insert(operand);
  return values.takeVector();
}

// scf.if %c { loops; last copies } ; take_ticket...; tell
// ->
// %v = scf.if %c { loops } ; take_ticket...; scf.if %c { last copies of %v } ; tell
void takeAhead(scf::IfOp branch, sm::TellOp tell) {
  SmallVector<Operation *> last = behindLoops(branch);
  bool hasElse = branch.elseBlock() && !branch.elseBlock()->without_terminator().empty();
  if (last.empty() || hasElse || branch.getNumResults())
    return;
  SmallVector<Value> values = readFromBlock(last, branch.thenBlock());
  OpBuilder builder(branch);
  Location loc = branch.getLoc();
  auto loops = scf::IfOp::create(builder, loc, ValueRange(values).getTypes(), branch.getCondition(),
                                 /*withElseRegion=*/true);
  builder.setInsertionPoint(tell);
  auto copies = scf::IfOp::create(builder, loc, branch.getCondition());

  for (Block *side : {loops.thenBlock(), loops.elseBlock()})
    if (!side->empty())
      side->back().erase();
  for (Operation *op : last)
    op->moveBefore(copies.thenBlock()->getTerminator());
  branch.thenBlock()->getTerminator()->erase();
  loops.thenBlock()->getOperations().splice(loops.thenBlock()->end(),
                                            branch.thenBlock()->getOperations());
  builder.setInsertionPointToEnd(loops.thenBlock());
  scf::YieldOp::create(builder, loc, values);
  builder.setInsertionPointToEnd(loops.elseBlock());
  SmallVector<Value> nothing; // is read
  for (Value value : values)
    nothing.push_back(arith::ConstantOp::create(
        builder, loc, cast<TypedAttr>(builder.getZeroAttr(value.getType()))));
  scf::YieldOp::create(builder, loc, nothing);
  for (auto [value, result] : llvm::zip_equal(values, loops.getResults()))
    value.replaceUsesWithIf(
        result, [&](OpOperand &use) { return copies->isProperAncestor(use.getOwner()); });
  branch.erase();
}

struct TakeTicketsAheadPass : impl::TakeTicketsAheadPassBase<TakeTicketsAheadPass> {
  void runOnOperation() override {
    for (auto roles : getOperation().getOps<sm::RolesOp>())
      for (auto loop : roles.getProducer().front().getOps<scf::WhileOp>()) {
        Block *body = loop.getAfterBody();
        for (auto ticket : body->getOps<sm::TakeTicketOp>())
          if (auto branch = dyn_cast_if_present<scf::IfOp>(ticket->getPrevNode()))
            if (auto tell = dyn_cast_if_present<sm::TellOp>(body->getTerminator()->getPrevNode())) {
              takeAhead(branch, tell);
              break;
            }
      }
  }
};

} // namespace
} // namespace tessera
