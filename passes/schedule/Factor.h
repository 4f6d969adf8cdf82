//===- Factor.h - numbers that tiles are scaled by ------------------------===//

#ifndef TESSERA_PASSES_SCHEDULE_FACTOR_H
#define TESSERA_PASSES_SCHEDULE_FACTOR_H

#include "mlir/IR/Builders.h"

namespace tessera {

/// Whether all elements of a tile are one number, which is positive whatever the arguments are.
bool isPositiveSplat(mlir::Value tile);

/// Whether all elements of a tile are zero.
bool isZeroSplat(mlir::Value tile);

/// The one number of a tile, as a scalar; null if it is none.
mlir::Value splatFactor(mlir::OpBuilder &builder, mlir::Value tile);

} // namespace tessera

#endif // TESSERA_PASSES_SCHEDULE_FACTOR_H
