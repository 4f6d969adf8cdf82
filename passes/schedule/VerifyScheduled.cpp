//===- VerifyScheduled.cpp - what must hold before lowering ---------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_VERIFYSCHEDULEDPASS
#include "passes/Passes.h.inc"

namespace {

struct VerifyScheduledPass : impl::VerifyScheduledPassBase<VerifyScheduledPass> {
  void runOnOperation() override {
    auto roles = getOperation().getOps<sm::RolesOp>();
    if (!llvm::hasSingleElement(roles)) {
      getOperation().emitError("scheduled: expected one sm.roles, found ")
          << std::distance(roles.begin(), roles.end());
      return signalPassFailure();
    }
    bool isFine = true;
    getOperation().walk([&](Operation *op) {
      if (succeeded(check(op, *roles.begin())))
        return;
      isFine = false;
    });
    if (!isFine)
      signalPassFailure();
  }

  static bool isForConsumers(Operation *op) {
    return isa<sm::AcquireOp, sm::HeldOp, sm::ReleaseOp, sm::ZeroTailOp, sm::AwaitOp, sm::DotOp,
               sm::GatherStripOp, sm::GroupAnyOp, sm::RarelyOp, sm::GroupRowSpanOp, sm::PutOp,
               tile::StoreOp>(op);
  }

  static LogicalResult check(Operation *op, sm::RolesOp roles) {
    if (isa<tile::GridOp, tile::LoadOp, tile::DotOp, tile::TransposeOp, tile::CountOp, tile::NthOp,
            tile::RowSpanOp, sm::PassOverOp, sm::ByRoleOp>(op))
      return op->emitOpError("is left over at the stage scheduled");
    if (auto strip = dyn_cast<sm::GatherStripOp>(op);
        strip && !isa<sm::SlotType>(strip.getSource().getType()))
      return strip.emitOpError("reads no buffer at the stage scheduled");
    bool isProducer = roles.getProducer().isAncestor(op->getParentRegion());
    bool isGatherer = llvm::any_of(roles.getGatherer(), [&](Region &region) {
      return region.isAncestor(op->getParentRegion());
    });
    if (isa<sm::FillStripOp>(op) && !isGatherer)
      return op->emitOpError("outside of the gatherer");
    if (isForConsumers(op) && isGatherer)
      return op->emitOpError("in the gatherer");
    if (isa<sm::FillOp>(op) && !isProducer)
      return op->emitOpError("outside of the producer");
    if (isa<sm::TakeTicketOp, sm::TellOp>(op) && !isProducer)
      return op->emitOpError("outside of the producer");
    if ((isa<sm::HearOp>(op) || isForConsumers(op)) && isProducer)
      return op->emitOpError("in the producer");
    if (auto dot = dyn_cast<sm::DotOp>(op))
      for (Operation *user : dot->getUsers())
        if (!isa<sm::AwaitOp>(user))
          return dot.emitOpError("is read before it is awaited");
    return success();
  }
};

} // namespace
} // namespace tessera
