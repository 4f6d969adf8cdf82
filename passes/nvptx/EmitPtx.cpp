//===- EmitPtx.cpp - the llvm dialect to PTX ------------------------------===//

#include "passes/nvptx/EmitPtx.h"
#include "passes/RunLlvmPasses.h"
#include "passes/nvptx/KernelFrame.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

#include <mutex>

using namespace llvm;

extern "C" {
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

namespace tessera {

PtxTarget PtxTarget::of(Target target) {
  switch (target) {
  case Target::sm90a:
    return {"sm_90a", "+ptx80"};
  case Target::host:
    break;
  }
  llvm_unreachable("not a GPU");
}

static Error ptxError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

static Expected<std::unique_ptr<TargetMachine>> makeMachine(const PtxTarget &target) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  std::string problem;
  Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *found = TargetRegistry::lookupTarget(triple, problem);
  if (!found)
    return ptxError(problem);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Fast;
  return std::unique_ptr<TargetMachine>(
      found->createTargetMachine(triple, target.chip, target.features, options, std::nullopt,
                                 std::nullopt, CodeGenOptLevel::Aggressive));
}

/// Arithmetic as the machine has it: fused, with approximate functions, and
/// subnormal numbers taken for zero.
static void relaxArithmetic(Module &module) {
  for (Function &function : module) {
    function.addFnAttr("denormal-fp-math-f32", "preserve-sign,preserve-sign");
    for (Instruction &instruction : instructions(function))
      if (isa<FPMathOperator>(instruction)) {
        instruction.setHasAllowContract(true);
        instruction.setHasApproxFunc(true);
      }
  }
}

/// Barriers and the like stand in inline assembly, of which LLVM knows nothing: it must not copy
/// them to the sides of a branch that lanes of one warp take differently.
static void keepTogether(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallInst>(&instruction); call && call->isInlineAsm())
        call->setConvergent();
}

Expected<std::string> emitPtx(mlir::ModuleOp module, const PtxTarget &target) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  LLVMContext context;
  std::unique_ptr<Module> translated = mlir::translateModuleToLLVMIR(module, context, "tessera");
  if (!translated)
    return ptxError("the module could not be translated to LLVM IR");
  auto machine = makeMachine(target);
  if (!machine)
    return machine.takeError();
  translated->setTargetTriple((*machine)->getTargetTriple());
  translated->setDataLayout((*machine)->createDataLayout());
  relaxArithmetic(*translated);
  keepTogether(*translated);
  // A thread is scalar: nothing becomes vectors, and looking for them takes a sixth of the passes.
  PipelineTuningOptions tuning;
  tuning.SLPVectorization = tuning.LoopVectorization = false;
  auto build = [](PassBuilder &builder, ModulePassManager &passes) {
    passes = builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3);
    return Error::success();
  };
  if (Error error = runLlvmPasses(*translated, **machine, build, tuning))
    return error;

  SmallString<0> text;
  raw_svector_ostream os(text);
  legacy::PassManager passes;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr, CodeGenFileType::AssemblyFile))
    return ptxError("the target cannot write PTX");
  passes.run(*translated);
  return text.str().str();
}

CudaProgram cudaProgramOf(mlir::ModuleOp module, ArgumentBlock arguments) {
  auto entry = *module.getOps<mlir::LLVM::LLVMFuncOp>().begin();
  auto number = [&](StringRef name) {
    return entry->getAttrOfType<mlir::IntegerAttr>(name).getInt();
  };
  CudaProgram program;
  program.name = entry.getName().str();
  program.threads = number(threadsName);
  program.sharedBytes = number(sharedBytesName);
  program.tickets = entry->hasAttr(ticketsName);
  program.arguments = std::move(arguments);
  for (auto map :
       entry->getAttrOfType<mlir::ArrayAttr>(mapsName).getAsRange<mlir::DictionaryAttr>())
    program.maps.push_back({map.getAs<mlir::StringAttr>("view").getValue().str(),
                            map.getAs<mlir::IntegerAttr>("columns").getInt(),
                            map.getAs<mlir::IntegerAttr>("rows").getInt()});
  return program;
}

} // namespace tessera
