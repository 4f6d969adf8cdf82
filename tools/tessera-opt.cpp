//===- tessera-opt.cpp - runs any pass on any file ------------------------===//
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Pipelines.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  tessera::registerDialects(registry);
  registry.insert<tessera::sm::SmDialect, mlir::NVVM::NVVMDialect>();
  tessera::registerConversions(registry);
  tessera::registerPassesAndPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Tessera's pass driver\n", registry));
}
