//===- EmitNative.h - the llvm dialect to machine code for this CPU -------===//

#ifndef TESSERA_PASSES_HOST_EMITNATIVE_H
#define TESSERA_PASSES_HOST_EMITNATIVE_H

#include "passes/host/HostMachine.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace tessera {

/// The CPU that code is made for.
struct HostTarget {
  std::string cpu, features, triple;

  /// The CPU this process runs on.
  static HostTarget detect();
  /// Its vector registers.
  HostMachine machine() const;
  /// For hashes: the triple, CPU and features.
  std::string identity() const { return triple + " " + cpu + " " + features; }
};

enum class NativeFormat { assembly, object };

/// A module of the llvm dialect as LLVM IR text.
llvm::Expected<std::string> toLLVMText(mlir::ModuleOp module);

/// A module of the llvm dialect as optimised machine code: the text of an
/// assembly file, or the bytes of a relocatable ELF object.
llvm::Expected<std::string> emitNative(mlir::ModuleOp module, const HostTarget &target,
                                       NativeFormat format);

} // namespace tessera

#endif // TESSERA_PASSES_HOST_EMITNATIVE_H
