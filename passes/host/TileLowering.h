//===- TileLowering.h - one function from tiles to vectors ----------------===//
//
// Shared by the files of the lowering:
//   TileToVector.cpp    the pass, blocks and loops: what is computed when
//   RowRegion.cpp       elementwise chains and row reductions, chunk by chunk
//   ChunkEvaluator.cpp  one vector of one tile
//   DotKernel.cpp       matrix products in registers
//   ViewAccess.cpp      arguments, loads and stores
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_HOST_TILELOWERING_H
#define TESSERA_PASSES_HOST_TILELOWERING_H

#include "dsl/ir/Tile.h"
#include "passes/ArgumentBlock.h"
#include "passes/host/HostMachine.h"
#include "passes/host/TileBuffers.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace tessera {

/// A loaded tile in its natural layout (rows of contiguous f32), for the right
/// operand of a product.
struct NaturalTile {
  mlir::Value address;
  int64_t width = 0;
};

/// The fields of a view argument.
struct ViewFields {
  mlir::Value data, batchStride, headStride, rowStride, batches, heads, rows;
  mlir::Type element;
  mlir::Type memory; ///< what lies in memory: fp8 as i8
  int64_t width = 0;
};

/// The fields of a table argument.
struct TableFields {
  mlir::Value data;
  llvm::SmallVector<mlir::Value, 4> extents, strides;
};

/// The rows that one load or store goes to.
struct SequenceFields {
  ViewFields view;
  mlir::Value batch, head;
  mlir::Value start, length; ///< first row in the view, and how many there are
  mlir::Value pages;         ///< the table argument; null: none
  int64_t line = 0;          ///< of the program, for a checked kernel
};

class TileLowering {
public:
  TileLowering(mlir::func::FuncOp source, HostMachine machine, bool checked);

  /// Builds the lowered function in front of the source, which is erased.
  mlir::LogicalResult run();

  Emit emit;
  TileBuffers buffers;
  const HostMachine machine;
  const bool checked;

  /// A scalar of the source in the new function.
  mlir::Value scalar(mlir::Value source) { return scalars.lookupOrDefault(source); }

  static mlir::RankedTensorType typeOf(mlir::Value tile) {
    return mlir::cast<mlir::RankedTensorType>(tile.getType());
  }
  static bool isTile(mlir::Value value) {
    return mlir::isa<mlir::RankedTensorType>(value.getType());
  }
  /// The type a tile has in its buffer: 16-bit floats are kept as f32.
  mlir::Type bufferElement(mlir::Value tile);
  Buffer allocateFor(mlir::Value tile);

  /// Reports an op the host target cannot lower. The pass then fails.
  void unsupported(mlir::Operation *op, const llvm::Twine &reason);

  // ViewAccess.cpp
  void readArguments();
  mlir::Value lowerExtent(tile::ExtentOp op);
  mlir::Value lowerFetch(tile::FetchOp op);
  void lowerLoad(tile::LoadOp op);
  void lowerStore(tile::StoreOp op, const Buffer &value);
  void lowerExchange(tile::ExchangeOp op, const Buffer &from, const Buffer &to);
  mlir::Value gather(mlir::Value table, llvm::ArrayRef<mlir::Value> coordinates,
                     mlir::Type element);

  // DotKernel.cpp
  void lowerDot(tile::DotOp op, const Buffer &result);

  // RowRegion.cpp
  /// Computes tiles chunk by chunk of rows: each into its buffer.
  void computeRows(llvm::ArrayRef<std::pair<mlir::Value, Buffer>> results);
  mlir::Value lowerAny(tile::AnyOp op);
  void copy(const Buffer &from, const Buffer &to);

  /// The widest power-of-two vector of at most `most` that divides `size`.
  static int64_t vectorSize(int64_t size, int64_t most);

private:
  // TileToVector.cpp
  void lowerBlock(mlir::Block &block);
  void lowerFor(mlir::scf::ForOp op);
  void lowerIf(mlir::scf::IfOp op);
  void planInPlace(mlir::Block &block, mlir::ValueRange yields, llvm::ArrayRef<Buffer> targets,
                   mlir::ValueRange occupants);
  void finishBlock(mlir::ValueRange yields, llvm::ArrayRef<Buffer> targets);
  void flush(mlir::Operation *barrier,
             llvm::ArrayRef<std::pair<mlir::Value, Buffer>> demanded = {});
  void forgetTransient();
  bool isCheap(mlir::Value tile);
  void poisonScratch();

  // ViewAccess.cpp
  template <class Access>
  SequenceFields sequenceOf(Access op);
  mlir::Value validRows(const SequenceFields &rows, mlir::Value tile, int64_t size);
  mlir::Value rowAddress(const ViewFields &view, mlir::Value batch, mlir::Value head,
                         mlir::Value row);
  void forRows(const SequenceFields &rows, mlir::Value tile, int64_t size, mlir::Value count,
               llvm::function_ref<void(mlir::Value, mlir::Value)> body);
  void checkWithin(int64_t line, Violation kind, mlir::Value value, mlir::Value limit);
  void checkAccess(mlir::Operation *op, SequenceFields &rows, mlir::Value tile, int64_t size);
  void loadNatural(tile::LoadOp op, const SequenceFields &from);
  void loadLanes(tile::LoadOp op, const SequenceFields &from);

  mlir::func::FuncOp source, lowered;
  mlir::Value argumentBlock;
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, ViewFields> views;
  llvm::DenseMap<mlir::Value, TableFields> tables;
  llvm::DenseMap<mlir::Value, NaturalTile> natural;
  /// Tile ops met since the last barrier, computed when something needs them.
  llvm::SetVector<mlir::Operation *> pending;
  /// Memory that outlives a value, and whose value lies there until then.
  struct InPlace {
    Buffer target;
    mlir::Value occupant;
  };
  /// Values that are computed straight into such memory.
  llvm::DenseMap<mlir::Value, InPlace> inPlace;
  llvm::DenseMap<mlir::Value, bool> cheap;
  /// Cheap tiles that the last barrier wanted in memory.
  llvm::SmallVector<mlir::Value> transient;
  bool failed = false;
};

} // namespace tessera

#endif // TESSERA_PASSES_HOST_TILELOWERING_H
