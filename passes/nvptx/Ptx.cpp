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

void arriveExpectingBytes(ImplicitLocOpBuilder &at, Value barrier, Value bytes) {
  emit(at, "mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", "r,r,~{memory}",
       {barrier, bytes});
}

void writeSharedIf(ImplicitLocOpBuilder &at, Value shared, Value value, Value condition) {
  emit(at, "@$2 st.shared.b32 [$0], $1;",
       fmt::format("r,{},b,~{{memory}}", value.getType().isF32() ? "f" : "r"),
       {shared, value, condition});
}

void prefetchMap(ImplicitLocOpBuilder &at, Value map) {
  emit(at, "prefetch.tensormap [$0];", "l,~{memory}", map);
}

/// `{$first, ...}` for coordinates, behind which they are operands.
static std::string coordinateList(ValueRange coordinates, SmallVectorImpl<Value> &operands,
                                  std::string &constraints) {
  std::string list;
  for (Value coordinate : coordinates) {
    list += fmt::format("{}${}", list.empty() ? "" : ", ", operands.size());
    operands.push_back(coordinate);
    constraints += ",r";
  }
  return "{" + list + "}";
}

void copyBox(ImplicitLocOpBuilder &at, Value shared, Value map, ValueRange coordinates,
             Value barrier) {
  SmallVector<Value> operands{shared, map, barrier};
  std::string constraints = "r,l,r";
  std::string list = coordinateList(coordinates, operands, constraints);
  emit(at,
       fmt::format("cp.async.bulk.tensor.{}d.shared::cluster.global.tile.mbarrier::complete_tx::"
                   "bytes [$0], [$1, {}], [$2];",
                   coordinates.size(), list),
       constraints + ",~{memory}", operands);
}

void storeBox(ImplicitLocOpBuilder &at, Value map, ValueRange coordinates, Value shared) {
  SmallVector<Value> operands{map, shared};
  std::string constraints = "l,r";
  std::string list = coordinateList(coordinates, operands, constraints);
  emit(at,
       fmt::format("cp.async.bulk.tensor.{}d.global.shared::cta.tile.bulk_group [$0, {}], [$1];",
                   coordinates.size(), list),
       constraints + ",~{memory}", operands);
}

void commitStores(ImplicitLocOpBuilder &at) {
  emit(at, "cp.async.bulk.commit_group;", "~{memory}", {});
}

void waitForStores(ImplicitLocOpBuilder &at, bool onlyReads) {
  emit(at, fmt::format("cp.async.bulk.wait_group{} 0;", onlyReads ? ".read" : ""), "~{memory}", {});
}

void storeMatrices(ImplicitLocOpBuilder &at, Value shared, ValueRange pairs) {
  SmallVector<Value> operands{shared};
  llvm::append_range(operands, pairs);
  emit(at, "stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};",
       "r,r,r,r,r,~{memory}", operands);
}

Value readIf(ImplicitLocOpBuilder &at, Value address, Value condition, Type type) {
  StringRef constraints = type.isF32() ? "=f,l,b" : "=r,l,b";
  return emit(at, "{\nmov.b32 $0, 0;\n@$2 ld.global.nc.b32 $0, [$1];\n}", constraints,
              {address, condition}, type, 1, /*effects=*/false)
      .front();
}

void syncWarp(ImplicitLocOpBuilder &at) { emit(at, "bar.warp.sync 0xffffffff;", "~{memory}", {}); }

void syncBlock(ImplicitLocOpBuilder &at) { emit(at, "bar.sync 0;", "~{memory}", {}); }

void syncThreads(ImplicitLocOpBuilder &at, Value id, int64_t threads) {
  emit(at, fmt::format("bar.sync $0, {};", threads), "r,~{memory}", id);
}

Value anyThread(ImplicitLocOpBuilder &at, Value id, int64_t threads, Value condition) {
  return emit(at, fmt::format("bar.red.or.pred $0, $1, {}, $2;", threads), "=b,r,b,~{memory}",
              {id, condition}, at.getI1Type(), 1)
      .front();
}

Value copy(ImplicitLocOpBuilder &at, Value i32) {
  return emit(at, "mov.b32 $0, $1;", "=r,r", i32, at.getI32Type(), 1).front();
}

Value multiplyAddPairs(ImplicitLocOpBuilder &at, Type element, Value a, Value b, Value c) {
  return emit(at, fmt::format("fma.rn.{}x2 $0, $1, $2, $3;", element.isBF16() ? "bf16" : "f16"),
              "=r,r,r,r", {a, b, c}, at.getI32Type(), 1, /*effects=*/false)
      .front();
}

SmallVector<Value> loadWordsIf(ImplicitLocOpBuilder &at, Value address, Value condition,
                               int64_t count, int64_t stride) {
  std::string text, constraints;
  for (int64_t i = 0; i < count; ++i) {
    text += fmt::format("{4}mov.b32 ${0}, 0;\n@${2} ld.global.nc.b32 ${0}, [${1}+{3}];", i, count,
                        count + 1, i * stride, i ? "\n" : "");
    constraints += "=&r,";
  }
  return emit(at, text, constraints + "l,b", {address, condition}, at.getI32Type(), count,
              /*effects=*/false);
}

SmallVector<Value> loadNeighboursIf(ImplicitLocOpBuilder &at, Value address, Value condition) {
  return emit(at, "mov.b32 $0, 0;\nmov.b32 $1, 0;\n@$3 ld.global.nc.v2.b32 {$0, $1}, [$2];",
              "=&r,=&r,l,b", {address, condition}, at.getI32Type(), 2, /*effects=*/false);
}

void storeWordsIf(ImplicitLocOpBuilder &at, Value address, Value condition, ValueRange words,
                  int64_t stride) {
  std::string text, constraints = "l,b";
  SmallVector<Value> operands{address, condition};
  for (auto [i, word] : llvm::enumerate(words)) {
    text += fmt::format("{}@$1 st.global.b32 [$0+{}], ${};", i ? "\n" : "", i * stride, i + 2);
    constraints += ",r";
    operands.push_back(word);
  }
  emit(at, text, constraints + ",~{memory}", operands);
}

void fenceCopies(ImplicitLocOpBuilder &at) { emit(at, "fence.proxy.async;", "~{memory}", {}); }

void fenceSharedForCopies(ImplicitLocOpBuilder &at) {
  emit(at, "fence.proxy.async.shared::cta;", "~{memory}", {});
}

void setRegisters(ImplicitLocOpBuilder &at, int64_t count, bool more) {
  emit(at, fmt::format("setmaxnreg.{}.sync.aligned.u32 {};", more ? "inc" : "dec", count), "", {});
}

} // namespace tessera::ptx
