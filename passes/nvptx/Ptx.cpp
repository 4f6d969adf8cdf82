//===- Ptx.cpp - instructions that no dialect has in the form we need -----===//

#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <fmt/format.h>

using namespace mlir;

namespace tessera::ptx {

SmallVector<Value> emit(ImplicitLocOpBuilder &at, StringRef text, StringRef constraints,
                        ValueRange operands, Type result, int64_t results, bool effects) {
  Type type = LLVM::LLVMVoidType::get(at.getContext());
  if (results == 1)
    type = result;
  else if (results > 1)
    type = LLVM::LLVMStructType::getLiteral(at.getContext(), SmallVector<Type>(results, result));
  SmallVector<Type, 1> types;
  if (results)
    types.push_back(type);
  auto op = LLVM::InlineAsmOp::create(
      at, types, operands, text, constraints, effects, /*is_align_stack=*/false,
      LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(at.getContext(), LLVM::AsmDialect::AD_ATT),
      /*operand_attrs=*/ArrayAttr());
  if (!results)
    return {};
  if (results == 1)
    return {op.getResult(0)};
  SmallVector<Value> values;
  for (int64_t i = 0; i < results; ++i)
    values.push_back(LLVM::ExtractValueOp::create(at, op.getResult(0), i));
  return values;
}

void initBarrier(ImplicitLocOpBuilder &at, Value barrier, int64_t arrivals) {
  emit(at, fmt::format("mbarrier.init.shared::cta.b64 [$0], {};", arrivals), "r,~{memory}",
       barrier);
}

void fenceBarrierInit(ImplicitLocOpBuilder &at) {
  emit(at, "fence.mbarrier_init.release.cluster;", "~{memory}", {});
}

void waitBarrier(ImplicitLocOpBuilder &at, Value barrier, Value parity) {
  emit(at,
       "{\n.reg .pred done;\nagain:\n"
       "mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\n"
       "@!done bra again;\n}",
       "r,r,~{memory}", {barrier, parity});
}

void arrive(ImplicitLocOpBuilder &at, Value barrier) {
  emit(at, "mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}", barrier);
}

void arriveIf(ImplicitLocOpBuilder &at, Value barrier, Value condition) {
  emit(at, "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b,~{memory}", {barrier, condition});
}

void arriveExpectingBytes(ImplicitLocOpBuilder &at, Value barrier, int64_t bytes) {
  emit(at, fmt::format("mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], {};", bytes),
       "r,~{memory}", barrier);
}

void prefetchMap(ImplicitLocOpBuilder &at, Value map) {
  emit(at, "prefetch.tensormap [$0];", "l,~{memory}", map);
}

void copyBox(ImplicitLocOpBuilder &at, Value shared, Value map, ValueRange coordinates,
             Value barrier) {
  SmallVector<Value> operands{shared, map, barrier};
  std::string list, constraints = "r,l,r";
  for (auto [i, coordinate] : llvm::enumerate(coordinates)) {
    operands.push_back(coordinate);
    list += fmt::format("{}${}", i ? ", " : "", i + 3);
    constraints += ",r";
  }
  emit(at,
       fmt::format("cp.async.bulk.tensor.{}d.shared::cluster.global.tile.mbarrier::complete_tx::"
                   "bytes [$0], [$1, {{{}}}], [$2];",
                   coordinates.size(), list),
       constraints + ",~{memory}", operands);
}

void syncBlock(ImplicitLocOpBuilder &at) { emit(at, "bar.sync 0;", "~{memory}", {}); }

void syncThreads(ImplicitLocOpBuilder &at, Value id, int64_t threads) {
  emit(at, fmt::format("bar.sync $0, {};", threads), "r,~{memory}", id);
}

void fenceSharedForCopies(ImplicitLocOpBuilder &at) {
  emit(at, "fence.proxy.async.shared::cta;", "~{memory}", {});
}

void setRegisters(ImplicitLocOpBuilder &at, int64_t count, bool more) {
  emit(at, fmt::format("setmaxnreg.{}.sync.aligned.u32 {};", more ? "inc" : "dec", count), "", {});
}

} // namespace tessera::ptx
