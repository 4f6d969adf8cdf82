//===- Place.h - a tile in global memory, as a thread knows it ------------===//

#ifndef TESSERA_PASSES_NVPTX_PLACE_H
#define TESSERA_PASSES_NVPTX_PLACE_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tessera {

/// What `!sm.place` is lowered to: a struct of these.
struct Place {
  mlir::Value data;        ///< address of the sequence's first row
  mlir::Value rowStride;   ///< in elements, i64
  mlir::Value first, rows; ///< the tile's first row, and how many the sequence has, i32

  static mlir::Type type(mlir::MLIRContext *context) {
    return mlir::LLVM::LLVMStructType::getLiteral(
        context, {mlir::LLVM::LLVMPointerType::get(context, 1), mlir::IntegerType::get(context, 64),
                  mlir::IntegerType::get(context, 32), mlir::IntegerType::get(context, 32)});
  }

  static Place unpack(mlir::ImplicitLocOpBuilder &at, mlir::Value packed) {
    auto field = [&](int64_t i) { return mlir::LLVM::ExtractValueOp::create(at, packed, i); };
    return {field(0), field(1), field(2), field(3)};
  }

  mlir::Value pack(mlir::ImplicitLocOpBuilder &at) const {
    mlir::Value packed = mlir::LLVM::PoisonOp::create(at, type(at.getContext()));
    int64_t number = 0;
    for (mlir::Value field : {data, rowStride, first, rows})
      packed = mlir::LLVM::InsertValueOp::create(at, packed, field, number++);
    return packed;
  }
};

} // namespace tessera

#endif // TESSERA_PASSES_NVPTX_PLACE_H
