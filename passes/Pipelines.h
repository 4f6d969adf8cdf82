//===- Pipelines.h - the stages of the compiler ---------------------------===//

#ifndef TESSERA_PASSES_PIPELINES_H
#define TESSERA_PASSES_PIPELINES_H

#include "dsl/Key.h"
#include "passes/host/HostMachine.h"
#include "passes/schedule/GpuSchedule.h"

#include "mlir/Pass/PassManager.h"

namespace tessera {

/// Part of every kernel's hash. Raise it when a pipeline changes what it makes
/// without any pass changing its name.
inline constexpr llvm::StringLiteral pipelineVersion = "4";

/// `generic` -> `specialized`.
void buildSpecialize(mlir::OpPassManager &pm, const Key &key);

/// `specialized` -> `vector`: loops over vectors of this machine.
void buildHostVector(mlir::OpPassManager &pm, const Key &key, const HostMachine &machine);

/// `vector` -> the llvm dialect.
void buildHostLLVM(mlir::OpPassManager &pm);

/// `specialized` -> `scheduled`: what a thread block does, and when.
void buildGpuScheduled(mlir::OpPassManager &pm, const GpuSchedule &schedule);

/// `scheduled` -> the llvm and nvvm dialects.
void buildGpuNvvm(mlir::OpPassManager &pm);

/// Tells dialects how their ops become those of the llvm dialect. Both last
/// stages need it of their context.
void registerConversions(mlir::DialectRegistry &registry);

/// Registers every pass and pipeline by name, for tessera-opt.
void registerPassesAndPipelines();

} // namespace tessera

#endif // TESSERA_PASSES_PIPELINES_H
