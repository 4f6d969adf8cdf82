//===- RowAffine.h - positions as constants and numbers of a thread -------===//
//
// A thread knows where its elements stand up to constants: the position of an
// element is a number of its row, or of the thread, plus a constant.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_NVPTX_ROWAFFINE_H
#define TESSERA_PASSES_NVPTX_ROWAFFINE_H

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <optional>

namespace tessera {

/// Element i is constants[i] plus the sum of its row's numbers, which are
/// scalars, or vectors with one element a row.
struct RowAffine {
  llvm::SmallVector<int64_t> constants;
  llvm::SmallVector<std::pair<mlir::Value, int>> rows; ///< with their signs

  void add(const RowAffine &other, int sign);
};

/// Whether a shuffle repeats a number of each row over its elements.
bool repeatsRows(mlir::vector::ShuffleOp shuffle);

/// Reads the elements of an i32 vector. Its rows' numbers stay vectors.
std::optional<RowAffine> matchRowAffine(mlir::Value value);

/// The same with scalars alone: rows differ by constants, too.
std::optional<RowAffine> matchThreadAffine(mlir::Value value);

/// The numbers of the rows: a vector with one element a row, or one scalar for all.
mlir::Value buildRows(mlir::ImplicitLocOpBuilder &at, const RowAffine &affine);

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_ROWAFFINE_H
