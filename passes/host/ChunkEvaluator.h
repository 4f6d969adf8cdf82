//===- ChunkEvaluator.h - one vector of one tile --------------------------===//

#ifndef TESSERA_PASSES_HOST_CHUNKEVALUATOR_H
#define TESSERA_PASSES_HOST_CHUNKEVALUATOR_H

#include "passes/host/TileLowering.h"

namespace tessera {

/// Computes tiles for `size` consecutive rows, one column at a time. What has a
/// buffer is read from it; everything else is computed from its operands.
class ChunkEvaluator {
public:
  ChunkEvaluator(TileLowering &lowering, mlir::Value firstRow, int64_t size)
      : lowering(lowering), firstRow(firstRow), size(size) {}

  /// The rows of a tile in the current column, as a vector.
  mlir::Value evaluate(mlir::Value tile);

  /// Goes to another column; values of the last one are forgotten.
  void enterColumn(mlir::Value next) {
    column = next;
    columnValues.clear();
  }
  /// Computes the parts of a tile that are the same in every column. Called in
  /// front of a loop over columns, so that they are computed outside of it.
  void hoist(mlir::Value tile);
  /// The result of a row reduction.
  void setRowValue(mlir::Value tile, mlir::Value vector) { rowValues[tile] = vector; }

private:
  bool isRowValue(mlir::Value tile);
  mlir::Value compute(mlir::Value tile);
  mlir::Value positions(tile::PositionsOp op);
  mlir::Value elementwise(mlir::Operation *op);

  TileLowering &lowering;
  mlir::Value firstRow, column;
  int64_t size;
  llvm::DenseMap<mlir::Value, mlir::Value> rowValues, columnValues;
  llvm::DenseSet<mlir::Value> hoisted;
};

} // namespace tessera

#endif // TESSERA_PASSES_HOST_CHUNKEVALUATOR_H
