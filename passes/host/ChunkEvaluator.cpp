//===- ChunkEvaluator.cpp - one vector of one tile ------------------------===//

#include "passes/host/ChunkEvaluator.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;

namespace tessera {

/// True if the tile has the same value in every column.
bool ChunkEvaluator::isRowValue(Value tile) {
  return TileLowering::typeOf(tile).getDimSize(1) == 1 || matchPattern(tile, m_Constant()) ||
         tile.getDefiningOp<tensor::SplatOp>();
}

void ChunkEvaluator::hoist(Value tile) {
  if (!TileLowering::isTile(tile) || !hoisted.insert(tile).second)
    return;
  if (isRowValue(tile)) {
    (void)evaluate(tile);
    return;
  }
  if (lowering.buffers.find(tile))
    return;
  if (auto broadcast = tile.getDefiningOp<tile::BroadcastOp>();
      broadcast && isRowValue(broadcast.getSource())) {
    rowValues[tile] = evaluate(broadcast.getSource());
    return;
  }
  if (Operation *op = tile.getDefiningOp())
    for (Value operand : op->getOperands())
      hoist(operand);
}

Value ChunkEvaluator::evaluate(Value tile) {
  if (Value known = rowValues.lookup(tile))
    return known;
  if (Value known = columnValues.lookup(tile))
    return known;
  Value vector = compute(tile);
  (isRowValue(tile) ? rowValues : columnValues)[tile] = vector;
  return vector;
}

Value ChunkEvaluator::compute(Value tile) {
  Emit &emit = lowering.emit;
  RankedTensorType type = TileLowering::typeOf(tile);
  // What is the same in every column may be asked for outside of any.
  bool oneColumn = type.getDimSize(1) == 1;
  if (Buffer buffer = lowering.buffers.find(tile); buffer && (oneColumn || !isRowValue(tile))) {
    Value where = oneColumn ? emit.index(0) : column;
    // The one row of a row stands for all.
    Value vector =
        buffer.rows == 1
            ? emit.splat(size, emit.load(buffer.element,
                                         lowering.buffers.address(buffer, where, emit.index(0))))
            : lowering.buffers.load(buffer, where, firstRow, size);
    if (buffer.element == type.getElementType())
      return vector;
    return arith::TruncFOp::create(emit, emit.loc(), emit.vectorOf(size, type.getElementType()),
                                   vector);
  }

  Operation *op = tile.getDefiningOp();
  assert(op && "a block argument without a buffer");
  DenseElementsAttr constant;
  if (matchPattern(tile, m_Constant(&constant)) && constant.isSplat())
    return arith::ConstantOp::create(
        emit, emit.loc(),
        DenseElementsAttr::get(emit.vectorOf(size, type.getElementType()),
                               constant.getSplatValue<Attribute>()));
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return emit.splat(size, lowering.scalar(splat.getInput()));
  if (auto broadcast = dyn_cast<tile::BroadcastOp>(op))
    return evaluate(broadcast.getSource());
  if (auto positionsOp = dyn_cast<tile::PositionsOp>(op))
    return positions(positionsOp);
  if (isa<tile::IotaOp>(op)) {
    Value number = arith::IndexCastOp::create(emit, emit.loc(), emit.getI32Type(), column);
    return emit.splat(size, number);
  }
  if (auto gather = dyn_cast<tile::GatherOp>(op)) {
    SmallVector<Value> coordinates;
    for (Value coordinate : gather.getCoordinates())
      coordinates.push_back(evaluate(coordinate));
    return lowering.gather(gather.getTable(), coordinates, type.getElementType());
  }
  if (auto mask = dyn_cast<tile::MaskOp>(op)) {
    // tile.mask %x, %keep  ->  select %keep, %x, -inf
    Value keep = evaluate(mask.getKeep()), scores = evaluate(mask.getSource());
    Value hidden = emit.splat(size, emit.number(-std::numeric_limits<float>::infinity()));
    return arith::SelectOp::create(emit, emit.loc(), keep, scores, hidden);
  }
  return elementwise(op);
}

Value ChunkEvaluator::positions(tile::PositionsOp op) {
  Emit &emit = lowering.emit;
  Value first = emit.mul(lowering.scalar(op.getTile()), emit.index(op.getTileSize()));
  first = emit.add(first, op.isColumn() ? firstRow : column);
  first = arith::IndexCastOp::create(emit, emit.loc(), emit.getI32Type(), first);
  Value vector = emit.splat(size, first);
  if (!op.isColumn())
    return vector;
  auto offsets = llvm::to_vector(llvm::seq<int32_t>(0, size));
  Value lane = arith::ConstantOp::create(
      emit, emit.loc(),
      DenseElementsAttr::get(emit.vectorOf(size, emit.getI32Type()), ArrayRef<int32_t>(offsets)));
  return arith::AddIOp::create(emit, emit.loc(), vector, lane);
}

// %z = op %x, %y : tensor<MxNxT>  ->  %z = op %x, %y : vector<size x T>
Value ChunkEvaluator::elementwise(Operation *op) {
  Emit &emit = lowering.emit;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  VectorType vector = emit.vectorOf(size, type.getElementType());
  if (!op->hasTrait<OpTrait::Elementwise>() || op->getNumResults() != 1) {
    lowering.unsupported(op, "is not elementwise and has no place to be computed");
    return arith::ConstantOp::create(emit, emit.loc(), emit.getZeroAttr(vector));
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(TileLowering::isTile(operand) ? evaluate(operand)
                                                     : lowering.scalar(operand));
  OperationState state(emit.loc(), op->getName(), operands, {vector}, op->getAttrs());
  return emit.create(state)->getResult(0);
}

} // namespace tessera
