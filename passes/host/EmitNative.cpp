//===- EmitNative.cpp - the llvm dialect to machine code for this CPU -----===//

#include "passes/host/EmitNative.h"
#include "passes/RunLlvmPasses.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Operator.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"

#include <mutex>

using namespace llvm;

namespace tessera {

HostTarget HostTarget::detect() {
  HostTarget target;
  target.triple = sys::getProcessTriple();
  target.cpu = sys::getHostCPUName().str();
  // Sorted, so that the identity does not depend on the order of a hash table.
  std::vector<std::string> enabled;
  for (auto &[feature, on] : sys::getHostCPUFeatures())
    enabled.push_back(((on ? "+" : "-") + feature).str());
  sort(enabled);
  target.features = join(enabled, ",");
  return target;
}

HostMachine HostTarget::machine() const {
  auto has = [&](StringRef feature) {
    SmallVector<StringRef> words;
    StringRef(features).split(words, ',');
    return is_contained(words, ("+" + feature).str());
  };
  if (has("avx512f"))
    return {.vectorBits = 512, .registers = 32};
  if (has("avx2"))
    return {.vectorBits = 256, .registers = 16};
  return {.vectorBits = 128, .registers = Triple(triple).isAArch64() ? 32 : 16};
}

static std::unique_ptr<Module> translate(mlir::ModuleOp module, LLVMContext &context) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  return mlir::translateModuleToLLVMIR(module, context, "tessera");
}

static Error nativeError(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

Expected<std::string> toLLVMText(mlir::ModuleOp module) {
  LLVMContext context;
  std::unique_ptr<Module> translated = translate(module, context);
  if (!translated)
    return nativeError("the module could not be translated to LLVM IR");
  std::string text;
  raw_string_ostream os(text);
  translated->print(os, nullptr);
  return text;
}

static Expected<std::unique_ptr<TargetMachine>> makeMachine(const HostTarget &target) {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
  });
  std::string problem;
  Triple triple(target.triple);
  const Target *found = TargetRegistry::lookupTarget(triple, problem);
  if (!found)
    return nativeError(problem);
  TargetOptions options;
  return std::unique_ptr<TargetMachine>(
      found->createTargetMachine(triple, target.cpu, target.features, options, Reloc::PIC_,
                                 std::nullopt, CodeGenOptLevel::Default));
}

/// What the program leaves to LLVM's middle end: its loops are blocked and its
/// vectors explicit, so only scalars and addresses are worth cleaning up. The
/// standard pipeline takes five times as long and makes no faster code. One round
/// of instcombine is enough; by itself it ends the process if it is not.
static constexpr const char *cleanUp =
    "function(simplifycfg,early-cse<memssa>,loop-mssa(loop-rotate,licm),"
    "early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg)";

static Error optimize(Module &module, TargetMachine &machine) {
  // a * b + c in one instruction where the CPU has it; otherwise in two rather
  // than in a call.
  for (Function &function : module)
    for (Instruction &instruction : instructions(function)) {
      if (auto *fma = dyn_cast<IntrinsicInst>(&instruction);
          fma && fma->getIntrinsicID() == Intrinsic::fma)
        fma->setCalledFunction(
            Intrinsic::getOrInsertDeclaration(&module, Intrinsic::fmuladd, {fma->getType()}));
      else if (isa<FPMathOperator>(instruction) && !isa<CallInst>(instruction))
        instruction.setHasAllowContract(true);
    }

  return runLlvmPasses(module, machine, [](PassBuilder &builder, ModulePassManager &passes) {
    return builder.parsePassPipeline(passes, cleanUp);
  });
}

Expected<std::string> emitNative(mlir::ModuleOp module, const HostTarget &target,
                                 NativeFormat format) {
  LLVMContext context;
  std::unique_ptr<Module> translated = translate(module, context);
  if (!translated)
    return nativeError("the module could not be translated to LLVM IR");
  auto machine = makeMachine(target);
  if (!machine)
    return machine.takeError();
  translated->setTargetTriple((*machine)->getTargetTriple());
  translated->setDataLayout((*machine)->createDataLayout());
  for (Function &function : *translated) {
    // 512-bit registers are used where the program asks for them.
    function.addFnAttr("prefer-vector-width", std::to_string(target.machine().vectorBits));
    function.addFnAttr("min-legal-vector-width", std::to_string(target.machine().vectorBits));
  }
  if (Error error = optimize(*translated, **machine))
    return error;

  SmallString<0> bytes;
  raw_svector_ostream os(bytes);
  legacy::PassManager passes;
  auto fileType = format == NativeFormat::assembly ? CodeGenFileType::AssemblyFile
                                                   : CodeGenFileType::ObjectFile;
  if ((*machine)->addPassesToEmitFile(passes, os, nullptr, fileType))
    return nativeError("the target cannot write this kind of file");
  passes.run(*translated);
  return bytes.str().str();
}

} // namespace tessera
