//===- Compiler.cpp - from a key to machine code, stage by stage ----------===//

#include "runtime/Compiler.h"
#include "kernels/AppendRows.h"
#include "kernels/FlashForward.h"
#include "passes/ArgumentBlock.h"
#include "passes/Pipelines.h"
#include "passes/host/HostProgram.h"
#include "passes/nvptx/EmitPtx.h"
#include "runtime/GpuSchedule.h"
#include "runtime/HostSchedule.h"
#include "runtime/Log.h"
#include "runtime/Specialized.h"
#include "runtime/Variants.h"
#include "runtime/cuda/Assembler.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <fmt/format.h>

using namespace llvm;

namespace tessera {

ArrayRef<StageInfo> stages() {
  static const StageInfo infos[] = {
      {Stage::generic, "generic", "mlir", "tile IR of the traced program; features are symbolic",
       true, true},
      {Stage::specialized, "specialized", "mlir", "tile IR of one variant", true, true},
      {Stage::vector, "vector", "mlir", "loops over vectors of this CPU", true, false},
      {Stage::scheduled, "scheduled", "mlir", "what a thread block of a GPU does, and when", false,
       true},
      {Stage::nvvm, "nvvm", "mlir", "what one thread of a GPU does", false, true},
      {Stage::llvm, "llvm", "ll", "LLVM IR", true, false},
      {Stage::assembly, "asm", "s", "assembly of this CPU", true, false},
      {Stage::ptx, "ptx", "ptx", "assembly of a GPU", false, true},
  };
  return infos;
}

Expected<Stage> parseStage(StringRef name) {
  std::string names;
  for (const StageInfo &info : stages()) {
    if (info.name == name)
      return info.stage;
    names += (names.empty() ? "" : ", ") + info.name.str();
  }
  return createStringError(std::make_error_code(std::errc::invalid_argument),
                           "unknown stage \"" + name + "\", expected one of " + names);
}

/// The program of a key. A new direction adds a line here.
static Expected<Program> traceProgram(const Key &key, const Shape &shape) {
  Expected<Variant> variant = findVariant(key.variant);
  if (!variant)
    return variant.takeError();
  switch (key.direction) {
  case Direction::fwd:
    return flashForward(shape, *variant);
  case Direction::append:
    return appendRows(shape);
  }
  llvm_unreachable("unknown direction");
}

static std::string textOf(mlir::ModuleOp module) {
  std::string text;
  raw_string_ostream os(text);
  module.print(os);
  return text;
}

static Expected<Shape> shapeOf(const Key &key) {
  if (!isGpu(key.target))
    return hostShape(key);
  Expected<GpuSchedule> schedule = gpuSchedule(key);
  if (!schedule)
    return schedule.takeError();
  return gpuShape(key, *schedule);
}

static Expected<TracedProgram> trace(const Key &key) {
  Expected<Shape> shape = shapeOf(key);
  if (!shape)
    return shape.takeError();
  Expected<Program> program = traceProgram(key, *shape);
  if (!program)
    return program.takeError();
  return finish(std::move(*program));
}

namespace {

/// A kernel on its way through the stages.
class Compilation {
public:
  Compilation(const Key &key, const HostTarget &target, StringRef dumpFolder)
      : key(key), target(target), dumpFolder(dumpFolder) {}

  Error start() {
    Expected<TracedProgram> traced = trace(key);
    if (!traced)
      return traced.takeError();
    program = std::move(*traced);
    mlir::DialectRegistry conversions;
    registerConversions(conversions);
    program.context->appendDialectRegistry(conversions);
    name = (*program.module->getOps<mlir::func::FuncOp>().begin()).getName().str();
    return dump(Stage::generic);
  }

  /// Runs passes up to a stage that is still MLIR.
  Error advance(Stage stage) {
    mlir::PassManager passes(program.context.get());
    // Stages are verified as a whole, below: after each pass it would take a tenth of the time.
    passes.enableVerifier(false);
    switch (stage) {
    case Stage::specialized:
      buildSpecialize(passes, key);
      break;
    case Stage::vector:
      buildHostVector(passes, key, target.machine());
      break;
    case Stage::llvm:
      buildHostLLVM(passes);
      break;
    case Stage::scheduled:
      buildGpuScheduled(passes, cantFail(gpuSchedule(key)));
      break;
    case Stage::nvvm:
      buildGpuNvvm(passes);
      break;
    default:
      llvm_unreachable("not a stage of passes");
    }
    std::string problems;
    mlir::ScopedDiagnosticHandler handler(program.context.get(), [&](mlir::Diagnostic &diagnostic) {
      raw_string_ostream(problems) << diagnostic.getLocation() << ": " << diagnostic << "\n";
    });
    if (mlir::failed(passes.run(*program.module)) || mlir::failed(mlir::verify(*program.module)))
      return createStringError(inconvertibleErrorCode(),
                               "compiling " + str(key) + " failed:\n" + problems);
    return dump(stage);
  }

  Expected<std::string> text(Stage stage) {
    switch (stage) {
    case Stage::llvm:
      return toLLVMText(*program.module);
    case Stage::assembly:
      return emitNative(*program.module, target, NativeFormat::assembly);
    case Stage::ptx:
      return emitPtx(*program.module, PtxTarget::of(key.target));
    default:
      return textOf(*program.module);
    }
  }

  /// From `specialized` to machine code and how it is called.
  Error finishForHost(const ArgumentBlock &arguments, CacheEntry &entry) {
    if (Error error = advance(Stage::vector))
      return error;
    auto lowered = program.module->lookupSymbol<mlir::func::FuncOp>(name);
    int64_t scratch = lowered->getAttrOfType<mlir::IntegerAttr>(scratchBytesName).getInt();
    entry.signature = fmt::format("{}\n{}\n{}", name, scratch, arguments.str());
    if (Error error = advance(Stage::llvm))
      return error;
    if (Error error = dump(Stage::assembly))
      return error;
    return emitNative(*program.module, target, NativeFormat::object).moveInto(entry.image);
  }

  Error finishForGpu(const ArgumentBlock &arguments, CacheEntry &entry) {
    if (Error error = advance(Stage::scheduled))
      return error;
    if (Error error = advance(Stage::nvvm))
      return error;
    entry.signature = cudaProgramOf(*program.module, arguments).str();
    if (Error error = dump(Stage::ptx))
      return error;
    PtxTarget ptxTarget = PtxTarget::of(key.target);
    Expected<std::string> ptx = emitPtx(*program.module, ptxTarget);
    if (!ptx)
      return ptx.takeError();
    Expected<cuda::Assembled> assembled = cuda::assemble(*ptx, ptxTarget.chip);
    if (!assembled)
      return assembled.takeError();
    entry.image = std::move(assembled->image);
    return Error::success();
  }

  /// Which of its target's stages one is, from 1 on.
  int numberOnRoad(Stage stage) const {
    return 1 + llvm::count_if(stages(), [&](const StageInfo &info) {
             return info.stage < stage && (isGpu(key.target) ? info.gpu : info.host);
           });
  }

  /// Writes a stage to `<folder>/<program>/<key>/<number>-<stage>.<extension>`.
  /// A dump that fails is a warning: the kernel is fine.
  Error dump(Stage stage) {
    if (dumpFolder.empty())
      return Error::success();
    Expected<std::string> content = text(stage);
    if (!content)
      return content.takeError();
    const StageInfo &info = stages()[static_cast<size_t>(stage)];
    SmallString<128> path(dumpFolder);
    sys::path::append(path, name, str(key));
    std::error_code problem = sys::fs::create_directories(path);
    sys::path::append(
        path, fmt::format("{}-{}.{}", numberOnRoad(stage), info.name.str(), info.extension.str()));
    if (!problem) {
      raw_fd_ostream file(path, problem);
      if (!problem)
        file << *content;
    }
    if (problem)
      warnOnce("dump", "cannot write {}: {}", path.str().str(), problem.message());
    return Error::success();
  }

  Key key;
  const HostTarget &target;
  std::string dumpFolder;
  TracedProgram program;
  std::string name; ///< of the program
};

} // namespace

/// The stages of passes on the road to a target.
static ArrayRef<Stage> passStages(Target target) {
  static constexpr Stage host[] = {Stage::specialized, Stage::vector, Stage::llvm};
  static constexpr Stage gpu[] = {Stage::specialized, Stage::scheduled, Stage::nvvm};
  return isGpu(target) ? ArrayRef(gpu) : ArrayRef(host);
}

Expected<std::string> Compiler::emit(const Key &key, Stage stage) const {
  const StageInfo &info = stages()[static_cast<size_t>(stage)];
  if (!(isGpu(key.target) ? info.gpu : info.host))
    return createStringError(std::make_error_code(std::errc::invalid_argument),
                             "stage \"" + info.name + "\" is not on the road to " +
                                 str(key.target));
  Compilation compilation(key, target, dumpFolder);
  if (Error error = compilation.start())
    return error;
  for (Stage step : passStages(key.target))
    if (step <= stage)
      if (Error error = compilation.advance(step))
        return error;
  if (stage == Stage::assembly || stage == Stage::ptx)
    if (Error error = compilation.dump(stage))
      return error;
  return compilation.text(stage);
}

Expected<CacheEntry> Compiler::compile(const Key &key) const {
  Compilation compilation(key, target, dumpFolder);
  if (Error error = compilation.start())
    return error;
  if (Error error = compilation.advance(Stage::specialized))
    return error;
  CacheEntry entry;
  entry.key = str(key);
  entry.compiler = identity(key.target);
  mlir::ModuleOp module = *compilation.program.module;
  entry.ir = textOf(module);
  auto function = *module.getOps<mlir::func::FuncOp>().begin();
  ArgumentBlock arguments = ArgumentBlock::of(function);
  if (Error error = isGpu(key.target) ? compilation.finishForGpu(arguments, entry)
                                      : compilation.finishForHost(arguments, entry))
    return error;
  return entry;
}

Expected<std::unique_ptr<Compiler::Specialized>> Compiler::specialize(const Key &key) const {
  Compilation compilation(key, target, dumpFolder);
  if (Error error = compilation.start())
    return error;
  if (Error error = compilation.advance(Stage::specialized))
    return error;
  return std::make_unique<Specialized>(Specialized{std::move(compilation.program)});
}

std::string Compiler::identity(Target kind) const {
  return fmt::format("tessera pipeline {}, LLVM {}, {}", pipelineVersion.str(), LLVM_VERSION_STRING,
                     isGpu(kind) ? cuda::assemblerIdentity() : target.identity());
}

Expected<KernelHash> Compiler::hash(const Key &key) const {
  Expected<TracedProgram> traced = trace(key);
  if (!traced)
    return traced.takeError();
  BLAKE3 hasher;
  // Each part behind its length, so that none can run into the next.
  auto add = [&](ArrayRef<uint8_t> bytes) {
    uint8_t length[8];
    support::endian::write64le(length, bytes.size());
    hasher.update(length);
    hasher.update(bytes);
  };
  add(canonicalBytes(key));
  std::string generic = textOf(*traced->module);
  add(arrayRefFromStringRef(generic));
  add(arrayRefFromStringRef(identity(key.target)));
  KernelHash hash;
  llvm::copy(hasher.final<32>(), hash.begin());
  return hash;
}

} // namespace tessera
