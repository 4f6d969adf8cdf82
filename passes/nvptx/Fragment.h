//===- Fragment.h - which elements of a tile a thread holds ---------------===//
//
// The layout of a warp group's accumulators (PTX ISA, "Register Fragments for
// wgmma.mma_async"), for every tile whose rows are spread over the consumers.
// A group has 64 rows, its warp w the rows 16w to 16w + 15, and lane l of it
// rows l / 4 and l / 4 + 8 of these:
//
//   M x N   N / 2 elements: element i in row 8 * (i % 4 >= 2), column
//           8 * (i / 4) + 2 * (l % 4) + i % 2
//   M x 1   2: one a row, the same in the four lanes that share a row
//   M x 4   2: one a row and lane, columns being lanes of those four
//   1 x N   N / 4: those of its columns
//   1 x 1   1
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_NVPTX_FRAGMENT_H
#define TESSERA_PASSES_NVPTX_FRAGMENT_H

#include "mlir/IR/BuiltinTypes.h"

namespace tessera {

/// Rows of a tile that one consumer group holds.
inline constexpr int64_t groupRows = 64;
/// Lanes that share a row, and partial sums of it.
inline constexpr int64_t lanesOfRow = 4;
/// Rows that a thread holds a part of.
inline constexpr int64_t rowsOfThread = 2;

/// How many elements of a tile a thread holds.
inline int64_t fragmentSize(mlir::RankedTensorType tile) {
  int64_t rows = tile.getDimSize(0), columns = tile.getDimSize(1);
  if (rows == 1)
    return columns == 1 ? 1 : columns / lanesOfRow;
  return columns == 1 || columns == lanesOfRow ? rowsOfThread : columns * rowsOfThread / lanesOfRow;
}

/// Tiles of 16-bit floats are held as pairs in 32-bit registers, the lower column below: the form
/// of a product's operand.
inline bool isPacked(mlir::RankedTensorType tile) {
  return tile.getElementType().isF16() || tile.getElementType().isBF16();
}

/// The type of what a thread holds of a tile.
inline mlir::VectorType fragmentType(mlir::RankedTensorType tile) {
  if (isPacked(tile))
    return mlir::VectorType::get(fragmentSize(tile) / 2,
                                 mlir::IntegerType::get(tile.getContext(), 32));
  return mlir::VectorType::get(fragmentSize(tile), tile.getElementType());
}

/// The same of a packed tile as its elements.
inline mlir::VectorType unpackedType(mlir::RankedTensorType tile) {
  return mlir::VectorType::get(fragmentSize(tile), tile.getElementType());
}

/// Which of its two rows an element of an M x N tile is in.
inline int64_t rowOfElement(int64_t i) { return i % 4 >= 2; }
/// Its column, but for the lane's 2 * (l % 4).
inline int64_t columnOfElement(int64_t i) { return 8 * (i / 4) + i % 2; }
/// The element of a 1 x N tile in the column of an element of an M x N tile.
inline int64_t columnElement(int64_t i) { return i / 4 * 2 + i % 2; }
/// The column of an element of a 1 x N tile, but for the lane's part.
inline int64_t columnOfColumnElement(int64_t i) { return 8 * (i / 2) + i % 2; }

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_FRAGMENT_H
