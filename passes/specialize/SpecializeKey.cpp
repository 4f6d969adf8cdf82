//===- SpecializeKey.cpp - queries of the key become constants ------------===//

#include "dsl/Key.h"
#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SPECIALIZEKEYPASS
#include "passes/Passes.h.inc"

namespace {

struct SpecializeKeyPass : impl::SpecializeKeyPassBase<SpecializeKeyPass> {
  using SpecializeKeyPassBase::SpecializeKeyPassBase;

  void runOnOperation() override {
    llvm::Expected<Key> parsed = parseKey(key);
    if (!parsed) {
      getOperation().emitError(llvm::toString(parsed.takeError()));
      return signalPassFailure();
    }
    // tile.key_flag "f"  ->  arith.constant (f is on)
    getOperation().walk([&](tile::KeyFlagOp op) {
      OpBuilder builder(op);
      bool on = keyFlag(*parsed, op.getFlag());
      Value constant = arith::ConstantOp::create(builder, op.getLoc(), builder.getBoolAttr(on));
      op.replaceAllUsesWith(constant);
      op.erase();
    });
    getOperation()->setAttr(keyName, StringAttr::get(&getContext(), str(*parsed)));
  }
};

} // namespace
} // namespace tessera
