//===- EmitPtx.h - the llvm dialect to PTX --------------------------------===//

#ifndef TESSERA_PASSES_NVPTX_EMITPTX_H
#define TESSERA_PASSES_NVPTX_EMITPTX_H

#include "passes/nvptx/CudaProgram.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace tessera {

/// Architecture and PTX version of a target.
struct PtxTarget {
  std::string chip, features;

  static PtxTarget of(Target target);
};

/// A lowered module as optimised PTX.
llvm::Expected<std::string> emitPtx(mlir::ModuleOp module, const PtxTarget &target);

/// What a launch needs to know of the entry point of a lowered module, `arguments` being those
/// of the program it was made from.
CudaProgram cudaProgramOf(mlir::ModuleOp module, ArgumentBlock arguments);

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_EMITPTX_H
