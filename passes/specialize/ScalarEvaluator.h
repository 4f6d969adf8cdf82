//===- ScalarEvaluator.h - integers of a program, for given lengths -------===//

#ifndef TESSERA_PASSES_SPECIALIZE_SCALAREVALUATOR_H
#define TESSERA_PASSES_SPECIALIZE_SCALAREVALUATOR_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace tessera {

/// The extents of one view. Every sequence has `rows` rows.
struct ViewExtents {
  int64_t batches = 1, heads = 1, rows = 0;
};

/// What the arguments of a program hold, by their names (`tile.name`).
struct ArgumentValues {
  llvm::StringMap<ViewExtents> views;
  llvm::StringMap<int64_t> indices;
  llvm::StringMap<std::vector<int64_t>> tables; ///< of rank 1
};

/// Computes index, i32 and i1 values of a program: integer arithmetic over
/// constants, extents and lengths of views, index arguments, tables of integers,
/// lists of ranges (`tile.count`, `tile.nth`), and over values given with `bind`, such as the
/// results of `tile.grid` and the variable of a loop. An i1 is 0 or 1.
///
/// Tiles of integers, masks among them, can be read one element at a time.
class ScalarEvaluator {
public:
  explicit ScalarEvaluator(ArgumentValues arguments) : arguments(std::move(arguments)) {}

  /// Gives a value. What was computed from the value it had is forgotten.
  void bind(mlir::Value value, int64_t number);

  /// The number behind a scalar. The error names the op that is in the way.
  llvm::Expected<int64_t> evaluate(mlir::Value scalar);

  /// The same for one element of a tile of integers.
  llvm::Expected<int64_t> evaluate(mlir::Value tile, int64_t row, int64_t column);

  llvm::Expected<ViewExtents> extents(mlir::Value view) const;

private:
  const int64_t *find(mlir::Value value) const;
  llvm::Expected<int64_t> compute(mlir::Value value);
  llvm::Expected<int64_t> argument(mlir::BlockArgument value) const;
  llvm::Expected<int64_t> fetch(mlir::Value table, llvm::ArrayRef<int64_t> place) const;

  ArgumentValues arguments;
  /// Sign-extended, so that a true i1 is -1.
  llvm::DenseMap<mlir::Value, int64_t> scalars;
  /// Of the element at `row` and `column`.
  llvm::DenseMap<mlir::Value, int64_t> elements;
  int64_t row = 0, column = 0;
};

} // namespace tessera

#endif // TESSERA_PASSES_SPECIALIZE_SCALAREVALUATOR_H
