//===- MaskPredicate.cpp - a mask as alternatives of inequalities ---------===//

#include "passes/specialize/MaskPredicate.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

/// Beyond this many alternatives a predicate counts as undecided: the ranges
/// of so many would cost more than the tiles they save.
static constexpr size_t maxAlternatives = 16;

static Alternatives everything(bool undecided) { return {{Conjunction{}}, undecided}; }

static Alternatives capped(Alternatives alternatives) {
  return alternatives.conjunctions.size() > maxAlternatives ? everything(/*undecided=*/true)
                                                            : alternatives;
}

static Alternatives either(Alternatives a, const Alternatives &b) {
  a.conjunctions.append(b.conjunctions.begin(), b.conjunctions.end());
  a.undecided |= b.undecided;
  return capped(std::move(a));
}

static Alternatives both(const Alternatives &a, const Alternatives &b) {
  Alternatives result;
  result.undecided = a.undecided || b.undecided;
  for (const Conjunction &left : a.conjunctions)
    for (const Conjunction &right : b.conjunctions) {
      Conjunction joined = left;
      joined.forms.append(right.forms.begin(), right.forms.end());
      result.conjunctions.push_back(std::move(joined));
    }
  return capped(std::move(result));
}

/// `form + offset >= 0`, or nothing at all when that is known to be false.
static Alternatives atLeastZero(LinearForm form, int64_t offset) {
  form += offset;
  if (form.isConstant())
    return form.constant >= 0 ? everything(false) : Alternatives{};
  // Only differences of positions have intervals in closed form.
  if (std::abs(form.row) > 1 || std::abs(form.column) > 1)
    return everything(/*undecided=*/true);
  return {{Conjunction{{form}}}, false};
}

static Alternatives readComparison(arith::CmpIOp op, bool complement, PositionSpace &space) {
  auto left = readLinearForm(op.getLhs(), space);
  auto right = readLinearForm(op.getRhs(), space);
  if (!left || !right)
    return everything(/*undecided=*/true);
  LinearForm difference = *left;
  difference += right->scaled(-1);
  LinearForm opposite = difference.scaled(-1);

  arith::CmpIPredicate predicate =
      complement ? arith::invertPredicate(op.getPredicate()) : op.getPredicate();
  switch (predicate) {
  case arith::CmpIPredicate::sge:
    return atLeastZero(difference, 0);
  case arith::CmpIPredicate::sgt:
    return atLeastZero(difference, -1);
  case arith::CmpIPredicate::sle:
    return atLeastZero(opposite, 0);
  case arith::CmpIPredicate::slt:
    return atLeastZero(opposite, -1);
  case arith::CmpIPredicate::eq:
    return both(atLeastZero(difference, 0), atLeastZero(opposite, 0));
  case arith::CmpIPredicate::ne:
    return either(atLeastZero(difference, -1), atLeastZero(opposite, -1));
  default: // unsigned comparisons
    return everything(/*undecided=*/true);
  }
}

Alternatives readPredicate(Value mask, bool complement, PositionSpace &space) {
  DenseElementsAttr elements;
  if (matchPattern(mask, m_Constant(&elements)) && elements.isSplat())
    return elements.getSplatValue<APInt>().isOne() != complement ? everything(false)
                                                                 : Alternatives{};

  Operation *op = mask.getDefiningOp();
  if (!op)
    return everything(/*undecided=*/true);
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op))
    return readPredicate(broadcast.getSource(), complement, space);
  if (auto comparison = dyn_cast<arith::CmpIOp>(op))
    return readComparison(comparison, complement, space);

  auto operand = [&](unsigned i, bool complemented) {
    return readPredicate(op->getOperand(i), complemented, space);
  };
  // not (a and b)  =  (not a) or (not b), and the other way round.
  if (isa<arith::AndIOp>(op))
    return complement ? either(operand(0, true), operand(1, true))
                      : both(operand(0, false), operand(1, false));
  if (isa<arith::OrIOp>(op))
    return complement ? both(operand(0, true), operand(1, true))
                      : either(operand(0, false), operand(1, false));
  if (isa<arith::XOrIOp>(op) && matchPattern(op->getOperand(1), m_Constant(&elements)) &&
      elements.isSplat())
    return operand(0, complement != elements.getSplatValue<APInt>().isOne());
  return everything(/*undecided=*/true);
}

} // namespace tessera
