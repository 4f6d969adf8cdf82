//===- RowRegion.cpp - elementwise chains and row reductions --------------===//
//
// All that is computed on rows between two matrix products becomes one loop
// over chunks of rows. In it, a tile is walked column by column; what depends
// on a reduction of the row is computed in a further walk:
//
//   for rows:
//     for columns: x = scale * s;  store x;  m = max(m, x)        level 0
//     for columns: e = exp2(x - m);  store e;  l = l + e          level 1
//     store m, l
//
//===----------------------------------------------------------------------===//

#include "passes/host/ChunkEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>
#include <map>

using namespace mlir;

namespace tessera {

namespace {

/// The tiles to compute and the reductions they need, by level.
class RowRegion {
public:
  RowRegion(TileLowering &lowering, ArrayRef<std::pair<Value, Buffer>> results)
      : lowering(lowering), results(results.begin(), results.end()) {
    for (auto &[value, buffer] : results)
      require(value);
    keepWhatLaterLevelsRead();
  }

  void emit();

private:
  struct Walk {
    SmallVector<std::pair<Value, Buffer>> stores;
    SmallVector<tile::ReduceOp> reductions;
  };

  /// Collects what `tile` is computed from.
  void require(Value tile);
  /// How many reductions stand one behind the other in front of the tile.
  unsigned levelOf(Value tile);
  void keepWhatLaterLevelsRead();
  bool diesIn(Value tile, Value result);
  Buffer bufferFor(Value tile);
  void emitWalk(ChunkEvaluator &chunk, Value row, int64_t size, int64_t columns, Walk &walk);

  TileLowering &lowering;
  SmallVector<std::pair<Value, Buffer>> results;
  SetVector<Value> needed;
  DenseMap<Value, unsigned> levels;
};

} // namespace

void RowRegion::require(Value tile) {
  if (!TileLowering::isTile(tile) || lowering.buffers.find(tile) || needed.contains(tile))
    return;
  if (Operation *op = tile.getDefiningOp())
    for (Value operand : op->getOperands())
      require(operand);
  needed.insert(tile); // operands first
}

unsigned RowRegion::levelOf(Value tile) {
  if (!needed.contains(tile))
    return 0;
  if (auto known = levels.find(tile); known != levels.end())
    return known->second;
  unsigned level = 0;
  for (Value operand : tile.getDefiningOp()->getOperands())
    if (TileLowering::isTile(operand))
      level = std::max(level, levelOf(operand));
  if (tile.getDefiningOp<tile::ReduceOp>())
    ++level;
  return levels[tile] = level;
}

/// A tile that is computed in one walk and read in a later one is stored.
void RowRegion::keepWhatLaterLevelsRead() {
  SmallVector<Value> kept;
  for (Value tile : needed) {
    Operation *op = tile.getDefiningOp();
    if (TileLowering::typeOf(tile).getDimSize(1) == 1 ||
        !isa<FloatType>(TileLowering::typeOf(tile).getElementType()) ||
        op->hasTrait<OpTrait::ConstantLike>() || isa<tile::BroadcastOp, tensor::SplatOp>(op))
      continue;
    for (Operation *user : tile.getUsers()) {
      if (user->getNumResults() != 1 || !needed.contains(user->getResult(0)))
        continue;
      unsigned readAt = levelOf(user->getResult(0));
      if (isa<tile::ReduceOp>(user))
        --readAt;
      if (readAt > levelOf(tile)) {
        kept.push_back(tile);
        break;
      }
    }
  }
  for (Value tile : kept)
    if (llvm::none_of(results, [&](auto &result) { return result.first == tile; }))
      results.push_back({tile, bufferFor(tile)});
}

/// True if nothing reads `tile` once `result` is computed from it: its users
/// are the chain that leads to `result`, and reductions of earlier walks.
bool RowRegion::diesIn(Value tile, Value result) {
  if (tile.getParentBlock() != result.getParentBlock())
    return false; // in a loop, the next iteration reads it again
  bool leads = false;
  for (Operation *user : tile.getUsers()) {
    if (user->getNumResults() != 1)
      return false;
    Value next = user->getResult(0);
    if (isa<tile::ReduceOp>(user) && needed.contains(next) && levelOf(next) <= levelOf(result))
      continue;
    while (next != result) {
      if (!next.hasOneUse() || next.use_begin()->getOwner()->getNumResults() != 1 ||
          TileLowering::typeOf(next).getShape() != TileLowering::typeOf(result).getShape())
        return false;
      next = next.use_begin()->getOwner()->getResult(0);
      if (!TileLowering::isTile(next))
        return false;
    }
    leads = true;
  }
  return leads;
}

/// A place for an intermediate tile: that of an operand that dies with it, so
/// that scores, masked scores and probabilities share the same cache lines.
Buffer RowRegion::bufferFor(Value tile) {
  SmallVector<Value> work{tile};
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (!op)
      continue;
    for (Value operand : op->getOperands()) {
      if (!TileLowering::isTile(operand) ||
          TileLowering::typeOf(operand).getShape() != TileLowering::typeOf(tile).getShape())
        continue;
      Buffer buffer = lowering.buffers.find(operand);
      for (auto &[value, place] : results)
        if (value == operand)
          buffer = place;
      if (!buffer) {
        if (needed.contains(operand))
          work.push_back(operand);
      } else if (buffer.temporary && buffer.element == lowering.bufferElement(tile) &&
                 diesIn(operand, tile)) {
        return buffer;
      }
    }
  }
  return lowering.allocateFor(tile);
}

void RowRegion::emit() {
  if (results.empty())
    return;
  Emit &emit = lowering.emit;
  // A result that has no place of its own yet.
  for (auto &[value, buffer] : results)
    if (!buffer)
      buffer = bufferFor(value);

  int64_t rows = TileLowering::typeOf(results.front().first).getDimSize(0);
  std::map<std::pair<unsigned, int64_t>, Walk> walks; // by level and columns
  SmallVector<std::pair<Value, Buffer>> rowResults;
  for (auto &[value, buffer] : results) {
    RankedTensorType type = TileLowering::typeOf(value);
    if (type.getDimSize(0) != rows)
      return lowering.unsupported(value.getDefiningOp(),
                                  "is computed together with tiles of other heights");
    if (type.getDimSize(1) == 1)
      rowResults.push_back({value, buffer});
    else
      walks[{levelOf(value), type.getDimSize(1)}].stores.push_back({value, buffer});
  }
  for (Value value : needed)
    if (auto reduce = value.getDefiningOp<tile::ReduceOp>())
      walks[{levelOf(value) - 1, TileLowering::typeOf(reduce.getSource()).getDimSize(1)}]
          .reductions.push_back(reduce);

  int64_t size = TileLowering::vectorSize(rows, 2 * lowering.machine.lanes());
  emit.loop(emit.index(0), emit.index(rows), size, [&](Value row) {
    ChunkEvaluator chunk(lowering, row, size);
    SmallVector<Value> stored;
    for (auto &[position, walk] : walks) {
      emitWalk(chunk, row, size, position.second, walk);
      // Later walks read what this one stored.
      for (auto &[value, buffer] : walk.stores)
        lowering.buffers.place(value, buffer);
    }
    SmallVector<Value> vectors;
    for (auto &[value, buffer] : rowResults)
      vectors.push_back(chunk.evaluate(value));
    for (auto [result, vector] : llvm::zip_equal(rowResults, vectors))
      lowering.buffers.store(vector, result.second, emit.index(0), row);
  });
  for (auto &[value, buffer] : rowResults)
    lowering.buffers.place(value, buffer);
}

static Value combine(Emit &emit, tile::ReduceKind kind, Value a, Value b) {
  if (kind == tile::ReduceKind::Add)
    return arith::AddFOp::create(emit, emit.loc(), a, b);
  // One instruction where maxnumf takes three; NaN may be passed over.
  Value greater = arith::CmpFOp::create(emit, emit.loc(), arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(emit, emit.loc(), greater, a, b);
}

void RowRegion::emitWalk(ChunkEvaluator &chunk, Value row, int64_t size, int64_t columns,
                         Walk &walk) {
  Emit &emit = lowering.emit;
  SmallVector<Value> init;
  for (tile::ReduceOp reduce : walk.reductions) {
    chunk.hoist(reduce.getSource());
    float identity =
        reduce.getKind() == tile::ReduceKind::Max ? -std::numeric_limits<float>::infinity() : 0.0f;
    init.push_back(emit.splat(size, emit.number(identity)));
  }
  for (auto &[value, buffer] : walk.stores)
    chunk.hoist(value);

  ResultRange reduced =
      emit.loop(emit.index(0), emit.index(columns), 1, init, [&](Value column, ValueRange state) {
        chunk.enterColumn(column);
        for (auto &[value, buffer] : walk.stores) {
          Value vector = chunk.evaluate(value);
          Type kept = emit.vectorOf(size, buffer.element);
          if (vector.getType() != kept)
            vector = arith::ExtFOp::create(emit, emit.loc(), kept, vector);
          lowering.buffers.store(vector, buffer, column, row);
        }
        SmallVector<Value> next;
        for (auto [reduce, sum] : llvm::zip_equal(walk.reductions, state))
          next.push_back(combine(emit, reduce.getKind(), sum, chunk.evaluate(reduce.getSource())));
        return next;
      });
  for (auto [reduce, vector] : llvm::zip_equal(walk.reductions, reduced))
    chunk.setRowValue(reduce.getResult(), vector);
}

void TileLowering::computeRows(ArrayRef<std::pair<Value, Buffer>> results) {
  RowRegion(*this, results).emit();
}

// tile.any  ->  or over every element
Value TileLowering::lowerAny(tile::AnyOp op) {
  RankedTensorType type = typeOf(op.getKeep());
  int64_t size = vectorSize(type.getDimSize(0), machine.lanes());
  Value no = arith::ConstantOp::create(emit, emit.loc(), emit.getBoolAttr(false));
  auto rows = emit.loop(
      emit.index(0), emit.index(type.getDimSize(0)), size, {no}, [&](Value row, ValueRange state) {
        ChunkEvaluator chunk(*this, row, size);
        chunk.hoist(op.getKeep());
        Value none = emit.splat(size, no);
        auto columns = emit.loop(emit.index(0), emit.index(type.getDimSize(1)), 1, {none},
                                 [&](Value column, ValueRange lanes) {
                                   chunk.enterColumn(column);
                                   Value keep = chunk.evaluate(op.getKeep());
                                   return SmallVector<Value>{
                                       arith::OrIOp::create(emit, emit.loc(), lanes[0], keep)};
                                 });
        Value any =
            vector::ReductionOp::create(emit, emit.loc(), vector::CombiningKind::OR, columns[0]);
        return SmallVector<Value>{arith::OrIOp::create(emit, emit.loc(), state[0], any)};
      });
  return rows[0];
}

void TileLowering::copy(const Buffer &from, const Buffer &to) {
  int64_t size = vectorSize(from.rows, 2 * machine.lanes());
  emit.loop(emit.index(0), emit.index(from.columns), 1, [&](Value column) {
    emit.loop(emit.index(0), emit.index(from.rows), size, [&](Value row) {
      buffers.store(buffers.load(from, column, row, size), to, column, row);
    });
  });
}

} // namespace tessera
