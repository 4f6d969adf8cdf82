//===- GlobalMemory.cpp - views and tables in memory ----------------------===//

#include "passes/nvptx/GlobalMemory.h"
#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cstddef>

using namespace mlir;

namespace tessera {

Value wide(ImplicitLocOpBuilder &at, Value i32) {
  return arith::ExtSIOp::create(at, at.getI64Type(), i32);
}

Value readI64(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &argument,
              size_t field) {
  return frame.readField(at, argument.offset + field, at.getI64Type());
}

Value dataOf(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &argument) {
  Value pointer = frame.readField(at, argument.offset, LLVM::LLVMPointerType::get(at.getContext()));
  return LLVM::AddrSpaceCastOp::create(at, LLVM::LLVMPointerType::get(at.getContext(), 1), pointer);
}

Value elementAt(ImplicitLocOpBuilder &at, Value data, Type element, Value offset) {
  return LLVM::GEPOp::create(at, data.getType(), element, data,
                             ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(offset)});
}

TableLine TableLine::of(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value table,
                        ArrayRef<Value> coordinates, size_t along) {
  const Argument &argument = frame.argumentOf(table);
  auto read = [&](size_t field, size_t i) {
    return readI64(at, frame, argument, field + i * sizeof(int64_t));
  };
  // Positions are 32-bit: an extent that is larger is as good as the largest.
  auto limitOf = [&](size_t i) -> Value {
    Value largest = arith::ConstantOp::create(at, at.getI64IntegerAttr(INT32_MAX));
    Value extent = arith::MinSIOp::create(at, read(offsetof(TableArgument, extents), i), largest);
    return arith::TruncIOp::create(at, at.getI32Type(), extent);
  };
  TableLine line{.element = cast<tile::TableType>(table.getType()).getElement(),
                 .data = dataOf(at, frame, argument),
                 .stride = read(offsetof(TableArgument, strides), along),
                 .limit = limitOf(along)};
  for (auto [i, number] : llvm::enumerate(coordinates)) {
    if (i == along)
      continue;
    // Unsigned, so that a negative coordinate is outside too.
    Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, number, limitOf(i));
    line.limit = arith::SelectOp::create(at, fits, line.limit, constantI32(at, 0));
    Value offset = mul(at, wide(at, number), read(offsetof(TableArgument, strides), i));
    line.data = elementAt(at, line.data, line.element, offset);
  }
  return line;
}

Value TableLine::holds(ImplicitLocOpBuilder &at, Value place, int64_t count) const {
  Value one = arith::ConstantOp::create(at, at.getI64IntegerAttr(1));
  Value isDense = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, stride, one);
  Value room = arith::SelectOp::create(at, isDense, limit, constantI32(at, 0));
  // First places below the difference have all of their numbers inside.
  Value last = constantI32(at, count - 1);
  Value places =
      arith::MaxSIOp::create(at, arith::SubIOp::create(at, room, last), constantI32(at, 0));
  return arith::CmpIOp::create(at, arith::CmpIPredicate::ult, place, places);
}

SmallVector<Value> TableLine::readEvery(ImplicitLocOpBuilder &at, int64_t step, Value first,
                                        int64_t count) const {
  Value elements = mul(at, arith::ConstantOp::create(at, at.getI64IntegerAttr(step)), stride);
  Value address = elementAt(at, data, element, mul(at, wide(at, first), stride));
  SmallVector<Value> numbers;
  for (int64_t i = 0; i < count; ++i) {
    if (i)
      address = elementAt(at, address, element, elements);
    Value place = add(at, first, constantI32(at, i * step));
    // Unsigned, so that a negative coordinate is outside too.
    Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, place, limit);
    numbers.push_back(ptx::readIf(at, address, fits, element));
  }
  return numbers;
}

} // namespace tessera
