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
  // First places below the room have all of their numbers inside; zero if neighbours are apart.
  Value zero = constantI32(at, 0);
  Value room = arith::MaxSIOp::create(
      at, arith::SubIOp::create(at, limit, constantI32(at, count - 1)), zero);
  Value one = arith::ConstantOp::create(at, at.getI64IntegerAttr(1));
  Value isDense = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, stride, one);
  room = arith::SelectOp::create(at, isDense, room, zero);
  return arith::CmpIOp::create(at, arith::CmpIPredicate::ult, place, room);
}

/// Words of a unit of the copy engine.
static constexpr int64_t unitWords = stripUnitBytes / stripWordBytes;

CopiedStrip CopiedStrip::of(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value table,
                            ValueRange coordinates, int64_t along, int64_t step, Value tile) {
  CopiedStrip strip;
  strip.line = TableLine::of(at, frame, table, llvm::to_vector(coordinates), along);
  Value moved = mul(at, tile, constantI32(at, step));
  strip.place = add(at, coordinates[along], moved);
  // In 32 bits, so that what does not change from tile to tile is seen to.
  Value address = LLVM::PtrToIntOp::create(at, at.getI64Type(), strip.line.data);
  Value low = arith::TruncIOp::create(at, at.getI32Type(), address);
  Value word = arith::DivUIOp::create(at, low, constantI32(at, stripWordBytes));
  strip.skip =
      arith::AndIOp::create(at, add(at, word, strip.place), constantI32(at, unitWords - 1));
  return strip;
}

// if (all units are of the line, in a row) { one copy } else { one for each number }
Value CopiedStrip::copy(ImplicitLocOpBuilder &at, Value shared, int64_t length,
                        Value barrier) const {
  int64_t bytes = stripBytes(length);
  Value earliest = arith::SubIOp::create(at, place, constantI32(at, unitWords - 1));
  Value isWhole = line.holds(at, earliest, unitWords - 1 + bytes / stripWordBytes);
  auto branch = scf::IfOp::create(at, at.getI32Type(), isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(at);
  at.setInsertionPointToStart(branch.thenBlock());
  Value begin = arith::SubIOp::create(at, place, skip);
  // Numbers that were copied one by one, and what is copied now.
  ptx::fenceSharedForCopies(at);
  ptx::copyBytes(at, shared, elementAt(at, line.data, line.element, wide(at, begin)), bytes,
                 barrier);
  scf::YieldOp::create(at, constantI32(at, bytes));

  at.setInsertionPointToStart(branch.elseBlock());
  auto loop =
      scf::ForOp::create(at, constantI32(at, 0), constantI32(at, length), constantI32(at, 1));
  keepRolled(loop);
  {
    OpBuilder::InsertionGuard inner(at);
    at.setInsertionPointToStart(loop.getBody());
    Value i = loop.getInductionVar();
    Value number = add(at, place, i);
    // Unsigned, so that a negative coordinate is outside too.
    Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, number, line.limit);
    Value offset = mul(at, wide(at, number), line.stride);
    Value word = mul(at, add(at, skip, i), constantI32(at, stripWordBytes));
    ptx::copyWordOrZero(at, add(at, shared, word), elementAt(at, line.data, line.element, offset),
                        fits);
  }
  ptx::waitForWords(at);
  scf::YieldOp::create(at, constantI32(at, 0));
  return branch.getResult(0);
}

} // namespace tessera
