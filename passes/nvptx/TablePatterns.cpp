//===- TablePatterns.cpp - tables in memory, and strips of them -----------===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/GlobalMemory.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Ptx.h"
#include "passes/nvptx/RowAffine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cstddef>
#include <map>

using namespace mlir;

namespace tessera {

namespace {

/// The number of a table at some coordinates (i32); zero outside of it, where no
/// memory is read.
Value readTable(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value table,
                ValueRange coordinates) {
  const Argument &argument = frame.argumentOf(table);
  Type element = cast<tile::TableType>(table.getType()).getElement();
  Value isInside, offset;
  for (auto [i, coordinate] : llvm::enumerate(coordinates)) {
    auto read = [&](size_t field) {
      return readI64(at, frame, argument, field + i * sizeof(int64_t));
    };
    Value place = wide(at, coordinate);
    Value extent = read(offsetof(TableArgument, extents));
    // Unsigned, so that a negative coordinate is outside too.
    Value fits = arith::CmpIOp::create(at, arith::CmpIPredicate::ult, place, extent);
    isInside = isInside ? arith::AndIOp::create(at, isInside, fits).getResult() : fits;
    Value stride = read(offsetof(TableArgument, strides));
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
// Strips: a warp's places on a line of a table
//===----------------------------------------------------------------------===//

/// Which neighbours the elements of a tile are: how far they move with each row and column of a
/// lane, and besides with each element of a thread. Read as segments, which are registers of which
/// lane l of the i-th holds the number at `first + 16 i + l`: as far as the lanes of a warp are
/// apart, 16 neighbours of each are found in one of them.
struct Strip {
  int64_t row = 0, column = 0;
  SmallVector<int64_t> constants;

  static constexpr int64_t segmentStep = 16;
  static constexpr int64_t lastRow = warpThreads / lanesOfRow - 1,
                           lastColumn = 2 * (lanesOfRow - 1);

  /// Over the elements of a thread, and over the lanes of a warp.
  int64_t leastConstant() const { return *llvm::min_element(constants); }
  int64_t leastLane() const {
    return std::min<int64_t>(0, row * lastRow) + std::min<int64_t>(0, column * lastColumn);
  }
  int64_t lanes() const { return std::abs(row) * lastRow + std::abs(column) * lastColumn; }
  int64_t segments() const {
    return (*llvm::max_element(constants) - leastConstant()) / segmentStep + 1;
  }
};

/// How far a lane is from lane 0.
Value laneNumber(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Strip &strip) {
  Value row = arith::DivUIOp::create(at, frame.lane, constantI32(at, lanesOfRow));
  return add(at, mul(at, row, constantI32(at, strip.row)),
             mul(at, frame.firstColumn(at), constantI32(at, strip.column)));
}

/// Numbers, those that several elements have in common computed once.
SmallVector<Value> forEachElement(const Strip &strip,
                                  llvm::function_ref<Value(int64_t constant)> make) {
  std::map<int64_t, Value> numbers;
  SmallVector<Value> elements;
  for (int64_t constant : strip.constants) {
    Value &found = numbers[constant];
    if (!found)
      found = make(constant);
    elements.push_back(found);
  }
  return elements;
}

/// What each element of a thread has of a strip.
SmallVector<Value> distribute(ImplicitLocOpBuilder &at, const KernelFrame &frame,
                              ArrayRef<Value> segments, const Strip &strip) {
  Value lane = add(at, laneNumber(at, frame, strip), constantI32(at, -strip.leastLane()));
  std::map<int64_t, Value> lanes;
  return forEachElement(strip, [&](int64_t constant) -> Value {
    int64_t distance = constant - strip.leastConstant();
    Value &from = lanes[distance % Strip::segmentStep];
    if (!from)
      from = add(at, lane, constantI32(at, distance % Strip::segmentStep));
    Value segment = segments[distance / Strip::segmentStep];
    return NVVM::ShflOp::create(at, segment.getType(), constantI32(at, -1), segment, from,
                                constantI32(at, warpThreads - 1), NVVM::ShflKind::idx, UnitAttr());
  });
}

/// The place at which a lane reads its number of the first segment, lane 0 being at `number`.
Value segmentPlace(ImplicitLocOpBuilder &at, Value lane, Value number, const Strip &strip) {
  Value first = add(at, number, constantI32(at, strip.leastConstant() + strip.leastLane()));
  return add(at, first, lane);
}

/// Reads segments, all of them inside of the table and of neighbours: from one address.
SmallVector<Value> readInside(ImplicitLocOpBuilder &at, const TableLine &line, Value place,
                              int64_t count) {
  Value address = elementAt(at, line.data, line.element, wide(at, place));
  SmallVector<Value> segments;
  for (int64_t i = 0; i < count; ++i) {
    auto offset = static_cast<int32_t>(i * Strip::segmentStep);
    Value from = LLVM::GEPOp::create(at, address.getType(), line.element, address,
                                     ArrayRef<LLVM::GEPArg>{offset});
    segments.push_back(LLVM::LoadOp::create(at, line.element, from, /*alignment=*/0,
                                            /*isVolatile=*/false, /*isNonTemporal=*/false,
                                            /*isInvariant=*/true));
  }
  return segments;
}

// if (all lanes read neighbours, inside) { from one address } else { each by itself }
SmallVector<Value> readSegments(ImplicitLocOpBuilder &at, const TableLine &line, Value place,
                                int64_t count) {
  if (count == 1)
    return line.readEvery(at, Strip::segmentStep, place, count);
  Value holds = line.holds(at, place, (count - 1) * Strip::segmentStep + 1);
  // A vote tells the assembler that the warp stays together. Where it might not, operands of
  // products are moved to uniform registers again for each instruction.
  Value all = NVVM::VoteSyncOp::create(at, at.getI1Type(), constantI32(at, -1), holds,
                                       NVVM::VoteSyncKind::all);
  auto branch = scf::IfOp::create(at, SmallVector<Type>(count, line.element), all,
                                  /*addThenBlock=*/true, /*addElseBlock=*/true);
  OpBuilder::InsertionGuard guard(at);
  at.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(at, readInside(at, line, place, count));
  at.setInsertionPointToStart(branch.elseBlock());
  // A number that LLVM knows nothing of, so that addresses are not kept from one iteration of a
  // loop to the next, for what is seldom read.
  place = ptx::copy(at, place);
  scf::YieldOp::create(at, line.readEvery(at, Strip::segmentStep, place, count));
  return branch.getResults();
}

//===----------------------------------------------------------------------===//
// Gathers
//===----------------------------------------------------------------------===//

/// A number of a lane: numbers of its warp, with their signs, and how often its row and its
/// column.
struct LaneNumber {
  SmallVector<std::pair<Value, int>> uniform;
  int64_t row = 0, column = 0;
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

/// Coordinates of which one differs within a warp, and is read as a strip.
struct GatheredStrip {
  Strip strip;
  SmallVector<LaneNumber> coordinates;
  SmallVector<int64_t> constants; ///< of coordinates that do not differ
  size_t along = 0;               ///< the one that does

  static std::optional<GatheredStrip> of(const KernelFrame &frame, ValueRange coordinates);

  /// The coordinates of lane 0.
  SmallVector<Value> numbers(ImplicitLocOpBuilder &at) const;
};

std::optional<GatheredStrip> GatheredStrip::of(const KernelFrame &frame, ValueRange coordinates) {
  GatheredStrip found;
  std::optional<size_t> along;
  for (auto [i, coordinate] : llvm::enumerate(coordinates)) {
    std::optional<RowAffine> affine = matchThreadAffine(coordinate);
    if (!affine)
      return std::nullopt;
    LaneNumber number;
    for (auto [term, sign] : affine->rows)
      addTerm(frame, term, sign, number);
    bool differs = number.row || number.column || !llvm::all_equal(affine->constants);
    if (differs && along)
      return std::nullopt;
    found.constants.push_back(differs ? 0 : affine->constants.front());
    if (differs) {
      along = i;
      found.strip = {
          .row = number.row, .column = number.column, .constants = std::move(affine->constants)};
    }
    found.coordinates.push_back(std::move(number));
  }
  if (!along || found.strip.lanes() > warpThreads - Strip::segmentStep)
    return std::nullopt;
  found.along = *along;
  return found;
}

SmallVector<Value> GatheredStrip::numbers(ImplicitLocOpBuilder &at) const {
  SmallVector<Value> sums;
  for (auto [coordinate, constant] : llvm::zip_equal(coordinates, constants)) {
    Value sum = constantI32(at, constant);
    for (auto [value, sign] : coordinate.uniform)
      sum = sign > 0 ? add(at, sum, value) : arith::SubIOp::create(at, sum, value).getResult();
    sums.push_back(sum);
  }
  return sums;
}

/// Behind the last of the numbers that a strip's place needs: what is read there arrives while
/// products are computed.
void setWhereKnown(ImplicitLocOpBuilder &at, Operation *gather, const GatheredStrip &strip) {
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

struct LowerGather : FramePattern<tile::GatherOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    SmallVector<Value> elements;
    std::optional<GatheredStrip> found = GatheredStrip::of(frame, adaptor.getCoordinates());
    if (found && op.getType().getDimSize(1) != 1) { // a column has few elements
      SmallVector<Value> segments;
      {
        OpBuilder::InsertionGuard guard(at);
        setWhereKnown(at, op, *found);
        SmallVector<Value> numbers = found->numbers(at);
        TableLine line = TableLine::of(at, frame, op.getTable(), numbers, found->along);
        Value place = segmentPlace(at, frame.lane, numbers[found->along], found->strip);
        segments = readSegments(at, line, place, found->strip.segments());
      }
      elements = distribute(at, frame, segments, found->strip);
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

// Read in shared memory, where the gatherer has put it.
struct LowerGatherStrip : FramePattern<sm::GatherStripOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::GatherStripOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Strip strip = stripOf(op);
    const RingPlace &ring = frame.rings.at(sm::ringOf(op.getSource()));
    Value number = add(at, warpNumber(at, op), laneNumber(at, frame, strip));
    Value address = add(at, frame.stripAt(at, ring, adaptor.getSource()),
                        mul(at, number, constantI32(at, stripWordBytes)));
    auto pointer = LLVM::LLVMPointerType::get(at.getContext(), 3);
    Value base = LLVM::IntToPtrOp::create(at, pointer, address);
    Type element = op.getTable().getType().getElement();
    SmallVector<Value> elements = forEachElement(strip, [&](int64_t constant) -> Value {
      Value from = LLVM::GEPOp::create(at, pointer, element, base,
                                       ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(constant)});
      return LLVM::LoadOp::create(at, element, from, stripWordBytes);
    });
    // One lane gives the buffer back, and each has read for itself.
    ptx::syncWarp(at);
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(getTypeConverter()->convertType(op.getType())), elements);
    return success();
  }

private:
  static Strip stripOf(sm::GatherStripOp op) {
    Strip strip{.row = op.getRowFactor(), .column = op.getColumnFactor(), .constants = {}};
    bool isRow = op.getType().getDimSize(0) == 1;
    for (int64_t i = 0; i < fragmentSize(op.getType()); ++i)
      strip.constants.push_back(isRow ? strip.column * columnOfColumnElement(i)
                                      : strip.row * 8 * rowOfElement(i) +
                                            strip.column * columnOfElement(i));
    return strip;
  }

  /// The number of a warp's first row and column, counted from the strip's first.
  Value warpNumber(ImplicitLocOpBuilder &at, sm::GatherStripOp op) const {
    RankedTensorType type = op.getType();
    Value number = constantI32(at, op.getColumnFactor() < 0 ? type.getDimSize(1) - 1 : 0);
    if (!op.getRowFactor())
      return number;
    Value row = mul(at, frame.warpRow(at), constantI32(at, op.getRowFactor()));
    Value corner = constantI32(at, op.getRowFactor() < 0 ? type.getDimSize(0) - 1 : 0);
    return add(at, number, add(at, row, corner));
  }
};

} // namespace

void populateTablePatterns(RewritePatternSet &patterns, const TypeConverter &types,
                           const KernelFrame &frame) {
  patterns.add<LowerFetch, LowerGather, LowerGatherStrip>(types, patterns.getContext(), frame);
}

} // namespace tessera
