//===- Pipelines.cpp - the stages of the compiler, told in order ----------===//

#include "passes/Pipelines.h"
#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tessera {

//===----------------------------------------------------------------------===//
// generic -> specialized: one variant. Afterwards no op mentions the key.
//===----------------------------------------------------------------------===//

void buildSpecialize(OpPassManager &pm, const Key &key) {
  pm.addPass(createSpecializeKeyPass({.key = str(key)}));
  // Folds the selects on features; what absent features computed is dead.
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Whatever a mask compares with must stand in front of the loop to be bounded.
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
  // Masks are plain predicates over positions now.
  pm.addNestedPass<func::FuncOp>(createSplitMaskedLoopsPass());
  pm.addNestedPass<func::FuncOp>(createGuardUndecidedMasksPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Last, when nothing reads what only absent features needed.
  pm.addNestedPass<func::FuncOp>(createDropUnusedArgumentsPass());
  pm.addPass(createVerifySpecializedPass());
}

void registerPassesAndPipelines() {
  registerSpecializeKeyPass(); registerDropUnusedArgumentsPass(); registerSplitMaskedLoopsPass(); registerGuardUndecidedMasksPass(); registerVerifySpecializedPass(); registerExpandRangesPass();
  registerTransformsPasses();

  struct KeyOptions : PassPipelineOptions<KeyOptions> {
    Option<std::string> key{*this, "key", llvm::cl::desc("The key's text.")};
  };
  PassPipelineRegistration<KeyOptions>(
      "specialize", "generic -> specialized", [](OpPassManager &pm, const KeyOptions &options) {
        llvm::Expected<Key> key = parseKey(options.key);
        if (!key)
          llvm::report_fatal_error(key.takeError(), /*gen_crash_diag=*/false);
        buildSpecialize(pm, *key);
      });
}

} // namespace tessera
