//===- LinearForm.cpp - integers as sums over positions -------------------===//

#include "passes/specialize/LinearForm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

LinearForm &LinearForm::operator+=(const LinearForm &other) {
  row += other.row;
  column += other.column;
  constant += other.constant;
  for (auto [value, factor] : other.terms) {
    auto *known = llvm::find_if(terms, [&](auto &term) { return term.first == value; });
    if (known == terms.end())
      terms.push_back({value, factor});
    else if ((known->second += factor) == 0)
      terms.erase(known);
  }
  return *this;
}

LinearForm &LinearForm::operator+=(int64_t number) {
  constant += number;
  return *this;
}

LinearForm LinearForm::scaled(int64_t factor) const {
  LinearForm result;
  if (!factor)
    return result;
  result.row = row * factor;
  result.column = column * factor;
  result.constant = constant * factor;
  for (auto [value, itsFactor] : terms)
    result.terms.push_back({value, itsFactor * factor});
  return result;
}

LinearForm LinearForm::uniform() const {
  LinearForm result = *this;
  result.row = result.column = 0;
  return result;
}

/// The same tile of positions, though perhaps computed twice.
static bool samePositions(tile::PositionsOp a, tile::PositionsOp b) {
  return a.getView() == b.getView() && a.getBatch() == b.getBatch() && a.getTile() == b.getTile() &&
         a.getType() == b.getType();
}

static std::optional<LinearForm> readPositions(tile::PositionsOp op, PositionSpace &space) {
  LinearForm form;
  if (op.isColumn()) {
    if (space.rows && !samePositions(space.rows, op))
      return std::nullopt;
    // Their interval is computed in front of the loop.
    for (Value operand : op->getOperands())
      if (space.loopBody->isAncestor(operand.getParentRegion()))
        return std::nullopt;
    space.rows = op;
    form.row = 1;
    return form;
  }
  if (op.getTile() != space.keyTile || (space.columns && !samePositions(space.columns, op)))
    return std::nullopt;
  space.columns = op;
  form.column = 1;
  return form;
}

std::optional<LinearForm> readLinearForm(Value value, PositionSpace &space) {
  APInt number;
  DenseElementsAttr elements;
  LinearForm form;
  if (matchPattern(value, m_ConstantInt(&number))) {
    form.constant = number.getSExtValue();
    return form;
  }
  if (matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
      elements.getElementType().isInteger()) {
    form.constant = elements.getSplatValue<APInt>().getSExtValue();
    return form;
  }

  Operation *op = value.getDefiningOp();
  if (op) {
    if (auto positions = dyn_cast<tile::PositionsOp>(op))
      return readPositions(positions, space);
    if (isa<tile::BroadcastOp, tensor::SplatOp, arith::IndexCastOp>(op))
      return readLinearForm(op->getOperand(0), space);
    if (isa<arith::AddIOp, arith::SubIOp>(op)) {
      auto left = readLinearForm(op->getOperand(0), space);
      auto right = readLinearForm(op->getOperand(1), space);
      if (!left || !right)
        return std::nullopt;
      *left += isa<arith::AddIOp>(op) ? *right : right->scaled(-1);
      return left;
    }
    if (isa<arith::MulIOp>(op)) {
      auto left = readLinearForm(op->getOperand(0), space);
      auto right = readLinearForm(op->getOperand(1), space);
      if (left && right && right->isConstant())
        return left->scaled(right->constant);
      if (left && right && left->isConstant())
        return right->scaled(left->constant);
      // A product of two unknowns is an unknown of its own, below.
    }
  }

  // Any other integer is a name for itself, if it is one and stays the same.
  if (!value.getType().isIntOrIndex() || space.loopBody->isAncestor(value.getParentRegion()))
    return std::nullopt;
  form.terms.push_back({value, 1});
  return form;
}

Value materialize(OpBuilder &builder, Location loc, const LinearForm &form) {
  assert(!form.row && !form.column && "R and C have no single value");
  Value sum;
  for (auto [value, factor] : form.terms) {
    Value term = value;
    if (!term.getType().isIndex())
      term = builder.createOrFold<arith::IndexCastOp>(loc, builder.getIndexType(), term);
    bool subtract = sum && factor < 0;
    int64_t magnitude = subtract ? -factor : factor;
    if (magnitude != 1)
      term = builder.createOrFold<arith::MulIOp>(
          loc, term, arith::ConstantIndexOp::create(builder, loc, magnitude));
    if (!sum)
      sum = term;
    else if (subtract)
      sum = builder.createOrFold<arith::SubIOp>(loc, sum, term);
    else
      sum = builder.createOrFold<arith::AddIOp>(loc, sum, term);
  }
  Value constant = arith::ConstantIndexOp::create(builder, loc, form.constant);
  return sum ? builder.createOrFold<arith::AddIOp>(loc, sum, constant) : constant;
}

} // namespace tessera
