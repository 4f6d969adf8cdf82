//===- Patterns.h - the patterns of sm-to-nvvm, by what they lower --------===//

#ifndef TESSERA_PASSES_NVPTX_PATTERNS_H
#define TESSERA_PASSES_NVPTX_PATTERNS_H

#include "passes/nvptx/KernelFrame.h"

#include "mlir/Transforms/DialectConversion.h"

namespace tessera {

/// A pattern that knows the kernel around it.
template <class Op>
struct FramePattern : mlir::OpConversionPattern<Op> {
  FramePattern(const mlir::TypeConverter &types, mlir::MLIRContext *context,
               const KernelFrame &frame)
      : mlir::OpConversionPattern<Op>(types, context), frame(frame) {}

  const KernelFrame &frame;
};

/// Whether an op's tile has a column for each lane that shares a row.
mlir::LogicalResult matchColumnPerLane(mlir::ConversionPatternRewriter &rewriter,
                                       mlir::Operation *op);

/// Arithmetic on tiles: vectors of the elements a thread holds.
void populateElementPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types,
                             const KernelFrame &frame);
/// Rows of tiles: reductions, and what the threads of a warp ask each other.
void populateReductionPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types,
                               const KernelFrame &frame);
/// Roles, rings and copies.
void populateRingPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types,
                          const KernelFrame &frame);
/// Matrix products.
void populateProductPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types,
                             const KernelFrame &frame);
/// Results that are not finite, and products that are exact.
void populateExactPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types,
                           const KernelFrame &frame);
/// Tables in memory, and strips of them.
void populateTablePatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types,
                           const KernelFrame &frame);
/// Views in memory.
void populateViewPatterns(mlir::RewritePatternSet &patterns, const mlir::TypeConverter &types,
                          const KernelFrame &frame);

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_PATTERNS_H
