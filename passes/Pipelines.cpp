//===- Pipelines.cpp - the stages of the compiler, told in order ----------===//

#include "passes/Pipelines.h"
#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
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
  // The product of the factors is a scalar, so it leaves the loop below.
  pm.addNestedPass<func::FuncOp>(createMergeFactorsPass());
  // Whatever a mask compares with must stand in front of the loop to be bounded.
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
  // Masks are plain predicates over positions now.
  pm.addNestedPass<func::FuncOp>(createSplitMaskedLoopsPass({.descending = isGpu(key.target)}));
  // A GPU copies the next tiles before it could look at their masks.
  if (!isGpu(key.target))
    pm.addNestedPass<func::FuncOp>(createGuardUndecidedMasksPass());
  // Lengths are whatever the masks' ranges compare with: only now may they
  // become arithmetic over tables.
  pm.addPass(createLowerViewsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Last, when nothing reads what only absent features needed.
  pm.addNestedPass<func::FuncOp>(createDropUnusedArgumentsPass());
  pm.addPass(createVerifySpecializedPass());
}

//===----------------------------------------------------------------------===//
// specialized -> vector: loops over vectors of this machine, arguments in one
// block of memory.
//===----------------------------------------------------------------------===//

void buildHostVector(OpPassManager &pm, const Key &key, const HostMachine &machine) {
  pm.addNestedPass<func::FuncOp>(createExpandRangesPass());
  // The arithmetic of ranges need not be repeated in each iteration.
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createSkipIdlePointsPass());
  pm.addPass(createOutlineGridPass());
  pm.addPass(createTileToVectorPass(
      {.vectorBits = machine.vectorBits, .registers = machine.registers, .checked = key.checked}));
  // LLVM has no type for fp8.
  pm.addNestedPass<func::FuncOp>(createExpandFp8Pass());
  pm.addNestedPass<func::FuncOp>(createExpandMathPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createLoopInvariantCodeMotionPass());
}

//===----------------------------------------------------------------------===//
// vector -> llvm: only upstream conversions are left.
//===----------------------------------------------------------------------===//

void buildHostLLVM(OpPassManager &pm) {
  // Rounding to bf16 is integer arithmetic: without it LLVM calls a function
  // for every element on CPUs that have no instruction.
  pm.addPass(arith::createArithExpandOpsPass({.includeBf16 = true}));
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

//===----------------------------------------------------------------------===//
// specialized -> scheduled: who does what and when on a multiprocessor.
//===----------------------------------------------------------------------===//

void buildGpuScheduled(OpPassManager &pm, const GpuSchedule &schedule) {
  OpPassManager &func = pm.nest<func::FuncOp>();
  // Reads masks and ranges as the program has them.
  func.addPass(createGuardProductsPass());
  // These read the lists of ranges, so they come before those are arithmetic.
  if (schedule.strips)
    func.addPass(createAttachStripsPass());
  // The factors of a product are one again when nothing is added in between.
  func.addPass(createAddToProductsPass());
  func.addPass(createMergeFactorsPass());
  // Fewer operations an element, and none between threads, in the loops to come.
  func.addPass(createDeferScalingPass());
  func.addPass(createDeferRowSumsPass());
  func.addPass(createCanonicalizerPass());
  // It reads the lists of ranges as well.
  if (schedule.narrow)
    func.addPass(createNarrowGroupsPass());
  if (schedule.bodies == Bodies::joined) {
    // It compares bodies: what two of them need alike is one value.
    func.addPass(createCSEPass());
    func.addPass(createJoinMaskedLoopsPass());
  }
  func.addPass(createPipelineProductsPass({.peel = schedule.bodies != Bodies::entered}));
  if (schedule.settle)
    func.addPass(createSkipSettledMaximaPass({.integers = schedule.integers}));
  func.addPass(createSkipUnitScalingPass({.branch = schedule.branch}));
  func.addPass(createExpandRangesPass());
  func.addPass(createSkipIdlePointsPass());
  func.addPass(createScheduleTilesPass(
      {.longestLast = schedule.longestLast, .cacheBytes = schedule.cacheBytes}));
  func.addPass(createCanonicalizerPass());
  func.addPass(createCSEPass());
  func.addPass(createLoopInvariantCodeMotionPass());
  // From here on operands lie in shared memory, and products are issued and awaited.
  func.addPass(
      createPlaceBuffersPass({.stages = schedule.stages, .outerStages = schedule.outerStages}));
  func.addPass(createPredicateProductsPass());
  func.addPass(createSpecializeWarpsPass({.groups = schedule.groups,
                                          .producerRegisters = schedule.producerRegisters,
                                          .consumerRegisters = schedule.consumerRegisters}));
  func.addPass(createTakeTicketsAheadPass());
  if (schedule.overlap)
    func.addPass(createOverlapPointsPass());
  func.addPass(createDelayAwaitsPass({.intoBranches = schedule.lateAwaits}));
  func.addPass(createCanonicalizerPass());
  func.addPass(createVerifyScheduledPass());
}

//===----------------------------------------------------------------------===//
// scheduled -> nvvm: what one thread does.
//===----------------------------------------------------------------------===//

void buildGpuNvvm(OpPassManager &pm) {
  pm.addPass(createSmToNvvmPass());
  // From the last op on: ops that nothing reads any more go first, which takes half the time.
  pm.addPass(createCanonicalizerPass(GreedyRewriteConfig().setUseTopDownTraversal(false)));
  pm.addPass(createCSEPass());
  pm.addPass(createFoldPositionsPass());
  pm.addPass(createCSEPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void registerConversions(DialectRegistry &registry) {
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertFuncToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

void registerPassesAndPipelines() {
  registerPasses();
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

  struct HostOptions : PassPipelineOptions<HostOptions> {
    Option<int64_t> vectorBits{*this, "vector-bits", llvm::cl::init(256),
                               llvm::cl::desc("Bits of a vector register.")};
    Option<int64_t> registers{*this, "registers", llvm::cl::init(16),
                              llvm::cl::desc("Vector registers.")};
    Option<bool> checked{*this, "checked", llvm::cl::init(false),
                         llvm::cl::desc("Check accesses, poison padding.")};
  };
  PassPipelineRegistration<HostOptions>(
      "host-vector", "specialized -> vector", [](OpPassManager &pm, const HostOptions &options) {
        Key key;
        key.checked = options.checked;
        buildHostVector(pm, key, {options.vectorBits, options.registers});
      });
  struct ScheduleOptions : PassPipelineOptions<ScheduleOptions> {
    Option<int64_t> groups{*this, "groups", llvm::cl::init(2),
                           llvm::cl::desc("Warp groups that compute.")};
    Option<int64_t> stages{*this, "stages", llvm::cl::init(2), llvm::cl::desc("Tiles in flight.")};
  };
  PassPipelineRegistration<ScheduleOptions>(
      "gpu-scheduled", "specialized -> scheduled",
      [](OpPassManager &pm, const ScheduleOptions &options) {
        buildGpuScheduled(pm, {.groups = options.groups, .stages = options.stages});
      });
  PassPipelineRegistration<>("gpu-nvvm", "scheduled -> the llvm and nvvm dialects", buildGpuNvvm);
  PassPipelineRegistration<>("host-llvm", "vector -> the llvm dialect", buildHostLLVM);
}

} // namespace tessera
