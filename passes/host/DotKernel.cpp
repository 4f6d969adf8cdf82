//===- DotKernel.cpp - matrix products in registers -----------------------===//
//
// result[c][r] = acc[c][r] + sum over k of lhs[k][r] * rhs(k, c), rows being
// lanes. A block of vectors x columns stays in registers over all k; each step
// loads the vectors of lhs once and broadcasts one element of rhs a column.
//
//===----------------------------------------------------------------------===//

#include "passes/host/ChunkEvaluator.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

namespace {

/// How much of the result stays in registers.
struct RegisterBlock {
  int64_t lanes;   ///< rows in one vector
  int64_t vectors; ///< vectors in a column
  int64_t columns;
};

/// Steps of k in one iteration: enough to hide the loop's own instructions.
constexpr int64_t maxUnroll = 2;

} // namespace

/// The block that does most work for each load: it divides the tile, and its
/// accumulators, one column of lhs and one broadcast fit the registers.
static RegisterBlock chooseBlock(int64_t rows, int64_t columns, HostMachine machine) {
  RegisterBlock best{TileLowering::vectorSize(rows, machine.lanes()), 1, 1};
  double bestReuse = 0;
  for (int64_t vectors = 1; vectors <= 4; ++vectors) {
    if (rows / best.lanes % vectors)
      continue;
    for (int64_t width = 1; width * vectors + vectors + 1 <= machine.registers; ++width) {
      if (columns % width)
        continue;
      double reuse = double(vectors * width) / double(vectors + width);
      if (reuse > bestReuse) {
        bestReuse = reuse;
        best.vectors = vectors;
        best.columns = width;
      }
    }
  }
  return best;
}

void TileLowering::lowerDot(tile::DotOp op, const Buffer &result) {
  bool transposed = false;
  Value rhsTile = op.getRhs();
  if (auto transpose = rhsTile.getDefiningOp<tile::TransposeOp>()) {
    transposed = true;
    rhsTile = transpose.getSource();
  }
  NaturalTile rhs = natural.lookup(rhsTile);
  Buffer lhs = buffers.find(op.getLhs());
  if (!rhs.address)
    return unsupported(op, "needs a loaded tile as its right operand");
  assert(lhs && lhs.element.isF32() && "the left operand was not computed");

  int64_t depth = lhs.columns;
  RegisterBlock block = chooseBlock(result.rows, result.columns, machine);
  int64_t blockRows = block.lanes * block.vectors;
  VectorType vectorType = emit.vectorOf(block.lanes, emit.getF32Type());
  Value zero = emit.splat(block.lanes, emit.number(0.0f));

  emit.loop(emit.index(0), emit.index(result.rows), blockRows, [&](Value row) {
    SmallVector<Value> rowOf;
    SmallVector<ChunkEvaluator> chunks;
    for (int64_t v = 0; v < block.vectors; ++v) {
      rowOf.push_back(emit.add(row, emit.index(v * block.lanes)));
      chunks.emplace_back(*this, rowOf.back(), block.lanes);
      chunks.back().hoist(op.getAcc());
    }
    emit.loop(emit.index(0), emit.index(result.columns), block.columns, [&](Value first) {
      SmallVector<Value> columnOf, sums;
      for (int64_t c = 0; c < block.columns; ++c) {
        columnOf.push_back(emit.add(first, emit.index(c)));
        for (ChunkEvaluator &chunk : chunks) {
          chunk.enterColumn(columnOf.back());
          sums.push_back(chunk.evaluate(op.getAcc()));
        }
      }
      // One step of k: the sums take over lhs[k] * rhs(k, columns).
      auto step = [&](Value k, ArrayRef<Value> state) {
        SmallVector<Value> left, isZero, next;
        for (Value vectorRow : rowOf) {
          left.push_back(buffers.load(lhs, k, vectorRow, block.lanes));
          if (op.getSkipZeros())
            isZero.push_back(arith::CmpFOp::create(emit, emit.loc(), arith::CmpFPredicate::OEQ,
                                                   left.back(), zero));
        }
        for (int64_t c = 0; c < block.columns; ++c) {
          Value major = transposed ? columnOf[c] : k;
          Value minor = transposed ? k : columnOf[c];
          Value offset = emit.add(emit.mul(major, emit.index(rhs.width)), minor);
          Value element =
              emit.load(emit.getF32Type(), emit.at(rhs.address, emit.getF32Type(), offset));
          Value right = vector::BroadcastOp::create(emit, emit.loc(), vectorType, element);
          for (int64_t v = 0; v < block.vectors; ++v) {
            Value sum = state[c * block.vectors + v];
            Value more = math::FmaOp::create(emit, emit.loc(), left[v], right, sum);
            next.push_back(op.getSkipZeros()
                               ? arith::SelectOp::create(emit, emit.loc(), isZero[v], sum, more)
                               : more);
          }
        }
        return next;
      };
      int64_t unroll = vectorSize(depth, maxUnroll);
      ResultRange products =
          emit.loop(emit.index(0), emit.index(depth), unroll, sums, [&](Value k, ValueRange state) {
            SmallVector<Value> next(state);
            for (int64_t i = 0; i < unroll; ++i)
              next = step(emit.add(k, emit.index(i)), next);
            return next;
          });
      for (int64_t c = 0; c < block.columns; ++c)
        for (int64_t v = 0; v < block.vectors; ++v)
          buffers.store(products[c * block.vectors + v], result, columnOf[c], rowOf[v]);
    });
  });
}

} // namespace tessera
