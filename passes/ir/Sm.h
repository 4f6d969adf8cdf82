//===- Sm.h - the sm dialect ----------------------------------------------===//

#ifndef TESSERA_PASSES_IR_SM_H
#define TESSERA_PASSES_IR_SM_H

#include "dsl/ir/Tile.h"

#include "mlir/Interfaces/ControlFlowInterfaces.h"

#include "passes/ir/SmDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "passes/ir/SmTypes.h.inc"

#define GET_OP_CLASSES
#include "passes/ir/SmOps.h.inc"

namespace tessera::sm {

/// The ring that a slot was acquired from, or is held of.
mlir::Value ringOf(mlir::Value slot);

/// Rows of the right operand of an exact product: few, for the sake of registers.
inline constexpr int64_t exactKeys = 8;

} // namespace tessera::sm

#endif // TESSERA_PASSES_IR_SM_H
