//===- ViewAccess.cpp - arguments, loads and stores -----------------------===//

#include "passes/host/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <cstddef>
#include <limits>

using namespace mlir;

namespace tessera {

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

void TileLowering::readArguments() {
  ArgumentBlock block = ArgumentBlock::of(source);
  auto pointerAt = [&](int64_t offset) {
    return emit.load(emit.pointer(), emit.atBytes(argumentBlock, offset));
  };
  auto indexAt = [&](int64_t offset) -> Value {
    Value wide = emit.load(emit.getI64Type(), emit.atBytes(argumentBlock, offset));
    return arith::IndexCastOp::create(emit, emit.loc(), emit.getIndexType(), wide);
  };
  for (auto [value, argument] : llvm::zip(source.getArguments(), block.arguments)) {
    int64_t offset = argument.offset;
    switch (argument.kind) {
    case ArgumentKind::view: {
      auto type = cast<tile::ViewType>(value.getType());
      ViewFields fields;
      fields.data = pointerAt(offset + offsetof(ViewArgument, data));
      fields.batchStride = indexAt(offset + offsetof(ViewArgument, batchStride));
      fields.headStride = indexAt(offset + offsetof(ViewArgument, headStride));
      fields.rowStride = indexAt(offset + offsetof(ViewArgument, rowStride));
      fields.batches = indexAt(offset + offsetof(ViewArgument, batches));
      fields.heads = indexAt(offset + offsetof(ViewArgument, heads));
      fields.rows = indexAt(offset + offsetof(ViewArgument, rows));
      fields.element = type.getElement();
      fields.width = type.getWidth();
      views[value] = fields;
      break;
    }
    case ArgumentKind::perHead:
      perHeadAddress[value] = emit.atBytes(argumentBlock, offset);
      break;
    case ArgumentKind::scalar:
      scalars.map(value, emit.load(emit.getF32Type(), emit.atBytes(argumentBlock, offset)));
      break;
    case ArgumentKind::index:
      scalars.map(value, indexAt(offset));
      break;
    }
  }
}

Value TileLowering::lowerExtent(tile::ExtentOp op) {
  ViewFields view = views.lookup(op.getView());
  switch (op.getAxis()) {
  case tile::Axis::Batches:
    return view.batches;
  case tile::Axis::Heads:
    return view.heads;
  case tile::Axis::Rows:
    return view.rows;
  }
  llvm_unreachable("unknown axis");
}

Value TileLowering::lowerFetch(tile::FetchOp op) {
  Value argument = perHeadAddress.lookup(op.getSource());
  auto stride = [&](size_t field) -> Value {
    Value wide = emit.load(emit.getI64Type(), emit.atBytes(argument, field));
    return arith::IndexCastOp::create(emit, emit.loc(), emit.getIndexType(), wide);
  };
  Value data = emit.load(emit.pointer(), emit.atBytes(argument, offsetof(PerHeadArgument, data)));
  Value offset =
      emit.add(emit.mul(scalar(op.getBatch()), stride(offsetof(PerHeadArgument, batchStride))),
               emit.mul(scalar(op.getHead()), stride(offsetof(PerHeadArgument, headStride))));
  return emit.load(emit.getF32Type(), emit.at(data, emit.getF32Type(), offset));
}

//===----------------------------------------------------------------------===//
// Rows of a view
//===----------------------------------------------------------------------===//

/// How many rows of a tile lie within the view.
Value TileLowering::validRows(const ViewFields &view, Value tile, int64_t size) {
  Value left = emit.sub(view.rows, emit.mul(tile, emit.index(size)));
  return emit.min(emit.max(left, emit.index(0)), emit.index(size));
}

Value TileLowering::rowAddress(const ViewFields &view, Value batch, Value head, Value row) {
  Value offset = emit.add(emit.mul(batch, view.batchStride), emit.mul(head, view.headStride));
  offset = emit.add(offset, emit.mul(row, view.rowStride));
  return emit.at(view.data, view.element, offset);
}

/// Calls the runtime when a coordinate is not within 0..limit-1.
void TileLowering::checkAccess(Operation *op, const ViewFields &view, Value batch, Value head,
                               Value tile, int64_t size) {
  if (!checked)
    return;
  int64_t line = 0;
  if (auto place = dyn_cast<FileLineColLoc>(op->getLoc()))
    line = place.getLine();
  Value tiles = arith::CeilDivSIOp::create(emit, emit.loc(), view.rows, emit.index(size));
  auto integer = [&](Value index) -> Value {
    return arith::IndexCastOp::create(emit, emit.loc(), emit.getI64Type(), index);
  };
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(emit, emit.loc(), value, 64);
  };
  std::tuple<Violation, Value, Value> coordinates[] = {{Violation::batch, batch, view.batches},
                                                       {Violation::head, head, view.heads},
                                                       {Violation::tile, tile, tiles}};
  for (auto [kind, value, limit] : coordinates) {
    // One unsigned comparison also catches what is negative.
    Value outside =
        arith::CmpIOp::create(emit, emit.loc(), arith::CmpIPredicate::uge, value, limit);
    auto branch = scf::IfOp::create(emit, emit.loc(), outside);
    OpBuilder::InsertionGuard guard(emit);
    emit.setInsertionPointToStart(branch.thenBlock());
    LLVM::CallOp::create(
        emit, emit.loc(), TypeRange(), violationName,
        ValueRange{constant(line), constant(int64_t(kind)), integer(value), integer(limit)});
  }
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

/// What a load puts in the rows past the end.
static float paddingOf(tile::LoadOp op, bool checked) {
  return checked && op.getPadding() == tile::Padding::Undefined
             ? std::numeric_limits<float>::quiet_NaN()
             : 0.0f;
}

static Value toF32(Emit &emit, Value value) {
  if (getElementTypeOrSelf(value.getType()).isF32())
    return value;
  Type wide = emit.getF32Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    wide = vector.clone(wide);
  return arith::ExtFOp::create(emit, emit.loc(), wide, value);
}

void TileLowering::lowerLoad(tile::LoadOp op) {
  ViewFields view = views.lookup(op.getView());
  checkAccess(op, view, scalar(op.getBatch()), scalar(op.getHead()), scalar(op.getTile()),
              typeOf(op.getResult()).getDimSize(0));
  // The right operand of a product is read in its natural layout, everything
  // else with rows as lanes.
  bool wantsNatural = false, wantsLanes = false;
  for (OpOperand &use : op->getUses()) {
    auto dot = dyn_cast<tile::DotOp>(use.getOwner());
    if (isa<tile::TransposeOp>(use.getOwner()) ||
        (dot && use.get() == dot.getRhs() && use.getOperandNumber() == 1))
      wantsNatural = true;
    else
      wantsLanes = true;
  }
  if (wantsNatural)
    loadNatural(op, view);
  if (wantsLanes)
    loadLanes(op, view);
}

void TileLowering::loadNatural(tile::LoadOp op, const ViewFields &view) {
  int64_t rows = typeOf(op.getResult()).getDimSize(0), width = view.width;
  // Allocated as a tile whose "rows" are the width: the same memory.
  Buffer place = buffers.allocate(width, rows, emit.getF32Type());
  natural[op.getResult()] = {place.address, width};

  Value tile = scalar(op.getTile());
  Value valid = validRows(view, tile, rows);
  Value firstRow = emit.mul(tile, emit.index(rows));
  int64_t size = vectorSize(width, 2 * machine.lanes());
  VectorType vector = emit.vectorOf(size, view.element);
  auto put = [&](Value vectorValue, Value row, Value column) {
    Value offset = emit.add(emit.mul(row, emit.index(width)), column);
    emit.store(vectorValue, emit.at(place.address, emit.getF32Type(), offset));
  };
  emit.loop(emit.index(0), valid, 1, [&](Value row) {
    Value from =
        rowAddress(view, scalar(op.getBatch()), scalar(op.getHead()), emit.add(firstRow, row));
    emit.loop(emit.index(0), emit.index(width), size, [&](Value column) {
      Value elements = emit.load(vector, emit.at(from, view.element, column));
      put(toF32(emit, elements), row, column);
    });
  });
  Value padding = emit.splat(size, emit.number(paddingOf(op, checked)));
  emit.loop(valid, emit.index(rows), 1, [&](Value row) {
    emit.loop(emit.index(0), emit.index(width), size,
              [&](Value column) { put(padding, row, column); });
  });
}

void TileLowering::loadLanes(tile::LoadOp op, const ViewFields &view) {
  int64_t rows = typeOf(op.getResult()).getDimSize(0), width = view.width;
  Buffer place = allocateFor(op.getResult());
  place.temporary = false;
  buffers.place(op.getResult(), place);

  Value tile = scalar(op.getTile());
  Value valid = validRows(view, tile, rows);
  Value firstRow = emit.mul(tile, emit.index(rows));
  emit.loop(emit.index(0), valid, 1, [&](Value row) {
    Value from =
        rowAddress(view, scalar(op.getBatch()), scalar(op.getHead()), emit.add(firstRow, row));
    emit.loop(emit.index(0), emit.index(width), 1, [&](Value column) {
      Value element = emit.load(view.element, emit.at(from, view.element, column));
      emit.store(toF32(emit, element), buffers.address(place, column, row));
    });
  });
  Value padding = emit.number(paddingOf(op, checked));
  emit.loop(emit.index(0), emit.index(width), 1, [&](Value column) {
    emit.loop(valid, emit.index(rows), 1,
              [&](Value row) { emit.store(padding, buffers.address(place, column, row)); });
  });
}

void TileLowering::lowerStore(tile::StoreOp op, const Buffer &value) {
  ViewFields view = views.lookup(op.getView());
  Value tile = scalar(op.getTile());
  checkAccess(op, view, scalar(op.getBatch()), scalar(op.getHead()), tile, value.rows);
  Value valid = validRows(view, tile, value.rows);
  Value firstRow = emit.mul(tile, emit.index(value.rows));
  emit.loop(emit.index(0), valid, 1, [&](Value row) {
    Value to =
        rowAddress(view, scalar(op.getBatch()), scalar(op.getHead()), emit.add(firstRow, row));
    emit.loop(emit.index(0), emit.index(value.columns), 1, [&](Value column) {
      Value element = emit.load(value.element, buffers.address(value, column, row));
      if (value.element != view.element)
        element = arith::TruncFOp::create(emit, emit.loc(), view.element, element);
      emit.store(element, emit.at(to, view.element, column));
    });
  });
}

} // namespace tessera
