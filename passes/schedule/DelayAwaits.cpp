//===- DelayAwaits.cpp - wait for products where they are needed ----------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_DELAYAWAITSPASS
#include "passes/Passes.h.inc"

namespace {

/// What a loop carries on in place of the left operand of a product: the op that computes it, if it
/// is one of the loop's own. A product reads registers until it is over, so it must not be computed
/// before.
Operation *successorOfLhs(sm::DotOp dot) {
  auto lhs = dyn_cast<BlockArgument>(dot.getLhs());
  auto loop = lhs ? dyn_cast<scf::ForOp>(lhs.getOwner()->getParentOp()) : scf::ForOp();
  if (!loop || loop.getBody() != dot->getBlock() || lhs == loop.getInductionVar())
    return nullptr;
  Operation *successor = loop.getTiedLoopYieldedValue(lhs)->get().getDefiningOp();
  return successor && successor->getBlock() == dot->getBlock() ? successor : nullptr;
}

/// Moves an op up, right behind the last of what it reads.
void moveUp(Operation *op) {
  Operation *last = nullptr;
  for (Value operand : op->getOperands())
    if (Operation *made = operand.getDefiningOp(); made && made->getBlock() == op->getBlock())
      if (!last || last->isBeforeInBlock(made))
        last = made;
  if (last && isPure(op))
    op->moveAfter(last);
}

/// The first op behind `await` that needs its result, takes the place of the product's left
/// operand, or does something else with a buffer of the product than those `releases` that go
/// along; at the latest the end of the block.
Operation *firstUser(sm::AwaitOp await, ArrayRef<Operation *> releases) {
  Block *block = await->getBlock();
  Operation *first = block->getTerminator();
  auto look = [&](Operation *user) {
    Operation *here = block->findAncestorOpInBlock(*user);
    if (here && await->isBeforeInBlock(here) && here->isBeforeInBlock(first) &&
        !llvm::is_contained(releases, here))
      first = here;
  };
  llvm::for_each(await->getUsers(), look);
  auto dot = cast<sm::DotOp>(await.getSource().getDefiningOp());
  if (Operation *successor = successorOfLhs(dot))
    look(successor);
  for (Value operand : dot->getOperands())
    if (isa<sm::SlotType>(operand.getType()))
      for (Operation *user : operand.getUsers())
        if (isa<sm::ReleaseOp, sm::GatherStripOp>(user))
          look(user);
  return first;
}

/// Products that are issued between two ops of a block.
int64_t countIssued(Operation *from, Operation *to) {
  int64_t count = 0;
  for (Operation *op = from->getNextNode(); op != to; op = op->getNextNode())
    count += isa<sm::DotOp>(op);
  return count;
}

/// Releases that stand right behind an await.
SmallVector<Operation *> releasesBehind(sm::AwaitOp await) {
  SmallVector<Operation *> releases;
  for (Operation *op = await->getNextNode(); isa_and_present<sm::ReleaseOp>(op);
       op = op->getNextNode())
    releases.push_back(op);
  return releases;
}

/// Keeps what stands in a block of a branch there.
void keepInBranch(Block *block) {
  if (isa<sm::BranchOnlyOp>(block->front()))
    return;
  OpBuilder builder = OpBuilder::atBlockBegin(block);
  sm::BranchOnlyOp::create(builder, block->front().getLoc());
}

// await; release...; scf.if { reader } else { reader }
// ->
// scf.if { await; release...; reader } else { await; release...; reader }
void moveIntoBranch(sm::AwaitOp await) {
  SmallVector<Operation *> moved = releasesBehind(await);
  auto branch = dyn_cast_or_null<scf::IfOp>((moved.empty() ? await : moved.back())->getNextNode());
  auto isInside = [&](Operation *user) { return branch->isProperAncestor(user); };
  if (!branch || !branch.elseBlock() || !await->getParentOfType<scf::ForOp>() ||
      !llvm::all_of(await->getUsers(), isInside))
    return;
  moved.insert(moved.begin(), await);
  IRMapping copies;
  keepInBranch(branch.elseBlock());
  OpBuilder otherwise(branch.elseBlock()->front().getContext());
  otherwise.setInsertionPointAfter(&branch.elseBlock()->front());
  for (Operation *op : moved)
    otherwise.clone(*op, copies);
  await.getResult().replaceUsesWithIf(copies.lookup(await.getResult()), [&](OpOperand &use) {
    return branch.getElseRegion().isAncestor(use.getOwner()->getParentRegion());
  });
  keepInBranch(branch.thenBlock());
  Operation *last = &branch.thenBlock()->front();
  for (Operation *op : moved) {
    op->moveAfter(last);
    last = op;
  }
}

struct DelayAwaitsPass : impl::DelayAwaitsPassBase<DelayAwaitsPass> {
  using DelayAwaitsPassBase::DelayAwaitsPassBase;

  void runOnOperation() override {
    SmallVector<sm::AwaitOp> awaits;
    getOperation().walk([&](sm::AwaitOp await) { awaits.push_back(await); });
    if (!intoBranches)
      for (sm::AwaitOp await : awaits)
        if (auto dot = await.getSource().getDefiningOp<sm::DotOp>())
          if (Operation *successor = successorOfLhs(dot))
            moveUp(successor);
    for (sm::AwaitOp await : awaits)
      delay(await);
    for (sm::AwaitOp await : awaits)
      if (Operation *dot = await.getSource().getDefiningOp();
          dot && dot->getBlock() == await->getBlock())
        await.setPending(countIssued(dot, await));
    if (intoBranches)
      llvm::for_each(awaits, moveIntoBranch);
  }

  // dot; await; release...; others; user
  // ->
  // dot; others; await; release...; user
  void delay(sm::AwaitOp await) {
    Operation *dot = await.getSource().getDefiningOp();
    if (!dot || dot->getBlock() != await->getBlock())
      return;
    // Buffers that this product read last are released behind the wait.
    SmallVector<Operation *> releases = releasesBehind(await);
    Operation *user = firstUser(await, releases);
    if (user == await->getNextNode() ||
        (!releases.empty() && user->isBeforeInBlock(releases.back())))
      return;
    await->moveBefore(user);
    for (Operation *release : releases)
      release->moveBefore(user);
  }
};

} // namespace
} // namespace tessera
