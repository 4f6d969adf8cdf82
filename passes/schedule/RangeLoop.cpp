//===- RangeLoop.cpp - loops over lists of ranges -------------------------===//

#include "passes/schedule/RangeLoop.h"

#include "passes/ir/Sm.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

tile::NthOp nthOf(scf::ForOp loop) {
  Value counter = loop.getInductionVar();
  auto count = loop.getUpperBound().getDefiningOp<tile::CountOp>();
  auto nth = counter.hasOneUse() ? dyn_cast<tile::NthOp>(*counter.user_begin()) : tile::NthOp();
  bool isList = nth && count && nth.getN() == counter &&
                matchPattern(loop.getLowerBound(), m_Zero()) &&
                matchPattern(loop.getStep(), m_One()) && count.getStarts() == nth.getStarts() &&
                count.getEnds() == nth.getEnds();
  return isList ? nth : tile::NthOp();
}

/// Whether `value` is `other`, or larger.
static bool isAtLeast(Value value, Value other) {
  auto larger = value.getDefiningOp<arith::MaxSIOp>();
  return value == other ||
         (larger && (isAtLeast(larger.getLhs(), other) || isAtLeast(larger.getRhs(), other)));
}

/// ceil(n / size) - floor(m / size) <= 1, where n <= m.
static bool isRoundingOfOne(Value start, Value end) {
  auto floor = start.getDefiningOp<arith::FloorDivSIOp>();
  auto ceil = end.getDefiningOp<arith::CeilDivSIOp>();
  APInt size;
  return floor && ceil && floor.getRhs() == ceil.getRhs() &&
         matchPattern(ceil.getRhs(), m_ConstantInt(&size)) && size.isStrictlyPositive() &&
         isAtLeast(floor.getLhs(), ceil.getLhs());
}

/// Whether `end - start <= 1` follows from how the two are made.
static bool differByOneAtMost(Value start, Value end) {
  if (start == end || isRoundingOfOne(start, end))
    return true;
  // Both choose alike: for each of the choices.
  auto starts = start.getDefiningOp<arith::SelectOp>(), ends = end.getDefiningOp<arith::SelectOp>();
  if (starts && ends && starts.getCondition() == ends.getCondition())
    return differByOneAtMost(starts.getTrueValue(), ends.getTrueValue()) &&
           differByOneAtMost(starts.getFalseValue(), ends.getFalseValue());
  auto startOf = start.getDefiningOp<sm::ByRoleOp>(), endOf = end.getDefiningOp<sm::ByRoleOp>();
  if (startOf || endOf)
    return differByOneAtMost(startOf ? startOf.getProducer() : start,
                             endOf ? endOf.getProducer() : end) &&
           differByOneAtMost(startOf ? startOf.getConsumer() : start,
                             endOf ? endOf.getConsumer() : end);
  // From both of two numbers; a difference from either of which is enough comes last.
  if (auto least = start.getDefiningOp<arith::MinSIOp>())
    return differByOneAtMost(least.getLhs(), end) && differByOneAtMost(least.getRhs(), end);
  if (auto most = end.getDefiningOp<arith::MaxSIOp>())
    return differByOneAtMost(start, most.getLhs()) && differByOneAtMost(start, most.getRhs());
  if (auto most = start.getDefiningOp<arith::MaxSIOp>())
    return differByOneAtMost(most.getLhs(), end) || differByOneAtMost(most.getRhs(), end);
  if (auto least = end.getDefiningOp<arith::MinSIOp>())
    return differByOneAtMost(start, least.getLhs()) || differByOneAtMost(start, least.getRhs());
  return false;
}

bool hasOneIndexAtMost(tile::NthOp nth) {
  return nth.getStarts().size() == 1 &&
         differByOneAtMost(nth.getStarts().front(), nth.getEnds().front());
}

Value isInAny(OpBuilder &builder, Value number, ArrayRef<Interval> intervals) {
  Location loc = number.getLoc();
  auto compare = [&](arith::CmpIPredicate predicate, Value other) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, number, other);
  };
  Value any;
  for (const Interval &interval : intervals) {
    Value isIn;
    if (interval.start)
      isIn = compare(arith::CmpIPredicate::sge, interval.start);
    if (interval.end) {
      Value isBefore = compare(arith::CmpIPredicate::slt, interval.end);
      isIn = isIn ? builder.createOrFold<arith::AndIOp>(loc, isIn, isBefore) : isBefore;
    }
    any = any ? builder.createOrFold<arith::OrIOp>(loc, any, isIn) : isIn;
  }
  return any;
}

llvm::SetVector<Operation *> sliceInBlock(Operation *root) {
  llvm::SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) { return op->getBlock() == root->getBlock(); };
  (void)getBackwardSlice(root, &slice, options);
  return slice;
}

scf::ForOp nextOf(scf::ForOp loop) {
  if (loop->use_empty())
    return {};
  auto next = dyn_cast<scf::ForOp>(*loop->user_begin());
  bool continues = next && next->getBlock() == loop->getBlock() &&
                   llvm::equal(next.getInitArgs(), loop->getResults()) &&
                   llvm::all_of(loop->getUsers(), [&](Operation *user) { return user == next; });
  return continues ? next : scf::ForOp();
}

bool continuesLoop(scf::ForOp loop) {
  return !loop.getInitArgs().empty() &&
         isa_and_present<scf::ForOp>(loop.getInitArgs().front().getDefiningOp());
}

SmallVector<scf::ForOp> chainFrom(scf::ForOp first) {
  SmallVector<scf::ForOp> chain;
  for (scf::ForOp loop = first; loop; loop = nextOf(loop))
    chain.push_back(loop);
  return chain;
}

} // namespace tessera
