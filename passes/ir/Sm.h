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

#endif // TESSERA_PASSES_IR_SM_H
