//===- ElementPatterns.cpp - arithmetic on tiles, element by element ------===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <fmt/format.h>

using namespace mlir;

namespace tessera {

namespace {

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

// The same op on the elements of a thread. Also of index, which becomes i32.
struct Elementwise : ConversionPattern {
  Elementwise(const TypeConverter &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rewriter) const override {
    if (!isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
        isa<arith::ConstantOp, arith::IndexCastOp, arith::CeilDivSIOp, arith::CeilDivUIOp,
            arith::FloorDivSIOp>(op))
      return rewriter.notifyMatchFailure(op, "not elementwise arithmetic");
    for (Value value : llvm::concat<Value>(op->getOperands(), op->getResults()))
      if (auto tile = dyn_cast<RankedTensorType>(value.getType()); tile && isPacked(tile))
        return rewriter.notifyMatchFailure(op, "elements are packed");
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), types)))
      return rewriter.notifyMatchFailure(op, "a result has no fragment");
    OperationState state(op->getLoc(), op->getName(), operands, types, op->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

// Functions that LLVM has no instruction for: those of the machine, a number at a time. Their
// error is below 2^-10.9 for tanh and 2^-22 for log2 (PTX ISA, "Floating Point Instructions").
template <class Op>
struct LowerFunction : OpConversionPattern<Op> {
  LowerFunction(const TypeConverter &types, MLIRContext *context, StringRef text)
      : OpConversionPattern<Op>(types, context, /*benefit=*/2), text(text) {}
  LogicalResult matchAndRewrite(Op op, typename OpConversionPattern<Op>::OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    auto compute = [&](Value x) {
      return ptx::emit(at, text, "=f,f", x, at.getF32Type(), 1, /*effects=*/false).front();
    };
    auto type = dyn_cast<VectorType>(adaptor.getOperand().getType());
    if (!type) {
      rewriter.replaceOp(op, compute(adaptor.getOperand()));
      return success();
    }
    SmallVector<Value> elements;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      elements.push_back(compute(vector::ExtractOp::create(at, adaptor.getOperand(), i)));
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, type, elements);
    return success();
  }

  StringRef text;
};

// f32 -> 16 bits, and packed
struct LowerTruncation : OpConversionPattern<arith::TruncFOp> {
  LowerTruncation(const TypeConverter &types, MLIRContext *context)
      : OpConversionPattern(types, context, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(arith::TruncFOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto tile = dyn_cast<RankedTensorType>(op.getType());
    if (!tile || !isPacked(tile))
      return rewriter.notifyMatchFailure(op, "not a tile of 16-bit floats");
    // An instruction that LLVM does not know: a rounding it moves in front of selects, which take
    // four for each pair then, and behind a branch, where there are no exponentials to run beside.
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    StringRef type = tile.getElementType().isBF16() ? "bf16x2" : "f16x2";
    std::string text = fmt::format("cvt.rn.{}.f32 $0, $1, $2;", type.str());
    SmallVector<Value> pairs;
    for (int64_t i = 0; i < fragmentSize(tile); i += 2) {
      Value low = vector::ExtractOp::create(at, adaptor.getIn(), i);
      Value high = vector::ExtractOp::create(at, adaptor.getIn(), i + 1);
      pairs.push_back(ptx::emit(at, text, "=r,f,f", {high, low}, at.getI32Type(), 1).front());
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, fragmentType(tile), pairs);
    return success();
  }
};

// unpacked, and 16 bits -> f32
struct LowerExtension : OpConversionPattern<arith::ExtFOp> {
  LowerExtension(const TypeConverter &types, MLIRContext *context)
      : OpConversionPattern(types, context, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(arith::ExtFOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto tile = dyn_cast<RankedTensorType>(op.getIn().getType());
    if (!tile || !isPacked(tile))
      return rewriter.notifyMatchFailure(op, "not a tile of 16-bit floats");
    Value narrow =
        vector::BitCastOp::create(rewriter, op.getLoc(), unpackedType(tile), adaptor.getIn());
    rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, getTypeConverter()->convertType(op.getType()),
                                               narrow);
    return success();
  }
};

struct LowerConstant : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = getTypeConverter()->convertType(op.getType());
    TypedAttr value;
    if (auto splat = dyn_cast<SplatElementsAttr>(op.getValue()))
      value = DenseElementsAttr::get(cast<ShapedType>(type), splat.getSplatValue<Attribute>());
    else if (auto integer = dyn_cast<IntegerAttr>(op.getValue()); integer && type.isInteger(32))
      value = rewriter.getI32IntegerAttr(integer.getInt());
    if (!value)
      return rewriter.notifyMatchFailure(op, "neither an index nor the same for all elements");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, value);
    return success();
  }
};

// An index is an i32.
struct LowerIndexCast : OpConversionPattern<arith::IndexCastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::IndexCastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Type type = getTypeConverter()->convertType(op.getType());
    unsigned to = type.getIntOrFloatBitWidth();
    unsigned from = adaptor.getIn().getType().getIntOrFloatBitWidth();
    if (from == to)
      rewriter.replaceOp(op, adaptor.getIn());
    else if (from < to)
      rewriter.replaceOpWithNewOp<arith::ExtSIOp>(op, type, adaptor.getIn());
    else
      rewriter.replaceOpWithNewOp<arith::TruncIOp>(op, type, adaptor.getIn());
    return success();
  }
};

struct LowerSplat : OpConversionPattern<tensor::SplatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(tensor::SplatOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<vector::BroadcastOp>(
        op, getTypeConverter()->convertType(op.getType()), adaptor.getInput());
    return success();
  }
};

// x / broadcast(%row)  ->  x * broadcast(1 / %row): one division a row
struct LowerDivisionByRow : OpConversionPattern<arith::DivFOp> {
  LowerDivisionByRow(const TypeConverter &types, MLIRContext *context)
      : OpConversionPattern(types, context, /*benefit=*/2) {}
  LogicalResult matchAndRewrite(arith::DivFOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto broadcast = op.getRhs().getDefiningOp<tile::BroadcastOp>();
    if (!broadcast || broadcast.getSource().getType().getDimSize(1) != 1)
      return rewriter.notifyMatchFailure(op, "divisors differ within a row");
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    RankedTensorType rows = broadcast.getSource().getType();
    Value one = arith::ConstantOp::create(at, DenseElementsAttr::get(rows, at.getF32FloatAttr(1)));
    Value inverse = arith::DivFOp::create(at, one, broadcast.getSource());
    Value factor = tile::BroadcastOp::create(at, op.getType(), inverse);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, op.getLhs(), factor);
    return success();
  }
};

// mask(x, keep)  ->  keep ? x : -infinity
struct LowerMask : OpConversionPattern<tile::MaskOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(tile::MaskOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<VectorType>(adaptor.getSource().getType());
    APFloat infinity = APFloat::getInf(APFloat::IEEEsingle(), /*Negative=*/true);
    Value hidden =
        arith::ConstantOp::create(rewriter, op.getLoc(), DenseElementsAttr::get(type, infinity));
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, adaptor.getKeep(), adaptor.getSource(),
                                                 hidden);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Where each element of a repeated row or column comes from.
SmallVector<int64_t> sourcesOf(RankedTensorType from, RankedTensorType to) {
  SmallVector<int64_t> sources;
  for (int64_t i = 0; i < fragmentSize(to); ++i) {
    bool isColumn = from.getDimSize(1) == 1, isRow = from.getDimSize(0) == 1;
    if (isColumn && isRow)
      sources.push_back(0);
    else if (isColumn)
      sources.push_back(fragmentSize(to) == rowsOfThread ? i : rowOfElement(i));
    else
      sources.push_back(columnElement(i));
  }
  return sources;
}

struct LowerBroadcast : OpConversionPattern<tile::BroadcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(tile::BroadcastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Value source = adaptor.getSource();
    SmallVector<int64_t> sources = sourcesOf(op.getSource().getType(), op.getType());
    rewriter.replaceOpWithNewOp<vector::ShuffleOp>(
        op, getTypeConverter()->convertType(op.getType()), source, source, sources);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// The columns of a 1 x N tile in a thread, from `first` on.
Value columnsFrom(ImplicitLocOpBuilder &at, RankedTensorType tile, Value first) {
  SmallVector<int32_t> columns;
  for (int64_t i = 0; i < fragmentSize(tile); ++i)
    columns.push_back(columnOfColumnElement(i));
  auto type = VectorType::get(columns.size(), at.getI32Type());
  Value constant =
      arith::ConstantOp::create(at, DenseElementsAttr::get(type, ArrayRef<int32_t>(columns)));
  return arith::AddIOp::create(at, constant, vector::BroadcastOp::create(at, type, first));
}

struct LowerIota : FramePattern<tile::IotaOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::IotaOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, columnsFrom(at, op.getType(), frame.firstColumn(at)));
    return success();
  }
};

struct LowerPositions : FramePattern<tile::PositionsOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::PositionsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Value first = arith::MulIOp::create(at, adaptor.getTile(), constantI32(at, op.getTileSize()));
    if (!op.isColumn()) {
      first = arith::AddIOp::create(at, first, frame.firstColumn(at));
      rewriter.replaceOp(op, columnsFrom(at, op.getType(), first));
      return success();
    }
    first = arith::AddIOp::create(at, first, frame.firstRow(at));
    Value second = arith::AddIOp::create(at, first, constantI32(at, 8));
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, VectorType::get(rowsOfThread, at.getI32Type()), ValueRange{first, second});
    return success();
  }
};

} // namespace

void populateElementPatterns(RewritePatternSet &patterns, const TypeConverter &types,
                             const KernelFrame &frame) {
  patterns.add<Elementwise, LowerConstant, LowerIndexCast, LowerSplat, LowerDivisionByRow,
               LowerTruncation, LowerExtension, LowerMask, LowerBroadcast>(types,
                                                                           patterns.getContext());
  patterns.add<LowerFunction<math::Log2Op>>(types, patterns.getContext(),
                                            "lg2.approx.ftz.f32 $0, $1;");
  patterns.add<LowerFunction<math::TanhOp>>(types, patterns.getContext(),
                                            "tanh.approx.f32 $0, $1;");
  patterns.add<LowerIota, LowerPositions>(types, patterns.getContext(), frame);
}

} // namespace tessera
