//===- SpecializeWarps.cpp - one program, two roles -----------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SPECIALIZEWARPSPASS
#include "passes/Passes.h.inc"

namespace {

enum class Role { producer, gatherer, consumer };

/// What a role must keep of a program: some ops, and whatever decides whether,
/// how often and on what they run.
class RoleSlice {
public:
  RoleSlice(Block *body, Role role, llvm::function_ref<bool(Operation *)> isOwn) : role(role) {
    body->walk([&](Operation *op) {
      if (isOwn(op))
        need(op);
    });
  }

  void cloneInto(OpBuilder &builder, Block *block, IRMapping &mapping) const {
    // Not all blocks have a terminator; those that do are given one by who clones them.
    for (Operation &op : *block) {
      if (op.hasTrait<OpTrait::IsTerminator>())
        continue;
      // Rings stand in front and belong to both roles.
      if (!ops.contains(&op) || isa<sm::MakeRingOp>(op))
        continue;
      if (auto loop = dyn_cast<scf::ForOp>(op))
        cloneLoop(builder, loop, mapping);
      else if (auto branch = dyn_cast<scf::IfOp>(op))
        cloneBranch(builder, branch, mapping);
      else if (auto rarely = dyn_cast<sm::RarelyOp>(op))
        cloneRarely(builder, rarely, mapping);
      else if (auto loop = dyn_cast<scf::WhileOp>(op))
        cloneWhile(builder, loop, mapping);
      else if (auto choice = dyn_cast<sm::ByRoleOp>(op))
        mapping.map(choice.getResult(), mapping.lookupOrDefault(ofRole(choice)));
      else if (auto tell = dyn_cast<sm::TellOp>(op); tell && isTold())
        mapping.map(
            tell.getResults(),
            sm::HearOp::create(builder, tell.getLoc(), tell.getResultTypes(), tell.getChannelAttr())
                .getResults());
      else
        builder.clone(op, mapping);
    }
  }

private:
  void need(Operation *op) {
    if (!ops.insert(op).second)
      return;
    // What holds other ops keeps only those that are needed; others are whole.
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      for (Value bound : {loop.getLowerBound(), loop.getUpperBound(), loop.getStep()})
        need(bound);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      need(branch.getCondition());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      // What it carries decides how often it runs.
      for (Value init : loop.getInits())
        need(init);
      need(loop.getConditionOp().getOperation());
      for (Value yielded : loop.getYieldOp().getOperands())
        need(yielded);
    } else if (auto choice = dyn_cast<sm::ByRoleOp>(op)) {
      need(ofRole(choice));
    } else if (!isTold() || !isa<sm::TellOp>(op)) {
      for (Value operand : op->getOperands())
        need(operand);
    }
    Operation *parent = op->getParentOp();
    if (isa<scf::ForOp, scf::IfOp, scf::WhileOp, sm::RarelyOp>(parent))
      need(parent);
  }

  void need(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
      if (loop && argument.getArgNumber() > 0)
        needState(loop, argument.getArgNumber() - 1);
      return;
    }
    Operation *op = value.getDefiningOp();
    unsigned number = cast<OpResult>(value).getResultNumber();
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return needState(loop, number);
    if (auto branch = dyn_cast<scf::IfOp>(op); branch && results.insert(value).second) {
      need(branch.thenYield().getOperand(number));
      need(branch.elseYield().getOperand(number));
    }
    need(op);
  }

  void needState(scf::ForOp loop, unsigned number) {
    if (!results.insert(loop.getResult(number)).second)
      return;
    need(loop.getInitArgs()[number]);
    need(loop.getYieldedValues()[number]);
    need(loop.getOperation());
  }

  /// What others tell is heard, not computed.
  bool isTold() const { return role != Role::producer; }

  /// Who gathers goes along with the producer, tile by tile.
  Value ofRole(sm::ByRoleOp choice) const {
    return role == Role::consumer ? choice.getConsumer() : choice.getProducer();
  }

  SmallVector<unsigned> kept(Operation *op) const {
    SmallVector<unsigned> numbers;
    for (OpResult result : op->getResults())
      if (results.contains(result))
        numbers.push_back(result.getResultNumber());
    return numbers;
  }

  static SmallVector<Value> mapped(ValueRange values, ArrayRef<unsigned> numbers,
                                   const IRMapping &mapping) {
    SmallVector<Value> found;
    for (unsigned i : numbers)
      found.push_back(mapping.lookupOrDefault(values[i]));
    return found;
  }

  void cloneLoop(OpBuilder &builder, scf::ForOp loop, IRMapping &mapping) const {
    SmallVector<unsigned> numbers = kept(loop);
    auto copy = scf::ForOp::create(
        builder, loop.getLoc(), mapping.lookupOrDefault(loop.getLowerBound()),
        mapping.lookupOrDefault(loop.getUpperBound()), mapping.lookupOrDefault(loop.getStep()),
        mapped(loop.getInitArgs(), numbers, mapping));
    mapping.map(loop.getInductionVar(), copy.getInductionVar());
    for (auto [i, number] : llvm::enumerate(numbers)) {
      mapping.map(loop.getRegionIterArg(number), copy.getRegionIterArg(i));
      mapping.map(loop.getResult(number), copy.getResult(i));
    }
    // Without state the builder has made a terminator already.
    if (!copy.getBody()->empty())
      copy.getBody()->back().erase();
    OpBuilder inside = OpBuilder::atBlockEnd(copy.getBody());
    cloneInto(inside, loop.getBody(), mapping);
    scf::YieldOp::create(inside, loop.getLoc(), mapped(loop.getYieldedValues(), numbers, mapping));
  }

  void cloneWhile(OpBuilder &builder, scf::WhileOp loop, IRMapping &mapping) const {
    SmallVector<Value> inits;
    for (Value init : loop.getInits())
      inits.push_back(mapping.lookupOrDefault(init));
    auto copy = scf::WhileOp::create(builder, loop.getLoc(), loop.getResultTypes(), inits);
    for (auto [from, to] : {std::pair<Region *, Region *>{&loop.getBefore(), &copy.getBefore()},
                            {&loop.getAfter(), &copy.getAfter()}}) {
      OpBuilder inside(builder.getContext());
      TypeRange types = from->getArgumentTypes();
      inside.createBlock(to, {}, types, SmallVector<Location>(types.size(), loop.getLoc()));
      mapping.map(from->getArguments(), to->getArguments());
      cloneInto(inside, &from->front(), mapping);
      inside.clone(*from->front().getTerminator(), mapping);
    }
    mapping.map(loop.getResults(), copy.getResults());
  }

  void cloneBranch(OpBuilder &builder, scf::IfOp branch, IRMapping &mapping) const {
    SmallVector<unsigned> numbers = kept(branch);
    SmallVector<Type> types;
    for (unsigned i : numbers)
      types.push_back(branch.getResultTypes()[i]);
    bool hasElse = branch.elseBlock();
    auto copy = scf::IfOp::create(builder, branch.getLoc(), types,
                                  mapping.lookupOrDefault(branch.getCondition()), hasElse);
    for (auto [i, number] : llvm::enumerate(numbers))
      mapping.map(branch.getResult(number), copy.getResult(i));
    auto cloneSide = [&](Block *from, Block *to) {
      if (!to->empty())
        to->back().erase();
      OpBuilder inside = OpBuilder::atBlockEnd(to);
      cloneInto(inside, from, mapping);
      scf::YieldOp::create(inside, branch.getLoc(),
                           mapped(from->getTerminator()->getOperands(), numbers, mapping));
    };
    cloneSide(branch.thenBlock(), copy.thenBlock());
    if (hasElse)
      cloneSide(branch.elseBlock(), copy.elseBlock());
  }

  void cloneRarely(OpBuilder &builder, sm::RarelyOp rarely, IRMapping &mapping) const {
    auto copy = sm::RarelyOp::create(builder, rarely.getLoc(),
                                     mapping.lookupOrDefault(rarely.getCondition()));
    OpBuilder inside(builder.getContext());
    inside.createBlock(&copy.getBody());
    cloneInto(inside, &rarely.getBody().front(), mapping);
  }

  Role role;
  llvm::DenseSet<Operation *> ops;
  llvm::DenseSet<Value> results; ///< of loops and branches
};

struct SpecializeWarpsPass : impl::SpecializeWarpsPassBase<SpecializeWarpsPass> {
  using SpecializeWarpsPassBase::SpecializeWarpsPassBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    Block *body = &getOperation().getBody().front();
    RoleSlice producer(body, Role::producer,
                       [](Operation *op) { return isa<sm::FillOp, sm::TellOp>(op); });
    RoleSlice gatherer(body, Role::gatherer,
                       [](Operation *op) { return isa<sm::FillStripOp, sm::TellOp>(op); });
    RoleSlice consumer(body, Role::consumer, [](Operation *op) {
      return isa<sm::TellOp, sm::AcquireOp, sm::ReleaseOp, sm::ZeroTailOp, sm::DotOp, sm::AwaitOp,
                 sm::BranchOnlyOp, sm::PutOp, tile::StoreOp>(op);
    });

    SmallVector<Operation *> old;
    for (Operation &op : body->without_terminator())
      if (!isa<sm::MakeRingOp>(op))
        old.push_back(&op);
    OpBuilder builder(body->getTerminator());
    WalkResult strips = body->walk([](sm::FillStripOp) { return WalkResult::interrupt(); });
    auto roles = sm::RolesOp::create(builder, getOperation().getLoc(), groups, producerRegisters,
                                     consumerRegisters, strips.wasInterrupted() ? 1 : 0);
    SmallVector<std::pair<RoleSlice *, Region *>> slices{{&producer, &roles.getProducer()},
                                                         {&consumer, &roles.getConsumer()}};
    for (Region &region : roles.getGatherer())
      slices.push_back({&gatherer, &region});
    for (auto [slice, region] : slices) {
      OpBuilder inside(&getContext());
      inside.createBlock(region);
      IRMapping mapping;
      slice->cloneInto(inside, body, mapping);
    }
    for (Operation *op : llvm::reverse(old))
      op->erase();
  }
};

} // namespace
} // namespace tessera
