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
      fields.memory =
          fields.element.getIntOrFloatBitWidth() == 8 ? emit.getI8Type() : fields.element;
      fields.width = type.getWidth();
      views[value] = fields;
      break;
    }
    case ArgumentKind::table: {
      TableFields fields;
      fields.data = pointerAt(offset + offsetof(TableArgument, data));
      for (int64_t i = 0; i < argument.rank; ++i) {
        fields.extents.push_back(indexAt(offset + offsetof(TableArgument, extents) + 8 * i));
        fields.strides.push_back(indexAt(offset + offsetof(TableArgument, strides) + 8 * i));
      }
      tables[value] = fields;
      break;
    }
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

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

// tile.fetch %t[%i, %j]  ->  scf.if (within) { load } else { zero }
Value TileLowering::lowerFetch(tile::FetchOp op) {
  const TableFields &table = tables[op.getTable()];
  Value within, offset = emit.index(0);
  for (auto [coordinate, extent, stride] :
       llvm::zip_equal(op.getCoordinates(), table.extents, table.strides)) {
    Value at = scalar(coordinate);
    // One unsigned comparison also catches what is negative.
    Value inside = arith::CmpIOp::create(emit, emit.loc(), arith::CmpIPredicate::ult, at, extent);
    within = within ? arith::AndIOp::create(emit, emit.loc(), within, inside).getResult() : inside;
    offset = emit.add(offset, emit.mul(at, stride));
  }
  Type type = op.getType();
  auto branch = scf::IfOp::create(emit, emit.loc(), type, within, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(emit);
  emit.setInsertionPointToStart(branch.thenBlock());
  Value number = emit.load(type, emit.at(table.data, type, offset));
  scf::YieldOp::create(emit, emit.loc(), number);
  emit.setInsertionPointToStart(branch.elseBlock());
  Value zero = arith::ConstantOp::create(emit, emit.loc(), emit.getZeroAttr(type));
  scf::YieldOp::create(emit, emit.loc(), zero);
  return branch.getResult(0);
}

/// One vector of `tile.gather`, from a vector for each coordinate.
Value TileLowering::gather(Value tableValue, ArrayRef<Value> coordinates, Type element) {
  const TableFields &table = tables[tableValue];
  int64_t size = cast<VectorType>(coordinates.front().getType()).getNumElements();
  Type i64 = emit.getI64Type();
  auto wide = [&](Value index) {
    return emit.splat(size, arith::IndexCastOp::create(emit, emit.loc(), i64, index));
  };
  Value within, offset;
  for (auto [coordinate, extent, stride] :
       llvm::zip_equal(coordinates, table.extents, table.strides)) {
    Value at = arith::ExtSIOp::create(emit, emit.loc(), emit.vectorOf(size, i64), coordinate);
    Value inside =
        arith::CmpIOp::create(emit, emit.loc(), arith::CmpIPredicate::ult, at, wide(extent));
    within = within ? arith::AndIOp::create(emit, emit.loc(), within, inside).getResult() : inside;
    Value step = arith::MulIOp::create(emit, emit.loc(), at, wide(stride));
    offset = offset ? arith::AddIOp::create(emit, emit.loc(), offset, step).getResult() : step;
  }
  VectorType result = emit.vectorOf(size, element);
  Value addresses = LLVM::GEPOp::create(emit, emit.loc(), emit.vectorOf(size, emit.pointer()),
                                        element, table.data, ArrayRef<LLVM::GEPArg>{offset});
  Value zero = arith::ConstantOp::create(emit, emit.loc(), emit.getZeroAttr(result));
  return LLVM::masked_gather::create(emit, emit.loc(), result, addresses, within, ValueRange{zero},
                                     element.getIntOrFloatBitWidth() / 8);
}

//===----------------------------------------------------------------------===//
// Rows of a view
//===----------------------------------------------------------------------===//

/// The rows of a sequence that one access goes to.
template <class Access>
SequenceFields TileLowering::sequenceOf(Access op) {
  SequenceFields rows{.view = views.lookup(op.getView())};
  rows.batch = scalar(op.getBatch());
  rows.head = scalar(op.getHead());
  rows.start = op.getStart() ? scalar(op.getStart()) : emit.index(0);
  rows.length = op.getLength() ? scalar(op.getLength()) : rows.view.rows;
  rows.pages = op.getPages();
  return rows;
}

/// How many rows of a tile lie within the sequence.
Value TileLowering::validRows(const SequenceFields &rows, Value tile, int64_t size) {
  Value left = emit.sub(rows.length, emit.mul(tile, emit.index(size)));
  return emit.min(emit.max(left, emit.index(0)), emit.index(size));
}

Value TileLowering::rowAddress(const ViewFields &view, Value batch, Value head, Value row) {
  Value offset = emit.add(emit.mul(batch, view.batchStride), emit.mul(head, view.headStride));
  offset = emit.add(offset, emit.mul(row, view.rowStride));
  return emit.at(view.data, view.memory, offset);
}

/// Calls `body(address, row of the tile)` for the first `count` rows of a tile.
void TileLowering::forRows(const SequenceFields &rows, Value tile, int64_t size, Value count,
                           function_ref<void(Value, Value)> body) {
  const ViewFields &view = rows.view;
  Value begin = emit.add(rows.start, emit.mul(tile, emit.index(size)));
  if (!rows.pages) {
    emit.loop(emit.index(0), count, 1, [&](Value row) {
      body(rowAddress(view, rows.batch, rows.head, emit.add(begin, row)), row);
    });
    return;
  }
  // Page by page. Without rows no entry of the table is read.
  const TableFields &pages = tables[rows.pages];
  auto divide = [&](Value a) -> Value {
    return arith::DivUIOp::create(emit, emit.loc(), a, view.rows);
  };
  Value end = emit.add(begin, count);
  Value none =
      arith::CmpIOp::create(emit, emit.loc(), arith::CmpIPredicate::eq, count, emit.index(0));
  Value firstPage = divide(begin);
  Value lastPage = divide(emit.sub(end, emit.index(1)));
  Value endPage =
      arith::SelectOp::create(emit, emit.loc(), none, firstPage, emit.add(lastPage, emit.index(1)));
  emit.loop(firstPage, endPage, 1, [&](Value page) {
    Value entry =
        emit.add(emit.mul(rows.batch, pages.strides[0]), emit.mul(page, pages.strides[1]));
    Value number = emit.load(emit.getI32Type(), emit.at(pages.data, emit.getI32Type(), entry));
    Value batch = arith::IndexCastOp::create(emit, emit.loc(), emit.getIndexType(), number);
    checkWithin(rows.line, Violation::page, batch, view.batches);
    Value pageBegin = emit.mul(page, view.rows);
    Value first = emit.max(begin, pageBegin);
    Value last = emit.min(end, emit.add(pageBegin, view.rows));
    emit.loop(first, last, 1, [&](Value row) {
      body(rowAddress(view, batch, rows.head, emit.sub(row, pageBegin)), emit.sub(row, begin));
    });
  });
}

/// Calls the runtime when a coordinate is not within 0..limit-1.
void TileLowering::checkWithin(int64_t line, Violation kind, Value value, Value limit) {
  if (!checked)
    return;
  auto integer = [&](Value index) -> Value {
    return arith::IndexCastOp::create(emit, emit.loc(), emit.getI64Type(), index);
  };
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(emit, emit.loc(), value, 64);
  };
  // One unsigned comparison also catches what is negative.
  Value outside = arith::CmpIOp::create(emit, emit.loc(), arith::CmpIPredicate::uge, value, limit);
  auto branch = scf::IfOp::create(emit, emit.loc(), outside);
  OpBuilder::InsertionGuard guard(emit);
  emit.setInsertionPointToStart(branch.thenBlock());
  LLVM::CallOp::create(
      emit, emit.loc(), TypeRange(), violationName,
      ValueRange{constant(line), constant(int64_t(kind)), integer(value), integer(limit)});
}

void TileLowering::checkAccess(Operation *op, SequenceFields &rows, Value tile, int64_t size) {
  if (!checked)
    return;
  if (auto place = dyn_cast<FileLineColLoc>(op->getLoc()))
    rows.line = place.getLine();
  Value tiles = arith::CeilDivSIOp::create(emit, emit.loc(), rows.length, emit.index(size));
  if (!rows.pages)
    checkWithin(rows.line, Violation::batch, rows.batch, rows.view.batches);
  checkWithin(rows.line, Violation::head, rows.head, rows.view.heads);
  checkWithin(rows.line, Violation::tile, tile, tiles);
  if (!rows.pages)
    checkWithin(rows.line, Violation::row, emit.add(rows.start, rows.length),
                emit.add(rows.view.rows, emit.index(1)));
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

/// Elements from memory, as f32. fp8 lies there as integers.
static Value loadF32(Emit &emit, const ViewFields &view, Value address, int64_t size) {
  auto shaped = [&](Type element) -> Type {
    return size == 1 ? element : emit.vectorOf(size, element);
  };
  Value value = emit.load(shaped(view.memory), address);
  if (view.memory != view.element)
    value = arith::BitcastOp::create(emit, emit.loc(), shaped(view.element), value);
  if (view.element.isF32())
    return value;
  return arith::ExtFOp::create(emit, emit.loc(), shaped(emit.getF32Type()), value);
}

void TileLowering::lowerLoad(tile::LoadOp op) {
  SequenceFields rows = sequenceOf(op);
  checkAccess(op, rows, scalar(op.getTile()), typeOf(op.getResult()).getDimSize(0));
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
    loadNatural(op, rows);
  if (wantsLanes)
    loadLanes(op, rows);
}

void TileLowering::loadNatural(tile::LoadOp op, const SequenceFields &from) {
  const ViewFields &view = from.view;
  int64_t rows = typeOf(op.getResult()).getDimSize(0), width = view.width;
  // Allocated as a tile whose "rows" are the width: the same memory.
  Buffer place = buffers.allocate(width, rows, emit.getF32Type());
  natural[op.getResult()] = {place.address, width};

  Value tile = scalar(op.getTile());
  Value valid = validRows(from, tile, rows);
  int64_t size = vectorSize(width, 2 * machine.lanes());
  auto put = [&](Value vectorValue, Value row, Value column) {
    Value offset = emit.add(emit.mul(row, emit.index(width)), column);
    emit.store(vectorValue, emit.at(place.address, emit.getF32Type(), offset));
  };
  forRows(from, tile, rows, valid, [&](Value address, Value row) {
    emit.loop(emit.index(0), emit.index(width), size, [&](Value column) {
      put(loadF32(emit, view, emit.at(address, view.memory, column), size), row, column);
    });
  });
  Value padding = emit.number(paddingOf(op, checked));
  if (size > 1)
    padding = emit.splat(size, padding);
  emit.loop(valid, emit.index(rows), 1, [&](Value row) {
    emit.loop(emit.index(0), emit.index(width), size,
              [&](Value column) { put(padding, row, column); });
  });
}

void TileLowering::loadLanes(tile::LoadOp op, const SequenceFields &from) {
  const ViewFields &view = from.view;
  int64_t rows = typeOf(op.getResult()).getDimSize(0), width = view.width;
  Buffer place = allocateFor(op.getResult());
  place.temporary = false;
  buffers.place(op.getResult(), place);

  Value tile = scalar(op.getTile());
  Value valid = validRows(from, tile, rows);
  forRows(from, tile, rows, valid, [&](Value address, Value row) {
    emit.loop(emit.index(0), emit.index(width), 1, [&](Value column) {
      Value element = loadF32(emit, view, emit.at(address, view.memory, column), 1);
      emit.store(element, buffers.address(place, column, row));
    });
  });
  Value padding = emit.number(paddingOf(op, checked));
  emit.loop(emit.index(0), emit.index(width), 1, [&](Value column) {
    emit.loop(valid, emit.index(rows), 1,
              [&](Value row) { emit.store(padding, buffers.address(place, column, row)); });
  });
}

void TileLowering::lowerStore(tile::StoreOp op, const Buffer &value) {
  SequenceFields rows = sequenceOf(op);
  const ViewFields &view = rows.view;
  Value tile = scalar(op.getTile());
  checkAccess(op, rows, tile, value.rows);
  Value valid = validRows(rows, tile, value.rows);
  forRows(rows, tile, value.rows, valid, [&](Value address, Value row) {
    emit.loop(emit.index(0), emit.index(value.columns), 1, [&](Value column) {
      Value element = emit.load(value.element, buffers.address(value, column, row));
      if (value.element != view.element)
        element = arith::TruncFOp::create(emit, emit.loc(), view.element, element);
      if (view.memory != view.element)
        element = arith::BitcastOp::create(emit, emit.loc(), view.memory, element);
      emit.store(element, emit.at(address, view.memory, column));
    });
  });
}

// tile.exchange: columns are copied to where their neighbours were.
void TileLowering::lowerExchange(tile::ExchangeOp op, const Buffer &from, const Buffer &to) {
  int64_t run = op.getRun(), pairs = from.columns / (2 * run);
  int64_t size = vectorSize(from.rows, 2 * machine.lanes());
  auto move = [&](Value source, Value target) {
    emit.loop(emit.index(0), emit.index(from.rows), size, [&](Value row) {
      buffers.store(buffers.load(from, source, row, size), to, target, row);
    });
  };
  emit.loop(emit.index(0), emit.index(pairs), 1, [&](Value pair) {
    Value first = emit.mul(pair, emit.index(2 * run));
    emit.loop(emit.index(0), emit.index(run), 1, [&](Value i) {
      Value left = emit.add(first, i), right = emit.add(left, emit.index(run));
      move(left, right);
      move(right, left);
    });
  });
  emit.loop(emit.index(pairs * 2 * run), emit.index(from.columns), 1,
            [&](Value column) { move(column, column); });
}

} // namespace tessera
