//===- GlobalMemory.h - views and tables in memory, as a kernel sees them -===//

#ifndef TESSERA_PASSES_NVPTX_GLOBALMEMORY_H
#define TESSERA_PASSES_NVPTX_GLOBALMEMORY_H

#include "passes/nvptx/KernelFrame.h"

namespace tessera {

/// Offsets are computed in 64 bits, positions in 32.
mlir::Value wide(mlir::ImplicitLocOpBuilder &at, mlir::Value i32);

/// An i64 of a view's or a table's description.
mlir::Value readI64(mlir::ImplicitLocOpBuilder &at, const KernelFrame &frame,
                    const Argument &argument, size_t field);
/// The address of an argument's elements, in global memory.
mlir::Value dataOf(mlir::ImplicitLocOpBuilder &at, const KernelFrame &frame,
                   const Argument &argument);
mlir::Value elementAt(mlir::ImplicitLocOpBuilder &at, mlir::Value data, mlir::Type element,
                      mlir::Value offset);

/// One dimension of a table, where the coordinates in the others stand.
struct TableLine {
  mlir::Type element;
  mlir::Value data;   ///< address of its first number
  mlir::Value stride; ///< i64, in elements
  mlir::Value limit;  ///< i32: places below it are inside of the table, and may be read

  /// `coordinates` are i32; the one `along` the line is not looked at.
  static TableLine of(mlir::ImplicitLocOpBuilder &at, const KernelFrame &frame, mlir::Value table,
                      llvm::ArrayRef<mlir::Value> coordinates, size_t along);

  /// Whether `count` numbers from a place (i32) on are inside, one behind the other in memory.
  mlir::Value holds(mlir::ImplicitLocOpBuilder &at, mlir::Value place, int64_t count) const;

  /// The numbers at `count` places, `step` apart from the first one (i32) on; zeros outside of the
  /// table, where no memory is read.
  llvm::SmallVector<mlir::Value> readEvery(mlir::ImplicitLocOpBuilder &at, int64_t step,
                                           mlir::Value first, int64_t count) const;
};

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_GLOBALMEMORY_H
