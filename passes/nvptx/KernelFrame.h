//===- KernelFrame.h - what all parts of a kernel refer to ----------------===//

#ifndef TESSERA_PASSES_NVPTX_KERNELFRAME_H
#define TESSERA_PASSES_NVPTX_KERNELFRAME_H

#include "passes/ir/Sm.h"
#include "passes/nvptx/CudaProgram.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

namespace tessera {

/// Threads of a warp group, and of a warp.
inline constexpr int64_t groupThreads = 128, warpThreads = 32;
/// A row of a chunk: what one pattern of the swizzle spans.
inline constexpr int64_t chunkRowBytes = 128;
inline constexpr int64_t barrierBytes = 8;
/// A number of a strip.
inline constexpr int64_t stripWordBytes = 4;

/// Bytes of a strip.
inline int64_t stripBytes(int64_t length) {
  return llvm::alignTo(length * stripWordBytes, barrierBytes);
}

/// Where a ring lies in shared memory, and how far each role is in it. Offsets
/// are bytes.
struct RingPlace {
  int64_t buffers, full, empty; ///< the first buffer, and the first barrier of each kind
  int64_t slotBytes, chunkBytes;
  int64_t strips, stripBytes; ///< the first strip; of no bytes if there are none
  mlir::Value filled, taken;  ///< counters: stack slots that LLVM turns into registers
};

/// Where the numbers of a channel lie in shared memory, and how far each role is.
struct ChannelPlace {
  int64_t numbers, full, empty;
  mlir::Value told, heard;
};

/// The entry point being made: its parameters, its threads, its shared memory.
struct KernelFrame {
  /// Moves the body of a scheduled program into a new entry point, behind code
  /// that sets up what is declared here.
  static mlir::FailureOr<KernelFrame> create(mlir::func::FuncOp program);

  mlir::LLVM::LLVMFuncOp entry;
  ArgumentBlock block;
  std::vector<TensorMapRequest> maps;
  int64_t groups = 0;   ///< of consumers
  bool gathers = false; ///< the second warp of the producer's group

  mlir::Value arguments; ///< the argument block
  llvm::SmallVector<mlir::Value> mapPointers;
  mlir::Value shared;     ///< address of dynamic shared memory, i32
  mlir::Value thread;     ///< in the block
  mlir::Value lane, warp; ///< in the warp, and of the group
  mlir::Value group;      ///< 0: the producer
  llvm::DenseMap<mlir::Value, RingPlace> rings;
  std::optional<int64_t> staging; ///< where a result waits to be copied out; nothing: no room
  llvm::DenseSet<mlir::Operation *> stagingIsFree; ///< stores behind a vote, which waits for that
  llvm::MapVector<int64_t, ChannelPlace> channels;
  bool tickets = false;       ///< the program takes some
  mlir::Value ticketCounters; ///< in global memory: tickets taken, blocks that are done

  /// An address in shared memory, and that of a ring's buffer.
  mlir::Value sharedAt(mlir::ImplicitLocOpBuilder &at, int64_t offset) const;
  mlir::Value bufferAt(mlir::ImplicitLocOpBuilder &at, const RingPlace &place,
                       mlir::Value slot) const;
  mlir::Value stripAt(mlir::ImplicitLocOpBuilder &at, const RingPlace &place,
                      mlir::Value slot) const;
  /// The tensor map of a view with boxes of `rows` rows.
  mlir::Value mapOf(mlir::Value view, int64_t rows) const;
  /// The argument that a view or a table is.
  const Argument &argumentOf(mlir::Value value) const;
  /// Reads a field of the argument block.
  mlir::Value readField(mlir::ImplicitLocOpBuilder &at, int64_t offset, mlir::Type type) const;
  /// The row within the tile of the first row that a warp, and a thread, holds a part of.
  mlir::Value warpRow(mlir::ImplicitLocOpBuilder &at) const;
  mlir::Value firstRow(mlir::ImplicitLocOpBuilder &at) const;
  /// The barrier at which the threads of a consumer group meet.
  mlir::Value groupBarrier(mlir::ImplicitLocOpBuilder &at) const;
  /// Runs `body` on the first thread of each consumer group: the one that starts copies.
  void onFirstOfGroup(mlir::ImplicitLocOpBuilder &at, llvm::function_ref<void()> body) const;
  /// 2 * (lane % 4): the first column of a thread.
  mlir::Value firstColumn(mlir::ImplicitLocOpBuilder &at) const;
};

/// Attributes of an entry point: what a launch needs to know.
inline constexpr llvm::StringLiteral threadsName = "sm.threads";
inline constexpr llvm::StringLiteral sharedBytesName = "sm.shared_bytes";
inline constexpr llvm::StringLiteral mapsName = "sm.maps";
inline constexpr llvm::StringLiteral ticketsName = "sm.tickets";

/// Whether a store can be left to the copy engine: whole tiles of a view, of 16-bit elements.
bool canCopyOut(tile::StoreOp store);

/// Bytes of a 64-row chunk of a result.
inline constexpr int64_t stagedChunkBytes = 64 * chunkRowBytes;

mlir::Value constantI32(mlir::ImplicitLocOpBuilder &at, int64_t value);
/// Of two integers of one width.
mlir::Value add(mlir::ImplicitLocOpBuilder &at, mlir::Value a, mlir::Value b);
mlir::Value mul(mlir::ImplicitLocOpBuilder &at, mlir::Value a, mlir::Value b);

/// The bits of a value of 32, as an i32.
mlir::Value wordOf(mlir::ImplicitLocOpBuilder &at, mlir::Value value);

/// What the first lane of a warp has, for all of them: so the assembler knows that it is the same.
mlir::Value fromFirstLane(mlir::ImplicitLocOpBuilder &at, mlir::Value value);

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_KERNELFRAME_H
