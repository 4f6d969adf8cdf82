//===- ExactPatterns.cpp - finding leaks, and computing without them ------===//
//
// Products here read global memory, by loops that are small rather than fast:
// every kernel holds them, and next to none runs them.
//
//===----------------------------------------------------------------------===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/GlobalMemory.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Place.h"
#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tessera {

/// Elements that a thread holds of eight columns: two of each of its rows.
static constexpr int64_t blockElements = 4;
static constexpr int64_t pairBytes = 4;
/// Pairs of a row that are multiplied at once.
static constexpr int64_t stepPairs = 2;

namespace {

/// Neither LLVM nor the assembler makes several iterations of it.
void keepRolled(scf::ForOp loop) {
  MLIRContext *context = loop.getContext();
  auto unroll =
      LLVM::LoopUnrollAttr::get(context, BoolAttr::get(context, true), {}, {}, {}, {}, {}, {});
  loop->setAttr("loop_annotation",
                LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {},
                                              {}, {}, {}, {}, {}));
}

/// A run-time loop of i32. The body returns what is carried on.
ValueRange repeat(ImplicitLocOpBuilder &at, int64_t upper, int64_t step, ValueRange carried,
                  llvm::function_ref<SmallVector<Value>(Value number, ValueRange)> body) {
  auto loop = scf::ForOp::create(at, constantI32(at, 0), constantI32(at, upper),
                                 constantI32(at, step), carried);
  keepRolled(loop);
  OpBuilder::InsertionGuard guard(at);
  at.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(at, body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return loop.getResults();
}

/// Elements of a vector, repeated: `source` names the one for each element of a fragment.
Value spread(ImplicitLocOpBuilder &at, Value vector, int64_t count, int64_t (*source)(int64_t)) {
  SmallVector<int64_t> sources;
  for (int64_t i = 0; i < count; ++i)
    sources.push_back(source(i));
  return vector::ShuffleOp::create(at, vector, vector, sources);
}

SmallVector<Value> elementsOf(ImplicitLocOpBuilder &at, Value vector) {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < cast<VectorType>(vector.getType()).getNumElements(); ++i)
    elements.push_back(vector::ExtractOp::create(at, vector, i));
  return elements;
}

Value multiplyAdd(ImplicitLocOpBuilder &at, Value a, Value b, Value c) {
  return math::FmaOp::create(at, a, b, c);
}

Value extend(ImplicitLocOpBuilder &at, Type type, Value narrow) {
  return arith::ExtFOp::create(at, type, narrow, /*fastmath=*/arith::FastMathFlagsAttr());
}

/// A row of a place, from a column on.
struct Row {
  Value address, isInside;
};
Row rowOf(ImplicitLocOpBuilder &at, const Place &place, Type element, Value number, Value column) {
  // One number of both: the part that is the same for all tiles is not worth keeping.
  Value row = add(at, place.first, number);
  Value offset = add(at, mul(at, wide(at, row), place.rowStride), wide(at, column));
  Value address = LLVM::GEPOp::create(at, place.data.getType(), element, place.data,
                                      ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(offset)});
  Value isInside = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, row, place.rows);
  return {address, isInside};
}

/// The elements of words, in f32.
Value unpack(ImplicitLocOpBuilder &at, ArrayRef<Value> words, Type element) {
  int64_t pairs = words.size();
  Value packed = vector::FromElementsOp::create(at, VectorType::get(pairs, at.getI32Type()), words);
  Value narrow = vector::BitCastOp::create(at, VectorType::get(2 * pairs, element), packed);
  return extend(at, VectorType::get(2 * pairs, at.getF32Type()), narrow);
}

struct LowerExactDot : FramePattern<sm::ExactDotOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::ExactDotOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type element = op.getRhs().getType().getElement();
    if (!element.isBF16() && !element.isF16())
      return op.emitOpError("multiplies elements of ") << element << ", expected bf16 or f16";
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, op.getTransposed() ? multiplyRows(at, op, adaptor)
                                              : multiplyTile(at, op, adaptor));
    return success();
  }

  // for each two columns of the operands: two rows of the left one times two of the right one
  Value multiplyRows(ImplicitLocOpBuilder &at, sm::ExactDotOp op, OpAdaptor adaptor) const {
    sm::PlaceType type = op.getRhs().getType();
    Place lhs = Place::unpack(at, adaptor.getLhs()), rhs = Place::unpack(at, adaptor.getRhs());
    Value zero = constantI32(at, 0), first = frame.firstRow(at), column = frame.firstColumn(at);
    auto rowAt = [&](const Place &place, Value number, int64_t offset) {
      return rowOf(at, place, type.getElement(), add(at, number, constantI32(at, offset)), zero);
    };
    Row lefts[] = {rowAt(lhs, first, 0), rowAt(lhs, first, 8)};
    Row rights[] = {rowAt(rhs, column, 0), rowAt(rhs, column, 1)};
    auto multiplyColumns = [&](Value place, ValueRange acc) -> SmallVector<Value> {
      auto load = [&](Row row) {
        row.address = LLVM::GEPOp::create(at, row.address.getType(), type.getElement(), row.address,
                                          ArrayRef<LLVM::GEPArg>{place});
        return unpack(at, ptx::loadNeighboursIf(at, row.address, row.isInside), type.getElement());
      };
      Value left[] = {load(lefts[0]), load(lefts[1])}, right[] = {load(rights[0]), load(rights[1])};
      SmallVector<Value> sums(acc);
      for (int64_t k = 0; k < 2 * stepPairs; ++k)
        for (auto [i, sum] : llvm::enumerate(sums))
          sum = multiplyAdd(at, vector::ExtractOp::create(at, left[rowOfElement(i)], k),
                            vector::ExtractOp::create(at, right[columnElement(i)], k), sum);
      return sums;
    };
    SmallVector<Value> sums = elementsOf(at, adaptor.getAcc());
    ValueRange product = repeat(at, type.getColumns(), 2 * stepPairs, sums, multiplyColumns);
    return vector::FromElementsOp::create(at, cast<VectorType>(adaptor.getAcc().getType()),
                                          product);
  }

  // for each column of the left operand: the column, from the lane that has it, times a row of
  // the right one
  Value multiplyTile(ImplicitLocOpBuilder &at, sm::ExactDotOp op, OpAdaptor adaptor) const {
    Type element = op.getRhs().getType().getElement();
    int64_t size = fragmentSize(op.getType());
    Place rhs = Place::unpack(at, adaptor.getRhs());
    auto i32 = [&](int64_t value) { return constantI32(at, value); };
    auto rows = VectorType::get(rowsOfThread, at.getF32Type());
    Value place = arith::RemUIOp::create(at, frame.lane, i32(lanesOfRow));
    Value firstLane = arith::SubIOp::create(at, frame.lane, place);
    auto multiplyColumn = [&](Value column, ValueRange acc) -> SmallVector<Value> {
      Value lane = add(at, firstLane, arith::DivUIOp::create(at, column, i32(2)));
      Value shift = mul(at, arith::RemUIOp::create(at, column, i32(2)), i32(16));
      SmallVector<Value> numbers;
      for (int64_t row = 0; row < rowsOfThread; ++row) {
        Value pair = NVVM::ShflOp::create(
            at, at.getI32Type(), i32(-1), vector::ExtractOp::create(at, adaptor.getLhs(), row),
            lane, i32(warpThreads - 1), NVVM::ShflKind::idx, UnitAttr());
        Value shifted = arith::ShRUIOp::create(at, pair, shift);
        Value half = arith::TruncIOp::create(at, at.getI16Type(), shifted);
        Value number = arith::BitcastOp::create(at, element, half);
        numbers.push_back(extend(at, at.getF32Type(), number));
      }
      Value left = vector::FromElementsOp::create(at, rows, numbers);
      Row row = rowOf(at, rhs, element, column, frame.firstColumn(at));
      Value right = unpack(at,
                           ptx::loadWordsIf(at, row.address, row.isInside, size / blockElements,
                                            lanesOfRow * pairBytes),
                           element);
      Value sum = multiplyAdd(at, spread(at, left, size, rowOfElement),
                              spread(at, right, size, columnElement), acc[0]);
      if (Value skip = adaptor.getSkipZeros()) {
        Value zero = arith::ConstantOp::create(at, at.getZeroAttr(rows));
        Value isZero = arith::CmpFOp::create(at, arith::CmpFPredicate::OEQ, left, zero);
        Value ofRows = vector::BroadcastOp::create(at, isZero.getType(), skip);
        Value skips = arith::AndIOp::create(at, isZero, ofRows);
        sum = arith::SelectOp::create(at, spread(at, skips, size, rowOfElement), acc[0], sum);
      }
      return {sum};
    };
    return repeat(at, sm::exactKeys, 1, adaptor.getAcc(), multiplyColumn)[0];
  }
};

// Each thread writes its pairs of both rows.
struct LowerPut : FramePattern<sm::PutOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::PutOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    RankedTensorType tile = op.getValue().getType();
    Type element = tile.getElementType();
    if (!isPacked(tile) && !element.isF32())
      return op.emitOpError("writes elements of ") << element << ", expected bf16, f16 or f32";
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Place place = Place::unpack(at, adaptor.getPlace());
    int64_t bytes = element.getIntOrFloatBitWidth() / 8, wordElements = pairBytes / bytes;
    for (int64_t row = 0; row < rowsOfThread; ++row) {
      Value number = add(at, frame.firstRow(at), constantI32(at, 8 * row));
      // Words that are equally far apart: the n-th of each pair.
      for (int64_t n = 0; n < 2; n += wordElements) {
        Value column = add(at, frame.firstColumn(at), constantI32(at, n));
        auto [address, isInside] = rowOf(at, place, element, number, column);
        SmallVector<Value> words;
        for (int64_t i = 2 * row + n; i < fragmentSize(tile); i += blockElements)
          words.push_back(
              wordOf(at, vector::ExtractOp::create(at, adaptor.getValue(), i / wordElements)));
        ptx::storeWordsIf(at, address, isInside, words, 2 * lanesOfRow * bytes);
      }
    }
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// When to do so
//===----------------------------------------------------------------------===//

// Zero times an infinity or a NaN is a NaN, of which sums keep track: one operation for each
// register.
struct LowerNonfiniteRows : OpConversionPattern<sm::NonfiniteRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::NonfiniteRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (failed(matchColumnPerLane(rewriter, op)))
      return failure();
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    auto fragment = cast<VectorType>(adaptor.getSource().getType());
    Type type = fragment.getElementType();
    if (!type.isF32() && !isPacked(op.getSource().getType()))
      return op.emitOpError("looks at elements of ") << type << ", expected bf16, f16 or f32";
    int64_t elements = type.isF32() ? 1 : 2; // of a register
    Value zero = arith::ConstantOp::create(at, at.getZeroAttr(type));
    Value sums[] = {zero, zero};
    for (int64_t i = 0; i < fragment.getNumElements(); ++i) {
      Value &sum = sums[rowOfElement(i * elements)];
      Value x = vector::ExtractOp::create(at, adaptor.getSource(), i);
      sum = type.isF32() ? multiplyAdd(at, x, zero, sum)
                         : ptx::multiplyAddPairs(at, op.getSource().getType().getElementType(), x,
                                                 zero, sum);
    }
    SmallVector<Value> rows;
    for (Value sum : sums)
      rows.push_back(type.isF32() ? isNan(at, sum) : isNanPair(at, sum));
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, VectorType::get(rowsOfThread, at.getI1Type()), rows);
    return success();
  }

  static Value isNan(ImplicitLocOpBuilder &at, Value x) {
    return arith::CmpFOp::create(at, arith::CmpFPredicate::UNO, x, x);
  }

  /// Two halves that are NaN or a zero of any sign.
  static Value isNanPair(ImplicitLocOpBuilder &at, Value pair) {
    Value magnitudes = arith::AndIOp::create(at, pair, constantI32(at, 0x7FFF7FFF));
    return arith::CmpIOp::create(at, arith::CmpIPredicate::ne, magnitudes, constantI32(at, 0));
  }
};

struct LowerGroupAny : FramePattern<sm::GroupAnyOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::GroupAnyOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Value any = arith::OrIOp::create(at, vector::ExtractOp::create(at, adaptor.getMask(), 0),
                                     vector::ExtractOp::create(at, adaptor.getMask(), 1));
    // The vote is also where threads meet before the next result is laid out to be copied.
    if (frame.staging)
      frame.onFirstOfGroup(at, [&] { ptx::waitForStores(at, /*onlyReads=*/true); });
    Value found = ptx::anyThread(at, frame.groupBarrier(at), groupThreads, any);
    // All lanes have the same answer, which the assembler does not know of itself.
    Value number = arith::ExtUIOp::create(at, at.getI32Type(), found);
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, arith::CmpIPredicate::ne,
                                               fromFirstLane(at, number), constantI32(at, 0));
    return success();
  }
};

struct LowerRenew : OpConversionPattern<sm::RenewOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::RenewOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    SmallVector<Value> results;
    for (Value value : adaptor.getValues())
      results.push_back(ptx::copy(at, value));
    rewriter.replaceOp(op, results);
    return success();
  }
};

// What was stored or copied before is in memory when the region begins.
struct LowerRarely : FramePattern<sm::RarelyOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::RarelyOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    auto branch = scf::IfOp::create(at, adaptor.getCondition());
    at.setInsertionPointToStart(branch.thenBlock());
    if (frame.staging)
      frame.onFirstOfGroup(at, [&] {
        ptx::waitForStores(at, /*onlyReads=*/false);
        ptx::fenceCopies(at);
      });
    ptx::syncThreads(at, frame.groupBarrier(at), groupThreads);
    rewriter.inlineBlockBefore(&op.getBody().front(), branch.thenBlock()->getTerminator());
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateExactPatterns(RewritePatternSet &patterns, const TypeConverter &types,
                           const KernelFrame &frame) {
  patterns.add<LowerNonfiniteRows, LowerRenew>(types, patterns.getContext());
  patterns.add<LowerExactDot, LowerPut, LowerGroupAny, LowerRarely>(types, patterns.getContext(),
                                                                    frame);
}

} // namespace tessera
