//===- PipelineProducts.cpp - the next scores before this softmax ---------===//
//
// A loop's body that ends in a product waits for two products in a row: for the
// one its arithmetic starts from, and for the one it ends in. Rotated, the last
// product of an iteration is issued in the next one, beside the first product
// there, and the arithmetic runs while it computes.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/schedule/Factor.h"
#include "passes/schedule/RangeLoop.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_PIPELINEPRODUCTSPASS
#include "passes/Passes.h.inc"

namespace {

using OpSet = llvm::SetVector<Operation *>;

/// A loop over a list of ranges, and the parts of its body.
struct Stage {
  scf::ForOp loop;
  tile::NthOp nth;   ///< the only reader of the induction variable
  tile::DotOp last;  ///< the product that is yielded
  tile::LoadOp load; ///< its right operand
  unsigned state;    ///< the number of the state it adds to
  OpSet scaling;     ///< what happens to that state before the product
  OpSet first;       ///< the other products, and what they need
};

/// The product of a loop that can be put off: yielded, used by nothing else.
std::optional<Stage> matchStage(scf::ForOp loop) {
  Stage stage;
  stage.loop = loop;
  Block *body = loop.getBody();
  if (!(stage.nth = nthOf(loop)))
    return std::nullopt;
  for (auto [i, yielded] : llvm::enumerate(loop.getYieldedValues()))
    if (auto dot = yielded.getDefiningOp<tile::DotOp>(); dot && dot->hasOneUse())
      stage.last = dot, stage.state = i;
  if (!stage.last)
    return std::nullopt;
  stage.load = stage.last.getRhs().getDefiningOp<tile::LoadOp>();
  if (!stage.load || !stage.load->hasOneUse() || stage.load->getBlock() != body ||
      stage.last.getLhs().getParentBlock() != body)
    return std::nullopt;

  // From the state to the product's accumulator, through ops that nothing else reads.
  OpSet scaled;
  getForwardSlice(loop.getRegionIterArg(stage.state), &scaled);
  OpSet before;
  if (Operation *acc = stage.last.getAcc().getDefiningOp(); acc && acc->getBlock() == body)
    before = sliceInBlock(acc);
  for (Operation *op : before)
    if (scaled.contains(op)) {
      if (!op->hasOneUse())
        return std::nullopt;
      stage.scaling.insert(op);
    }
  for (Operation *user : loop.getRegionIterArg(stage.state).getUsers())
    if (user != stage.last && !stage.scaling.contains(user))
      return std::nullopt;

  for (auto dot : body->getOps<tile::DotOp>())
    if (dot != stage.last)
      for (Operation *op : sliceInBlock(dot))
        stage.first.insert(op);
  if (stage.first.empty() || stage.first.contains(stage.last) || stage.first.contains(stage.load))
    return std::nullopt;
  return stage;
}

/// What an iteration leaves to the next: the product's left operand, and the
/// operands of the load on its right that the iteration computed.
SmallVector<Value> leftOver(Stage &stage) {
  SmallVector<Value> values{stage.last.getLhs()};
  for (Value operand : stage.load->getOperands())
    if (operand.getParentBlock() == stage.loop.getBody() && !llvm::is_contained(values, operand))
      values.push_back(operand);
  return values;
}

/// The product that was left over, added to `acc`.
Value multiplyLeftOver(OpBuilder &builder, Stage &stage, ValueRange left, Value acc) {
  IRMapping mapping;
  mapping.map(leftOver(stage), left);
  Operation *load = builder.clone(*stage.load, mapping);
  auto dot = tile::DotOp::create(builder, stage.last.getLoc(), acc.getType(), left[0],
                                 load->getResult(0), acc, stage.last.getSkipZerosAttr());
  return dot;
}

/// The same, unless this is the first iteration of all.
Value multiplyIfAny(OpBuilder &builder, Stage &stage, Value iteration, ValueRange left, Value acc) {
  Location loc = stage.last.getLoc();
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value follows = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, iteration, zero);
  auto branch = scf::IfOp::create(builder, loc, acc.getType(), follows, /*withElseRegion=*/true);
  OpBuilder inside = OpBuilder::atBlockEnd(branch.thenBlock());
  scf::YieldOp::create(inside, loc, multiplyLeftOver(inside, stage, left, acc));
  inside.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(inside, loc, acc);
  return branch.getResult(0);
}

/// A body without its last product. `multiply` adds what is left over from
/// before to the state, once the first products are there.
/// Returns the state, scaled and unsummed, and what is left over.
SmallVector<Value> cloneBody(OpBuilder &builder, Stage &stage, IRMapping &mapping,
                             llvm::function_ref<Value(Value state)> multiply) {
  scf::ForOp loop = stage.loop;
  auto clone = [&](llvm::function_ref<bool(Operation *)> wanted) {
    for (Operation &op : loop.getBody()->without_terminator())
      if (!mapping.contains(&op) && wanted(&op)) {
        Operation *copy = builder.clone(op, mapping);
        mapping.map(&op, copy);
      }
  };
  clone([&](Operation *op) { return stage.first.contains(op); });
  BlockArgument state = loop.getRegionIterArg(stage.state);
  mapping.map(state, multiply(mapping.lookup(state)));
  // The next left operand comes last: it takes the place of the one that is being read.
  Operation *lhs = stage.last.getLhs().getDefiningOp();
  clone([&](Operation *op) {
    return op != stage.last && op != stage.load && op != stage.nth && op != lhs &&
           !stage.scaling.contains(op);
  });
  // Zero times a factor: the factors of a first iteration are finite, or the row is lost anyway.
  if (isZeroSplat(mapping.lookup(state)) &&
      llvm::all_of(stage.scaling, [](Operation *op) { return isa<arith::MulFOp>(op); }))
    mapping.map(stage.last.getAcc(), mapping.lookup(state));
  else
    clone([&](Operation *op) { return stage.scaling.contains(op); });
  clone([&](Operation *op) { return op == lhs; });

  SmallVector<Value> next;
  for (auto [i, yielded] : llvm::enumerate(loop.getYieldedValues()))
    next.push_back(mapping.lookupOrDefault(i == stage.state ? stage.last.getAcc() : yielded));
  for (Value value : leftOver(stage))
    next.push_back(mapping.lookup(value));
  return next;
}

/// Loops of which each continues with the results of the one before.
using Chain = SmallVector<Stage>;

bool continues(Stage &before, Stage &after) {
  return nextOf(before.loop) == after.loop && before.state == after.state &&
         before.nth.getDescending() == after.nth.getDescending() &&
         leftOver(before).size() == leftOver(after).size();
}

//   %r = scf.for %t = 0 to %n iter_args(%s) { first(nth %t); ...; yield last }
// ->
//   %r = scf.if (there is an iteration) {
//     first(nth 0); ...
//     %s, %left = scf.for %t = 1 to %n { first(nth %t); last(%left); ... }
//     yield last(%left)
//   } else { yield %init }
//
// A loop that provably has one iteration at most is none afterwards if it is the first. Without
// `peel`, and if the first loop is not such a one, the first iteration runs in it:
//
//   scf.for %t = 0 to max(%n, 1) iter_args(%s, %left = zeros) {
//     first(nth %t); scf.if (%t > 0) { last(%left) }; ... }
void rotate(Chain &chain, bool peel) {
  scf::ForOp firstLoop = chain.front().loop, lastLoop = chain.back().loop;
  OpBuilder builder(lastLoop);
  Location loc = firstLoop.getLoc();
  SmallVector<Value> starts, ends;
  for (Stage &stage : chain) {
    llvm::append_range(starts, stage.nth.getStarts());
    llvm::append_range(ends, stage.nth.getEnds());
  }
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value count = tile::CountOp::create(builder, loc, builder.getIndexType(), starts, ends);
  Value some = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, count, zero);
  auto branch = scf::IfOp::create(builder, loc, lastLoop.getResultTypes(), some,
                                  /*withElseRegion=*/true);

  builder.setInsertionPointToEnd(branch.elseBlock());
  scf::YieldOp::create(builder, loc, firstLoop.getInitArgs());

  builder.setInsertionPointToEnd(branch.thenBlock());
  tile::NthOp firstNth = chain.front().nth;
  auto nthOfAll = [&](OpBuilder &builder, Value number) {
    return tile::NthOp::create(builder, loc, builder.getIndexType(), number, starts, ends,
                               firstNth.getDescending());
  };
  auto mapNth = [&](IRMapping &mapping, tile::NthOp nth) {
    mapping.map(firstNth.getResult(), nth.getResult());
    mapping.map(firstNth.getOperation(), nth.getOperation());
  };
  unsigned states = firstLoop.getNumRegionIterArgs();
  SmallVector<Value> state;
  MutableArrayRef<Stage> rest(chain);
  bool isLoopOfOne = hasOneIndexAtMost(firstNth);
  // The first iteration, whichever loop it belongs to, takes the body that does the most: the
  // loops of a chain differ in what they may leave out.
  bool isPeeled = peel || isLoopOfOne;
  if (isPeeled) {
    IRMapping mapping;
    mapping.map(firstLoop.getRegionIterArgs(), firstLoop.getInitArgs());
    mapNth(mapping, nthOfAll(builder, zero));
    state = cloneBody(builder, chain.front(), mapping, [](Value acc) { return acc; });
  } else {
    state = firstLoop.getInitArgs();
    for (Value value : leftOver(chain.front()))
      state.push_back(arith::ConstantOp::create(
          builder, loc, cast<TypedAttr>(builder.getZeroAttr(value.getType()))));
  }

  Value before; // iterations of the loops before
  if (isLoopOfOne) {
    before = firstLoop.getUpperBound();
    rest = rest.drop_front();
  }
  for (Stage &stage : rest) {
    scf::ForOp loop = stage.loop;
    bool isEntry = !isPeeled && loop == firstLoop;
    Value lower = isEntry ? zero : one, upper = loop.getUpperBound();
    if (before) {
      Value isFirst = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, before, zero);
      lower = arith::SelectOp::create(builder, loc, isFirst, one, zero);
    }
    if (isEntry)
      upper = arith::MaxSIOp::create(builder, loc, upper, one);
    auto rotated = scf::ForOp::create(builder, loop.getLoc(), lower, upper, one, state);
    OpBuilder inside = OpBuilder::atBlockEnd(rotated.getBody());
    IRMapping copy;
    copy.map(loop.getInductionVar(), rotated.getInductionVar());
    if (isEntry)
      mapNth(copy, nthOfAll(inside, rotated.getInductionVar()));
    ValueRange arguments = rotated.getRegionIterArgs();
    copy.map(loop.getRegionIterArgs(), arguments.take_front(states));
    SmallVector<Value> next = cloneBody(inside, stage, copy, [&](Value acc) {
      ValueRange left = arguments.drop_front(states);
      return isEntry ? multiplyIfAny(inside, stage, rotated.getInductionVar(), left, acc)
                     : multiplyLeftOver(inside, stage, left, acc);
    });
    scf::YieldOp::create(inside, loop.getLoc(), next);
    state.assign(rotated.result_begin(), rotated.result_end());
    before = before ? arith::AddIOp::create(builder, loc, before, loop.getUpperBound()).getResult()
                    : loop.getUpperBound();
  }
  SmallVector<Value> left(state.begin() + states, state.end());
  state.truncate(states);
  Stage &last = chain.back();
  state[last.state] = multiplyLeftOver(builder, last, left, state[last.state]);
  scf::YieldOp::create(builder, loc, state);

  lastLoop.replaceAllUsesWith(branch.getResults());
  for (Stage &stage : llvm::reverse(chain))
    stage.loop.erase();
}

struct PipelineProductsPass : impl::PipelineProductsPassBase<PipelineProductsPass> {
  using PipelineProductsPassBase::PipelineProductsPassBase;

  void runOnOperation() override {
    SmallVector<Chain> chains;
    getOperation().walk([&](scf::ForOp loop) {
      std::optional<Stage> stage = matchStage(loop);
      if (!stage)
        return;
      if (!chains.empty() && continues(chains.back().back(), *stage))
        chains.back().push_back(std::move(*stage));
      else
        chains.push_back({std::move(*stage)});
    });
    for (Chain &chain : chains)
      rotate(chain, peel);
  }
};

} // namespace
} // namespace tessera
