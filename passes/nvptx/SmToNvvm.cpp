//===- SmToNvvm.cpp - one block's program to one thread's -----------------===//

#include "passes/Passes.h"
#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Place.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SMTONVVMPASS
#include "passes/Passes.h.inc"

namespace {

struct SmToNvvmPass : impl::SmToNvvmPassBase<SmToNvvmPass> {
  void runOnOperation() override {
    for (func::FuncOp program : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (program.isExternal() || program.getOps<sm::RolesOp>().empty())
        continue;
      if (failed(lower(program)))
        return signalPassFailure();
    }
  }

  LogicalResult lower(func::FuncOp program) {
    FailureOr<KernelFrame> frame = KernelFrame::create(program);
    if (failed(frame))
      return failure();

    MLIRContext *context = &getContext();
    TypeConverter types;
    types.addConversion([](Type type) { return type; });
    types.addConversion([](IndexType type) { return IntegerType::get(type.getContext(), 32); });
    types.addConversion([](sm::SlotType type) { return IntegerType::get(type.getContext(), 32); });
    types.addConversion([](sm::RingType type) { return IntegerType::get(type.getContext(), 32); });
    types.addConversion([](sm::PlaceType type) { return Place::type(type.getContext()); });
    types.addConversion([](RankedTensorType type) { return fragmentType(type); });

    ConversionTarget target(*context);
    target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
    target.addIllegalDialect<tile::TileDialect, sm::SmDialect, tensor::TensorDialect>();
    target
        .addDynamicallyLegalDialect<arith::ArithDialect, math::MathDialect, vector::VectorDialect>(
            [&](Operation *op) { return types.isLegal(op); });
    RewritePatternSet patterns(context);
    scf::populateSCFStructuralTypeConversionsAndLegality(types, patterns, target);
    // Also loops whose bounds are an index, and nothing else.
    target.addDynamicallyLegalOp<scf::ForOp>([&](Operation *op) { return types.isLegal(op); });
    target.addIllegalOp<math::TanhOp, math::Log2Op>(); // scalars too
    target.addIllegalOp<arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>();
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    populateElementPatterns(patterns, types, *frame);
    populateReductionPatterns(patterns, types, *frame);
    populateRingPatterns(patterns, types, *frame);
    populateProductPatterns(patterns, types, *frame);
    populateExactPatterns(patterns, types, *frame);
    populateTablePatterns(patterns, types, *frame);
    populateViewPatterns(patterns, types, *frame);
    if (failed(applyPartialConversion(frame->entry, target, std::move(patterns))))
      return failure();
    program.erase();
    return success();
  }
};

} // namespace
} // namespace tessera
