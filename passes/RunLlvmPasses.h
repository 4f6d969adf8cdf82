//===- RunLlvmPasses.h - LLVM's middle end, for any target ----------------===//

#ifndef TESSERA_PASSES_RUNLLVMPASSES_H
#define TESSERA_PASSES_RUNLLVMPASSES_H

#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/Error.h"

namespace tessera {

/// Runs the passes that `build` makes, with the analyses of `machine`; `tuning` is for pipelines
/// that LLVM makes up.
llvm::Error
runLlvmPasses(llvm::Module &module, llvm::TargetMachine &machine,
              llvm::function_ref<llvm::Error(llvm::PassBuilder &, llvm::ModulePassManager &)> build,
              llvm::PipelineTuningOptions tuning = {});

} // namespace tessera

#endif // TESSERA_PASSES_RUNLLVMPASSES_H
