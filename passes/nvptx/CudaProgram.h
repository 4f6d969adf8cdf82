//===- CudaProgram.h - what a GPU program asks of who launches it ---------===//
//
// A kernel's parameters are, in this order: the argument block, by value, a
// tensor map for each entry of `maps`, and with `tickets` the address of two
// counters that no other launch uses meanwhile. It is launched with `blocksPerSM` blocks
// for each multiprocessor, in one dimension: blocks take tiles until none is
// left, so the grid does not depend on the call.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_NVPTX_CUDAPROGRAM_H
#define TESSERA_PASSES_NVPTX_CUDAPROGRAM_H

#include "passes/ArgumentBlock.h"

#include <string>
#include <vector>

namespace tessera {

/// A descriptor for the copy engine: boxes of a view's rows. Its dimensions are
/// (width, rows, heads, batches) of the view, innermost first; a box is
/// `boxColumns` x `boxRows` x 1 x 1. Shared memory is swizzled by 128 bytes, and
/// what lies outside of the view reads as zero.
struct TensorMapRequest {
  std::string view; ///< the argument's name
  int64_t boxColumns, boxRows;

  bool operator==(const TensorMapRequest &) const = default;
};

/// The counters of launches in the module of a kernel that takes tickets: zero when no launch uses
/// them, and left so by each.
inline constexpr llvm::StringLiteral ticketCountersName = "ticket_counters";
inline constexpr int64_t ticketCounterSlots = 32768, ticketCounterBytes = 8;

struct CudaProgram {
  std::string name;        ///< of the entry point
  int64_t threads = 0;     ///< of a block
  int64_t sharedBytes = 0; ///< dynamic shared memory of a block
  int64_t blocksPerSM = 1;
  bool tickets = false; ///< takes numbers of points from counters in global memory
  ArgumentBlock arguments;
  std::vector<TensorMapRequest> maps;

  /// Lines of text, for cache entries, and back.
  std::string str() const;
  static llvm::Expected<CudaProgram> parse(llvm::StringRef text);
};

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_CUDAPROGRAM_H
