//===- Emit.h - short words for loops, indices and memory -----------------===//

#ifndef TESSERA_PASSES_HOST_EMIT_H
#define TESSERA_PASSES_HOST_EMIT_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"

namespace tessera {

/// A builder with a current location.
class Emit : public mlir::OpBuilder {
public:
  using Value = mlir::Value;
  using OpBuilder::OpBuilder;

  mlir::Location loc() const { return location; }
  void setLoc(mlir::Location loc) { location = loc; }

  Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(*this, location, value);
  }
  Value number(float value) {
    return mlir::arith::ConstantOp::create(*this, location, getF32FloatAttr(value));
  }
  Value add(Value a, Value b) { return fold<mlir::arith::AddIOp>(a, b); }
  Value sub(Value a, Value b) { return fold<mlir::arith::SubIOp>(a, b); }
  Value mul(Value a, Value b) { return fold<mlir::arith::MulIOp>(a, b); }
  Value min(Value a, Value b) { return fold<mlir::arith::MinSIOp>(a, b); }
  Value max(Value a, Value b) { return fold<mlir::arith::MaxSIOp>(a, b); }

  mlir::VectorType vectorOf(int64_t size, mlir::Type element) {
    return mlir::VectorType::get({size}, element);
  }
  Value splat(int64_t size, Value scalar) {
    return mlir::vector::BroadcastOp::create(*this, location, vectorOf(size, scalar.getType()),
                                             scalar);
  }

  mlir::Type pointer() { return mlir::LLVM::LLVMPointerType::get(getContext()); }
  /// The address `offset` elements behind `base`.
  Value at(Value base, mlir::Type element, Value offset) {
    Value wide = mlir::arith::IndexCastOp::create(*this, location, getI64Type(), offset);
    return mlir::LLVM::GEPOp::create(*this, location, pointer(), element, base,
                                     mlir::ArrayRef<mlir::LLVM::GEPArg>{wide});
  }
  Value atBytes(Value base, int64_t offset) {
    return mlir::LLVM::GEPOp::create(
        *this, location, pointer(), getI8Type(), base,
        mlir::ArrayRef<mlir::LLVM::GEPArg>{static_cast<int32_t>(offset)});
  }
  /// Aligned to one element: rows of a user's tensor start anywhere.
  Value load(mlir::Type type, Value address) {
    return mlir::LLVM::LoadOp::create(*this, location, type, address, elementBytes(type));
  }
  void store(Value value, Value address) {
    mlir::LLVM::StoreOp::create(*this, location, value, address, elementBytes(value.getType()));
  }

  /// for i in first..end by step: body(i, state) -> next state.
  mlir::ResultRange
  loop(Value first, Value end, int64_t step, mlir::ValueRange init,
       mlir::function_ref<mlir::SmallVector<Value>(Value, mlir::ValueRange)> body) {
    auto op = mlir::scf::ForOp::create(*this, location, first, end, index(step), init);
    InsertionGuard guard(*this);
    setInsertionPointToStart(op.getBody());
    mlir::SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
    if (!init.empty())
      mlir::scf::YieldOp::create(*this, location, next);
    return op.getResults();
  }
  void loop(Value first, Value end, int64_t step, mlir::function_ref<void(Value)> body) {
    loop(first, end, step, {}, [&](Value i, mlir::ValueRange) {
      body(i);
      return mlir::SmallVector<Value>();
    });
  }

private:
  static unsigned elementBytes(mlir::Type type) {
    mlir::Type element = mlir::getElementTypeOrSelf(type);
    return element.isIntOrFloat() ? element.getIntOrFloatBitWidth() / 8 : 8;
  }
  template <class Op>
  Value fold(Value a, Value b) {
    return createOrFold<Op>(location, a, b);
  }

  mlir::Location location = mlir::UnknownLoc::get(getContext());
};

} // namespace tessera

#endif // TESSERA_PASSES_HOST_EMIT_H
