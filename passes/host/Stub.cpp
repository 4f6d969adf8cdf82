#include "passes/Passes.h"
namespace tessera { std::unique_ptr<mlir::Pass> createExpandMathPass(){return nullptr;} std::unique_ptr<mlir::Pass> createOutlineGridPass(){return nullptr;} std::unique_ptr<mlir::Pass> createTileToVectorPass(){return nullptr;}}
