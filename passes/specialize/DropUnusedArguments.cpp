//===- DropUnusedArguments.cpp - arguments nothing reads go ---------------===//

#include "passes/Passes.h"

#include "llvm/ADT/BitVector.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_DROPUNUSEDARGUMENTSPASS
#include "passes/Passes.h.inc"

namespace {

struct DropUnusedArgumentsPass : impl::DropUnusedArgumentsPassBase<DropUnusedArgumentsPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    llvm::BitVector unused(func.getNumArguments());
    for (BlockArgument argument : func.getArguments())
      unused[argument.getArgNumber()] = argument.use_empty();
    if (failed(func.eraseArguments(unused)))
      signalPassFailure();
  }
};

} // namespace
} // namespace tessera
