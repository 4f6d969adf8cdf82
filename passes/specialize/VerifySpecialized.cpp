//===- VerifySpecialized.cpp - what holds at the stage `specialized` ------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_VERIFYSPECIALIZEDPASS
#include "passes/Passes.h.inc"

namespace {

struct VerifySpecializedPass : impl::VerifySpecializedPassBase<VerifySpecializedPass> {
  void runOnOperation() override {
    if (failed(verify(getOperation())))
      signalPassFailure();
  }

  LogicalResult verify(ModuleOp module) {
    auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
    if (functions.size() != 1)
      return module.emitError("expected one function, found ") << functions.size();
    func::FuncOp func = functions.front();
    if (func.isExternal() || func.getBody().front().getOps<tile::GridOp>().empty())
      return func.emitError("expected a tile.grid, found none");
    for (BlockArgument argument : func.getArguments()) {
      unsigned number = argument.getArgNumber();
      if (!func.getArgAttrOfType<StringAttr>(number, argumentName))
        return func.emitError("argument ") << number << " has no " << argumentName;
      if (argument.use_empty())
        return func.emitError("argument ") << number << " is not used";
    }
    WalkResult leak = func.walk([](tile::KeyFlagOp op) {
      op.emitError("a query of the key is left after specialization");
      return WalkResult::interrupt();
    });
    return failure(leak.wasInterrupted());
  }
};

} // namespace
} // namespace tessera
