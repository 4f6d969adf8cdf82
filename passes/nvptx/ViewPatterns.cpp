//===- ViewPatterns.cpp - views and tables in memory ----------------------===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Place.h"
#include "passes/nvptx/Ptx.h"
#include "passes/nvptx/RowAffine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cstddef>
#include <map>
#include <numeric>

using namespace mlir;

namespace tessera {

namespace {

/// Offsets are computed in 64 bits, positions in 32.
Value wide(ImplicitLocOpBuilder &at, Value i32) {
  return arith::ExtSIOp::create(at, at.getI64Type(), i32);
}
Value add(ImplicitLocOpBuilder &at, Value a, Value b) { return arith::AddIOp::create(at, a, b); }
Value mul(ImplicitLocOpBuilder &at, Value a, Value b) { return arith::MulIOp::create(at, a, b); }

Value readI64(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &argument,
              size_t field) {
  return frame.readField(at, argument.offset + field, at.getI64Type());
}
/// The address of an argument's elements, in global memory.
Value dataOf(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &argument) {
  Value pointer = frame.readField(at, argument.offset, LLVM::LLVMPointerType::get(at.getContext()));
  return LLVM::AddrSpaceCastOp::create(at, LLVM::LLVMPointerType::get(at.getContext(), 1), pointer);
}
Value elementAt(ImplicitLocOpBuilder &at, Value data, Type element, Value offset) {
  return LLVM::GEPOp::create(at, data.getType(), element, data,
                             ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(offset)});
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

size_t fieldOf(tile::Axis axis) {
  switch (axis) {
  case tile::Axis::Batches:
    return offsetof(ViewArgument, batches);
  case tile::Axis::Heads:
    return offsetof(ViewArgument, heads);
  case tile::Axis::Rows:
    return offsetof(ViewArgument, rows);
  }
  llvm_unreachable("unknown axis");
}

Value readExtent(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value view, tile::Axis axis) {
  Value extent = readI64(at, frame, frame.argumentOf(view), fieldOf(axis));
  return arith::TruncIOp::create(at, at.getI32Type(), extent);
}

struct LowerExtent : FramePattern<tile::ExtentOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::ExtentOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, readExtent(at, frame, op.getView(), op.getAxis()));
    return success();
  }
};

// Of views whose sequences are as long as they are: others are arithmetic already.
struct LowerLength : FramePattern<tile::LengthOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::LengthOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, readExtent(at, frame, op.getView(), tile::Axis::Rows));
    return success();
  }
};

/// How far behind the first element a sequence begins, `start` rows behind the first of its
/// batch.
Value offsetOf(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &view,
               Value batch, Value head, Value start, Value rowStride) {
  Value offset = add(
      at, mul(at, wide(at, batch), readI64(at, frame, view, offsetof(ViewArgument, batchStride))),
      mul(at, wide(at, head), readI64(at, frame, view, offsetof(ViewArgument, headStride))));
  return start ? add(at, offset, mul(at, wide(at, start), rowStride)) : offset;
}

struct LowerLocate : FramePattern<sm::LocateOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::LocateOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    const Argument &view = frame.argumentOf(op.getView());
    sm::PlaceType type = op.getPlace().getType();
    Value rowStride = readI64(at, frame, view, offsetof(ViewArgument, rowStride));
    Value offset = offsetOf(at, frame, view, adaptor.getBatch(), adaptor.getHead(),
                            adaptor.getStart(), rowStride);
    Value limit = adaptor.getLength() ? adaptor.getLength()
                                      : readExtent(at, frame, op.getView(), tile::Axis::Rows);
    if (Value part = adaptor.getColumns())
      offset = add(at, offset, wide(at, mul(at, part, constantI32(at, type.getColumns()))));
    Place place{elementAt(at, dataOf(at, frame, view), type.getElement(), offset), rowStride,
                mul(at, adaptor.getTile(), constantI32(at, type.getRows())), limit};
    rewriter.replaceOp(op, place.pack(at));
    return success();
  }
};

/// Through shared memory: each group writes its rows there in the swizzled form of the copy
/// engine, and one of its threads has them copied out.
void copyOut(ImplicitLocOpBuilder &at, const KernelFrame &frame, tile::StoreOp op, Value pairs,
             Value tile, Value head, Value batch) {
  RankedTensorType type = op.getValue().getType();
  int64_t width = type.getDimSize(1), chunkColumns = 64;
  auto i32 = [&](int64_t value) { return constantI32(at, value); };
  Value consumer = arith::SubIOp::create(at, frame.group, i32(1));
  int64_t groupBytes = llvm::divideCeil(width, chunkColumns) * stagedChunkBytes;
  Value buffer =
      add(at, add(at, frame.shared, i32(*frame.staging)), mul(at, consumer, i32(groupBytes)));
  Value barrier = frame.groupBarrier(at);

  // What was there before has been read.
  if (!frame.stagingIsFree.contains(op)) {
    frame.onFirstOfGroup(at, [&] { ptx::waitForStores(at, /*onlyReads=*/true); });
    ptx::syncThreads(at, barrier, groupThreads);
  }
  // Matrices of 16 columns: a lane names a row, and which half of the columns.
  Value row =
      add(at, mul(at, frame.warp, i32(16)), arith::RemUIOp::create(at, frame.lane, i32(16)));
  Value half = arith::DivUIOp::create(at, frame.lane, i32(16));
  Value pattern = arith::RemUIOp::create(at, frame.lane, i32(8));
  Value rowAddress = add(at, buffer, mul(at, row, i32(chunkRowBytes)));
  for (int64_t block = 0; block < width / 16; ++block) {
    Value place = arith::XOrIOp::create(at, add(at, half, i32(block % 4 * 2)), pattern);
    Value address =
        add(at, add(at, rowAddress, i32(block / 4 * stagedChunkBytes)), mul(at, place, i32(16)));
    SmallVector<Value> matrices;
    for (int64_t i = 0; i < 4; ++i)
      matrices.push_back(vector::ExtractOp::create(at, pairs, block * 4 + i));
    ptx::storeMatrices(at, address, matrices);
  }
  ptx::fenceSharedForCopies(at);
  ptx::syncThreads(at, barrier, groupThreads);
  frame.onFirstOfGroup(at, [&] {
    Value firstRow =
        add(at, mul(at, tile, i32(type.getDimSize(0))), mul(at, consumer, i32(groupRows)));
    Value map = frame.mapOf(op.getView(), groupRows);
    for (int64_t chunk = 0; chunk * chunkColumns < width; ++chunk)
      ptx::storeBox(at, map, {i32(chunk * chunkColumns), firstRow, head, batch},
                    add(at, buffer, i32(chunk * stagedChunkBytes)));
    ptx::commitStores(at);
  });
}

/// Columns that four lanes of a row hold in four blocks of eight: 16 bytes for each lane once
/// they are exchanged.
constexpr int64_t exchangeColumns = 32;

/// Exchanges pairs between the four lanes of a row, so that lane q holds the four pairs of
/// block q instead of its own pair of each block: a 4 x 4 transposition.
void exchangePairs(ImplicitLocOpBuilder &at, const KernelFrame &frame,
                   MutableArrayRef<Value> pairs) {
  for (int64_t distance : {1, 2}) {
    Value bit = arith::AndIOp::create(at, frame.lane, constantI32(at, distance));
    Value isUpper = arith::CmpIOp::create(at, arith::CmpIPredicate::ne, bit, constantI32(at, 0));
    for (int64_t i = 0; i < 4; ++i) {
      if (i & distance)
        continue;
      Value &low = pairs[i], &high = pairs[i + distance];
      Value sent = arith::SelectOp::create(at, isUpper, low, high);
      Value received = NVVM::ShflOp::create(at, at.getI32Type(), constantI32(at, -1), sent,
                                            constantI32(at, distance), constantI32(at, 31),
                                            NVVM::ShflKind::bfly, UnitAttr());
      low = arith::SelectOp::create(at, isUpper, received, low);
      high = arith::SelectOp::create(at, isUpper, high, received);
    }
  }
}

/// Elements i and i + 1 of a fragment, neighbours in a row.
Value pairAt(ImplicitLocOpBuilder &at, RankedTensorType tile, Value fragment, int64_t i) {
  if (isPacked(tile))
    return vector::ExtractOp::create(at, fragment, i / 2);
  return vector::FromElementsOp::create(at, VectorType::get(2, tile.getElementType()),
                                        ValueRange{vector::ExtractOp::create(at, fragment, i),
                                                   vector::ExtractOp::create(at, fragment, i + 1)});
}

// Each thread writes what it holds, neighbours together. Rows past the end are left out.
struct LowerStore : FramePattern<tile::StoreOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::StoreOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getPages())
      return op.emitOpError("goes through pages, which this target cannot do yet");
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    if (frame.staging && canCopyOut(op)) {
      copyOut(at, frame, op, adaptor.getValue(), adaptor.getTile(), adaptor.getHead(),
              adaptor.getBatch());
      rewriter.eraseOp(op);
      return success();
    }
    RankedTensorType tile = op.getValue().getType();
    Type element = tile.getElementType();
    const Argument &view = frame.argumentOf(op.getView());
    Value data = dataOf(at, frame, view);
    Value rowStride = readI64(at, frame, view, offsetof(ViewArgument, rowStride));
    Value base = offsetOf(at, frame, view, adaptor.getBatch(), adaptor.getHead(),
                          adaptor.getStart(), rowStride);
    Value limit = adaptor.getLength() ? adaptor.getLength()
                                      : readExtent(at, frame, op.getView(), tile::Axis::Rows);
    Value first = add(at, mul(at, adaptor.getTile(), constantI32(at, tile.getDimSize(0))),
                      frame.firstRow(at));
    bool isColumn = tile.getDimSize(1) == 1;
    for (int64_t row = 0; row < rowsOfThread; ++row) {
      // 16 bytes at a time where rows are wide enough; all lanes take part.
      SmallVector<Value> exchanged;
      int64_t wide32 = isPacked(tile) ? tile.getDimSize(1) / exchangeColumns : 0;
      for (int64_t group = 0; group < wide32; ++group) {
        Value pairs[4];
        for (int64_t i = 0; i < 4; ++i)
          pairs[i] = pairAt(at, tile, adaptor.getValue(), 4 * (4 * group + i) + 2 * row);
        exchangePairs(at, frame, pairs);
        exchanged.push_back(vector::FromElementsOp::create(at, VectorType::get(4, at.getI32Type()),
                                                           ValueRange(pairs)));
      }
      Value number = add(at, first, constantI32(at, 8 * row));
      Value isInside = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, number, limit);
      // Of a column, the first of the lanes that share a row.
      if (isColumn)
        isInside =
            arith::AndIOp::create(at, isInside,
                                  arith::CmpIOp::create(at, arith::CmpIPredicate::eq,
                                                        frame.firstColumn(at), constantI32(at, 0)));
      auto branch = scf::IfOp::create(at, isInside);
      OpBuilder::InsertionGuard guard(at);
      at.setInsertionPointToStart(branch.thenBlock());
      Value offset = add(at, base, mul(at, wide(at, number), rowStride));
      if (isColumn) {
        LLVM::StoreOp::create(at, vector::ExtractOp::create(at, adaptor.getValue(), row),
                              elementAt(at, data, element, offset));
        continue;
      }
      // Lane q of a row has columns 8q on of what was exchanged, and 2q on of the rest.
      auto addressFrom = [&](Value column) {
        return elementAt(at, data, element, add(at, offset, wide(at, column)));
      };
      Value firstColumn = frame.firstColumn(at);
      Value block = addressFrom(mul(at, firstColumn, constantI32(at, 4)));
      for (auto [group, vector] : llvm::enumerate(exchanged))
        LLVM::StoreOp::create(at, vector,
                              LLVM::GEPOp::create(at, block.getType(), element, block,
                                                  ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(
                                                      group * exchangeColumns)}),
                              /*alignment=*/16);
      Value address = addressFrom(firstColumn);
      for (int64_t i = 0; i < fragmentSize(tile); i += 2) {
        if (rowOfElement(i) != row || columnOfElement(i) < wide32 * exchangeColumns)
          continue;
        Value pair = pairAt(at, tile, adaptor.getValue(), i);
        Value place =
            LLVM::GEPOp::create(at, address.getType(), element, address,
                                ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(columnOfElement(i))});
        LLVM::StoreOp::create(at, pair, place, 2 * element.getIntOrFloatBitWidth() / 8);
      }
    }
    ptx::syncWarp(at); // rows end in the middle of a warp
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

Value extentOf(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &table,
               size_t i) {
  return readI64(at, frame, table, offsetof(TableArgument, extents) + i * sizeof(int64_t));
}
Value strideOf(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &table,
               size_t i) {
  return readI64(at, frame, table, offsetof(TableArgument, strides) + i * sizeof(int64_t));
}

/// The number of a table at some coordinates (i32); zero outside of it, where no
/// memory is read.
Value readTable(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value table,
                ValueRange coordinates) {
  const Argument &argument = frame.argumentOf(table);
  Type element = cast<tile::TableType>(table.getType()).getElement();
  Value isInside, offset;
  for (auto [i, coordinate] : llvm::enumerate(coordinates)) {
    Value place = wide(at, coordinate);
    Value extent = extentOf(at, frame, argument, i);
    // Unsigned, so that a negative coordinate is outside too.
    Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, place, extent);
    isInside = isInside ? arith::AndIOp::create(at, isInside, fits).getResult() : fits;
    Value stride = strideOf(at, frame, argument, i);
    Value part = mul(at, place, stride);
    offset = offset ? add(at, offset, part) : part;
  }
  Value address = elementAt(at, dataOf(at, frame, argument), element, offset);
  return ptx::readIf(at, address, isInside, element);
}

struct LowerFetch : FramePattern<tile::FetchOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::FetchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, readTable(at, frame, op.getTable(), adaptor.getCoordinates()));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Strips: a warp's places in one dimension of a table
//===----------------------------------------------------------------------===//

/// A number of a lane: numbers of its warp, with their signs, and how often its row and its
/// column.
struct LaneNumber {
  SmallVector<std::pair<Value, int>> uniform;
  int row = 0, column = 0;

  static constexpr int lastRow = warpThreads / lanesOfRow - 1, lastColumn = 2 * (lanesOfRow - 1);

  /// Over the lanes of a warp.
  int64_t least() const { return std::min(0, row * lastRow) + std::min(0, column * lastColumn); }
  int64_t range() const { return std::abs(row) * lastRow + std::abs(column) * lastColumn; }
};

/// Adds a term of a position. Numbers of a program are those of a block; only positions within
/// a tile tell lanes apart, in the form that KernelFrame gives them.
void addTerm(const KernelFrame &frame, Value term, int sign, LaneNumber &number) {
  if (auto sum = term.getDefiningOp<arith::AddIOp>()) {
    addTerm(frame, sum.getLhs(), sign, number);
    addTerm(frame, sum.getRhs(), sign, number);
    return;
  }
  if (auto row = term.getDefiningOp<arith::DivUIOp>(); row && row.getLhs() == frame.lane) {
    number.row += sign;
    return;
  }
  if (auto product = term.getDefiningOp<arith::MulIOp>()) {
    auto column = product.getLhs().getDefiningOp<arith::RemUIOp>();
    if (column && column.getLhs() == frame.lane) {
      number.column += sign;
      return;
    }
  }
  number.uniform.push_back({term, sign});
}

/// Coordinates of which one differs within a warp, and is read as a strip: `segments` registers,
/// of which lane l of the i-th holds the number at `first + 16 i + l`. As far as the lanes of a
/// warp are apart, 16 neighbours of each are found in one of them.
struct Strip {
  SmallVector<LaneNumber> coordinates;
  SmallVector<SmallVector<int64_t>> constants; ///< of each coordinate, of each element
  size_t axis;                                 ///< the one that differs
  static constexpr int64_t segmentStep = 16;

  static std::optional<Strip> of(const KernelFrame &frame, ValueRange coordinates);

  int64_t least() const { return *llvm::min_element(constants[axis]); }
  int64_t segments() const {
    return (*llvm::max_element(constants[axis]) - least()) / segmentStep + 1;
  }
};

std::optional<Strip> Strip::of(const KernelFrame &frame, ValueRange coordinates) {
  Strip strip;
  std::optional<size_t> axis;
  for (auto [i, coordinate] : llvm::enumerate(coordinates)) {
    std::optional<RowAffine> affine = matchThreadAffine(coordinate);
    if (!affine)
      return std::nullopt;
    LaneNumber number;
    for (auto [term, sign] : affine->rows)
      addTerm(frame, term, sign, number);
    if (number.row || number.column || !llvm::all_equal(affine->constants)) {
      if (axis)
        return std::nullopt;
      axis = i;
    }
    strip.coordinates.push_back(std::move(number));
    strip.constants.push_back(std::move(affine->constants));
  }
  if (!axis || strip.coordinates[*axis].range() > warpThreads - segmentStep)
    return std::nullopt;
  strip.axis = *axis;
  return strip;
}

/// Behind the last of the numbers that a strip's place needs: what is read there arrives while
/// products are computed.
void setWhereKnown(ImplicitLocOpBuilder &at, Operation *gather, const Strip &strip) {
  Operation *last = nullptr;
  for (const LaneNumber &number : strip.coordinates)
    for (auto [value, sign] : number.uniform)
      if (Operation *op = value.getDefiningOp(); op && op->getBlock() == gather->getBlock())
        if (!last || last->isBeforeInBlock(op))
          last = op;
  if (last)
    at.setInsertionPointAfter(last);
  else
    at.setInsertionPointToStart(gather->getBlock());
}

Value sumOf(ImplicitLocOpBuilder &at, const LaneNumber &number, int64_t constant) {
  Value sum = constantI32(at, constant);
  for (auto [value, sign] : number.uniform)
    sum = sign > 0 ? add(at, sum, value) : arith::SubIOp::create(at, sum, value).getResult();
  return sum;
}

/// Where a lane reads its number of a strip's first segment.
struct StripPlace {
  Value data;          ///< of the table, where the other coordinates are
  Value place, stride; ///< in the dimension that differs: i32, i64
  Value limit;         ///< places below it are inside of the table, and read
};

StripPlace placeOf(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value table,
                   const Strip &strip) {
  const Argument &argument = frame.argumentOf(table);
  Type element = cast<tile::TableType>(table.getType()).getElement();
  // Positions are 32-bit: an extent that is larger is as good as the largest.
  auto limitOf = [&](size_t axis) -> Value {
    Value largest = arith::ConstantOp::create(at, at.getI64IntegerAttr(INT32_MAX));
    Value extent = arith::MinSIOp::create(at, extentOf(at, frame, argument, axis), largest);
    return arith::TruncIOp::create(at, at.getI32Type(), extent);
  };
  StripPlace place;
  place.data = dataOf(at, frame, argument);
  place.limit = limitOf(strip.axis);
  place.stride = strideOf(at, frame, argument, strip.axis);
  for (auto [i, coordinate] : llvm::enumerate(strip.coordinates)) {
    if (i == strip.axis) {
      Value first = sumOf(at, coordinate, strip.least() + coordinate.least());
      place.place = add(at, first, frame.lane);
      continue;
    }
    Value number = sumOf(at, coordinate, strip.constants[i].front());
    Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, number, limitOf(i));
    place.limit = arith::SelectOp::create(at, fits, place.limit, constantI32(at, 0));
    Value offset = mul(at, wide(at, number), strideOf(at, frame, argument, i));
    place.data = elementAt(at, place.data, element, offset);
  }
  return place;
}

/// Reads segments of neighbours, all of them inside of the table: from one address.
SmallVector<Value> readInside(ImplicitLocOpBuilder &at, const StripPlace &place, Type element,
                              int64_t count) {
  Value address = elementAt(at, place.data, element, wide(at, place.place));
  SmallVector<Value> segments;
  for (int64_t i = 0; i < count; ++i) {
    auto offset = static_cast<int32_t>(i * Strip::segmentStep);
    Value from = LLVM::GEPOp::create(at, address.getType(), element, address,
                                     ArrayRef<LLVM::GEPArg>{offset});
    segments.push_back(LLVM::LoadOp::create(at, element, from, /*alignment=*/0,
                                            /*isVolatile=*/false, /*isNonTemporal=*/false,
                                            /*isInvariant=*/true));
  }
  return segments;
}

/// Reads segments wherever they lie; zeros outside of the table, where no memory is read.
SmallVector<Value> readAnywhere(ImplicitLocOpBuilder &at, const StripPlace &place, Type element,
                                int64_t count) {
  constexpr int64_t stepBytes = Strip::segmentStep * sizeof(int32_t);
  Value step =
      mul(at, place.stride, arith::ConstantOp::create(at, at.getI64IntegerAttr(stepBytes)));
  Value number = place.place;
  Value address = elementAt(at, place.data, element, mul(at, wide(at, number), place.stride));
  SmallVector<Value> segments;
  for (int64_t i = 0; i < count; ++i) {
    if (i) {
      number = add(at, number, constantI32(at, Strip::segmentStep));
      address = elementAt(at, address, at.getI8Type(), step);
    }
    // Unsigned, so that a negative coordinate is outside too.
    Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, number, place.limit);
    segments.push_back(ptx::readIf(at, address, fits, element));
  }
  return segments;
}

// if (all lanes read neighbours, inside) { from one address } else { each by itself }
SmallVector<Value> readSegments(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value table,
                                const Strip &strip) {
  StripPlace place = placeOf(at, frame, table, strip);
  Type element = cast<tile::TableType>(table.getType()).getElement();
  int64_t count = strip.segments();
  if (count == 1)
    return readAnywhere(at, place, element, count);
  // First places below it have all of their segments inside; zero if neighbours are apart.
  Value behind = constantI32(at, (count - 1) * Strip::segmentStep), zero = constantI32(at, 0);
  Value room = arith::MaxSIOp::create(at, arith::SubIOp::create(at, place.limit, behind), zero);
  Value one = arith::ConstantOp::create(at, at.getI64IntegerAttr(1));
  Value isDense = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, place.stride, one);
  room = arith::SelectOp::create(at, isDense, room, zero);
  Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, place.place, room);
  // A vote tells the assembler that the warp stays together. Where it might not, operands of
  // products are moved to uniform registers again for each instruction.
  Value inside = NVVM::VoteSyncOp::create(at, at.getI1Type(), constantI32(at, -1), fits,
                                          NVVM::VoteSyncKind::all);
  auto branch = scf::IfOp::create(at, SmallVector<Type>(count, element), inside,
                                  /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(at);
  at.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(at, readInside(at, place, element, count));
  at.setInsertionPointToStart(branch.elseBlock());
  // A number that LLVM knows nothing of, so that addresses are not kept from one iteration of a
  // loop to the next, for what is seldom read.
  place.place = ptx::copy(at, place.place);
  scf::YieldOp::create(at, readAnywhere(at, place, element, count));
  return branch.getResults();
}

/// What each element of a thread has of a strip: numbers that two have in common come once.
SmallVector<Value> distribute(ImplicitLocOpBuilder &at, const KernelFrame &frame,
                              ArrayRef<Value> segments, const Strip &strip) {
  const LaneNumber &number = strip.coordinates[strip.axis];
  Value row = arith::DivUIOp::create(at, frame.lane, constantI32(at, lanesOfRow));
  Value lane = add(at, mul(at, row, constantI32(at, number.row)),
                   mul(at, frame.firstColumn(at), constantI32(at, number.column)));
  lane = add(at, lane, constantI32(at, -number.least()));
  std::map<int64_t, Value> lanes, numbers;
  SmallVector<Value> elements;
  for (int64_t constant : strip.constants[strip.axis]) {
    int64_t distance = constant - strip.least();
    Value &found = numbers[distance];
    if (!found) {
      Value &from = lanes[distance % Strip::segmentStep];
      if (!from)
        from = add(at, lane, constantI32(at, distance % Strip::segmentStep));
      Value segment = segments[distance / Strip::segmentStep];
      found =
          NVVM::ShflOp::create(at, segment.getType(), constantI32(at, -1), segment, from,
                               constantI32(at, warpThreads - 1), NVVM::ShflKind::idx, UnitAttr());
    }
    elements.push_back(found);
  }
  return elements;
}

//===----------------------------------------------------------------------===//
// Gathers
//===----------------------------------------------------------------------===//

struct LowerGather : FramePattern<tile::GatherOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    SmallVector<Value> elements;
    std::optional<Strip> strip = Strip::of(frame, adaptor.getCoordinates());
    if (strip && op.getType().getDimSize(1) != 1) { // a column has few elements
      SmallVector<Value> segments;
      {
        OpBuilder::InsertionGuard guard(at);
        setWhereKnown(at, op, *strip);
        segments = readSegments(at, frame, op.getTable(), *strip);
      }
      elements = distribute(at, frame, segments, *strip);
    } else {
      for (int64_t i = 0; i < fragmentSize(op.getType()); ++i) {
        SmallVector<Value> place;
        for (Value coordinates : adaptor.getCoordinates())
          place.push_back(vector::ExtractOp::create(at, coordinates, i));
        elements.push_back(readTable(at, frame, op.getTable(), place));
      }
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(getTypeConverter()->convertType(op.getType())), elements);
    return success();
  }
};

} // namespace

void populateViewPatterns(RewritePatternSet &patterns, const TypeConverter &types,
                          const KernelFrame &frame) {
  patterns.add<LowerExtent, LowerLength, LowerLocate, LowerStore, LowerFetch, LowerGather>(
      types, patterns.getContext(), frame);
}

} // namespace tessera
