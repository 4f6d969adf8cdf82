//===- Tile.h - the tile dialect ------------------------------------------===//

#ifndef TESSERA_DSL_IR_TILE_H
#define TESSERA_DSL_IR_TILE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dsl/ir/TileDialect.h.inc"
#include "dsl/ir/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dsl/ir/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dsl/ir/TileTypes.h.inc"

#define GET_OP_CLASSES
#include "dsl/ir/TileOps.h.inc"

namespace tessera {

/// Attribute of a function argument: the name by which a call binds it.
inline constexpr llvm::StringLiteral argumentName = "tile.name";

/// Attribute of a view: the name of the sequences that its rows belong to.
/// Views of one name have equally many rows in each batch.
inline constexpr llvm::StringLiteral sequencesName = "tile.sequences";

/// Attribute of a module: the key it is specialized to.
inline constexpr llvm::StringLiteral keyName = "tile.key";

/// Registers every dialect that a program may use at any stage.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace tessera

#endif // TESSERA_DSL_IR_TILE_H
