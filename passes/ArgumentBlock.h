//===- ArgumentBlock.h - how a call's arguments lie in memory -------------===//
//
// A compiled program takes one pointer to a block of memory that holds its
// arguments one after the other. What a program still reads after
// specialization is listed here by name, so a call can fill the block without
// knowing the variant.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_ARGUMENTBLOCK_H
#define TESSERA_PASSES_ARGUMENTBLOCK_H

#include "dsl/Key.h"

#include <string>
#include <vector>

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace tessera {

/// A view in the block. Strides count elements; the row's elements are
/// contiguous.
struct ViewArgument {
  void *data;
  int64_t batchStride, headStride, rowStride;
  int64_t batches, heads, rows;
};

/// A table in the block; of its dimensions the first ones count. Strides count
/// elements.
struct TableArgument {
  const void *data;
  int64_t extents[4], strides[4];
};

enum class ArgumentKind { view, table, scalar, index };

/// One argument: its name, and where it lies in the block.
struct Argument {
  std::string name;
  ArgumentKind kind;
  DType type = DType::f32;            ///< of a view's elements
  int64_t width = 0;                  ///< of a view's rows
  TableType element = TableType::f32; ///< of a table's elements
  int64_t rank = 0;                   ///< of a table
  int64_t offset = 0;                 ///< bytes from the start of the block
};

struct ArgumentBlock {
  std::vector<Argument> arguments;
  int64_t bytes = 0;

  /// Appends an argument behind the others.
  void add(Argument argument);
  const Argument *find(llvm::StringRef name) const;

  /// The block of a specialized program.
  static ArgumentBlock of(mlir::func::FuncOp program);

  /// One line of text, for cache entries, and back.
  std::string str() const;
  static llvm::Expected<ArgumentBlock> parse(llvm::StringRef text);
};

} // namespace tessera

#endif // TESSERA_PASSES_ARGUMENTBLOCK_H
