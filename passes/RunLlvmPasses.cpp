//===- RunLlvmPasses.cpp - LLVM's middle end, for any target --------------===//

#include "passes/RunLlvmPasses.h"

using namespace llvm;

namespace tessera {

Error runLlvmPasses(Module &module, TargetMachine &machine,
                    function_ref<Error(PassBuilder &, ModulePassManager &)> build,
                    PipelineTuningOptions tuning) {
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager callGraph;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  ModulePassManager passes;
  if (Error error = build(builder, passes))
    return error;
  passes.run(module, modules);
  return Error::success();
}

} // namespace tessera
