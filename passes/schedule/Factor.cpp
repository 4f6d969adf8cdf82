//===- Factor.cpp - numbers that tiles are scaled by ----------------------===//

#include "passes/schedule/Factor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

static bool isPositive(const APFloat &number) {
  return !number.isNegative() && number.isFiniteNonZero();
}

/// Whether a scalar is a positive number whatever the arguments are.
static bool isPositive(Value scalar) {
  FloatAttr constant;
  if (matchPattern(scalar, m_Constant(&constant)))
    return isPositive(constant.getValue());
  Operation *op = scalar.getDefiningOp();
  if (isa_and_present<arith::MulFOp, arith::DivFOp>(op))
    return isPositive(op->getOperand(0)) && isPositive(op->getOperand(1));
  // The maximum passes a NaN over.
  if (isa_and_present<arith::MaxNumFOp>(op))
    return isPositive(op->getOperand(0)) || isPositive(op->getOperand(1));
  return false;
}

bool isPositiveSplat(Value tile) {
  if (auto splat = tile.getDefiningOp<tensor::SplatOp>())
    return isPositive(splat.getInput());
  SplatElementsAttr constant;
  return matchPattern(tile, m_Constant(&constant)) && isPositive(constant.getSplatValue<APFloat>());
}

bool isZeroSplat(Value tile) {
  SplatElementsAttr constant;
  return matchPattern(tile, m_Constant(&constant)) && isa<FloatType>(constant.getElementType()) &&
         constant.getSplatValue<APFloat>().isZero();
}

Value splatFactor(OpBuilder &builder, Value tile) {
  if (auto splat = tile.getDefiningOp<tensor::SplatOp>())
    return splat.getInput();
  SplatElementsAttr constant;
  if (!matchPattern(tile, m_Constant(&constant)))
    return {};
  return arith::ConstantOp::create(builder, tile.getLoc(), constant.getSplatValue<FloatAttr>());
}

} // namespace tessera
