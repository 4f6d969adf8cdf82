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

Value TableLine::room(ImplicitLocOpBuilder &at) const {
  Value one = arith::ConstantOp::create(at, at.getI64IntegerAttr(1));
  Value isDense = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, stride, one);
  return arith::SelectOp::create(at, isDense, limit, constantI32(at, 0));
}

Value TableLine::holds(ImplicitLocOpBuilder &at, Value place, int64_t count) const {
  // First places below the difference have all of their numbers inside.
  Value last = constantI32(at, count - 1);
  Value places =
      arith::MaxSIOp::create(at, arith::SubIOp::create(at, room(at), last), constantI32(at, 0));
  return arith::CmpIOp::create(at, arith::CmpIPredicate::ult, place, places);
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

// [words][units inside of the line, in one copy][words]
Value CopiedStrip::copy(ImplicitLocOpBuilder &at, Value shared, int64_t length,
                        Value barrier) const {
  auto constant = [&](int64_t number) { return constantI32(at, number); };
  auto max = [&](Value a, Value b) -> Value { return arith::MaxSIOp::create(at, a, b); };
  auto minus = [&](Value a, Value b) -> Value { return arith::SubIOp::create(at, a, b); };
  auto isMore = [&](Value a) -> Value {
    return arith::CmpIOp::create(at, arith::CmpIPredicate::sgt, a, constant(0));
  };
  Value zero = constant(0), perUnit = constant(unitWords);
  int64_t units = stripBytes(length) / stripUnitBytes;
  Value begin = minus(place, skip); // of units: at most three numbers in front of the line
  Value before = max(minus(zero, begin), zero), inside = max(minus(line.room(at), begin), zero);
  Value first = arith::DivUIOp::create(at, add(at, before, constant(unitWords - 1)), perUnit);
  Value end =
      arith::MinUIOp::create(at, arith::DivUIOp::create(at, inside, perUnit), constant(units));
  Value count = max(minus(end, first), zero);
  Value skipped = mul(at, first, perUnit), copied = mul(at, count, perUnit);
  Value bytes = mul(at, count, constant(stripUnitBytes));

  OpBuilder::InsertionGuard guard(at);
  auto some = scf::IfOp::create(at, isMore(count));
  Value rest = minus(constant(units * unitWords), copied);
  auto ragged = scf::IfOp::create(at, isMore(rest));

  at.setInsertionPointToStart(some.thenBlock());
  ptx::copyBytes(at, add(at, shared, mul(at, first, constant(stripUnitBytes))),
                 elementAt(at, line.data, line.element, wide(at, add(at, begin, skipped))), bytes,
                 barrier);

  at.setInsertionPointToStart(ragged.thenBlock());
  auto loop = scf::ForOp::create(at, zero, rest, constant(1));
  keepRolled(loop);
  // What is copied to the same place later comes behind these words.
  ptx::waitForWords(at);
  ptx::fenceSharedForCopies(at);
  at.setInsertionPointToStart(loop.getBody());
  Value i = loop.getInductionVar();
  Value isBefore = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, i, skipped);
  Value word = add(at, i, arith::SelectOp::create(at, isBefore, zero, copied));
  Value number = add(at, begin, word);
  // Unsigned, so that a negative coordinate is outside too.
  Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, number, line.limit);
  Value offset = mul(at, wide(at, number), line.stride);
  ptx::copyWordOrZero(at, add(at, shared, mul(at, word, constant(stripWordBytes))),
                      elementAt(at, line.data, line.element, offset), fits);
  return bytes;
}

} // namespace tessera
