//===- ReductionPatterns.cpp - what the threads of a row make together ----===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tessera {

namespace {

Value combine(ImplicitLocOpBuilder &at, tile::ReduceKind kind, Value a, Value b) {
  if (kind == tile::ReduceKind::Max)
    return arith::MaxNumFOp::create(at, a, b);
  return arith::AddFOp::create(at, a, b);
}

/// Of the elements a thread holds, one number for each of its rows. Two chains
/// a row, so that one need not wait for the other.
SmallVector<Value> reduceInThread(ImplicitLocOpBuilder &at, Value source,
                                  llvm::function_ref<Value(Value, Value)> combine) {
  int64_t count = cast<VectorType>(source.getType()).getNumElements();
  SmallVector<Value> rows;
  for (int64_t row = 0; row < rowsOfThread; ++row) {
    Value chains[2];
    int64_t number = 0;
    for (int64_t i = 0; i < count; ++i) {
      int64_t own = count == rowsOfThread ? i : rowOfElement(i);
      if (own != row)
        continue;
      Value element = vector::ExtractOp::create(at, source, i);
      Value &chain = chains[number++ % 2];
      chain = chain ? combine(chain, element) : element;
    }
    rows.push_back(chains[1] ? combine(chains[0], chains[1]) : chains[0]);
  }
  return rows;
}

SmallVector<Value> reduceInThread(ImplicitLocOpBuilder &at, tile::ReduceKind kind, Value source) {
  return reduceInThread(at, source, [&](Value a, Value b) { return combine(at, kind, a, b); });
}

/// Over the four lanes that share a row.
Value reduceOverLanes(ImplicitLocOpBuilder &at, tile::ReduceKind kind, Value value) {
  for (int64_t distance : {2, 1}) {
    Value other = NVVM::ShflOp::create(at, value.getType(), constantI32(at, -1), value,
                                       constantI32(at, distance), constantI32(at, 31),
                                       NVVM::ShflKind::bfly, UnitAttr());
    value = combine(at, kind, value, other);
  }
  return value;
}

Value fromRows(ImplicitLocOpBuilder &at, ValueRange rows) {
  return vector::FromElementsOp::create(at, VectorType::get(rowsOfThread, rows.front().getType()),
                                        rows);
}

struct LowerReduce : OpConversionPattern<tile::ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(tile::ReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getSource().getType().getDimSize(1) == 1) {
      rewriter.replaceOp(op, adaptor.getSource()); // the lanes of a row hold the same
      return success();
    }
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    SmallVector<Value> rows = reduceInThread(at, op.getKind(), adaptor.getSource());
    for (Value &row : rows)
      row = reduceOverLanes(at, op.getKind(), row);
    rewriter.replaceOp(op, fromRows(at, rows));
    return success();
  }
};

struct LowerPartialReduce : OpConversionPattern<tile::PartialReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(tile::PartialReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (failed(matchColumnPerLane(rewriter, op)))
      return failure();
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, fromRows(at, reduceInThread(at, op.getKind(), adaptor.getSource())));
    return success();
  }
};

// Bits of positive numbers are ordered like integers.
struct LowerPositiveMax : OpConversionPattern<sm::PositiveMaxOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::PositiveMaxOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (failed(matchColumnPerLane(rewriter, op)))
      return failure();
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    SmallVector<Value> rows =
        reduceInThread(at, adaptor.getSource(), [&](Value a, Value b) -> Value {
          return arith::MaxSIOp::create(at, wordOf(at, a), wordOf(at, b));
        });
    for (Value &row : rows)
      row = arith::BitcastOp::create(at, at.getF32Type(), row);
    rewriter.replaceOp(op, fromRows(at, rows));
    return success();
  }
};

// The first lane of a row takes all of it.
struct LowerSpread : FramePattern<tile::SpreadOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::SpreadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (failed(matchColumnPerLane(rewriter, op)))
      return failure();
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Value isFirst = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, frame.firstColumn(at),
                                          constantI32(at, 0));
    auto type = cast<VectorType>(adaptor.getSource().getType());
    Value zero = arith::ConstantOp::create(at, at.getZeroAttr(type));
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, isFirst, adaptor.getSource(), zero);
    return success();
  }
};

struct LowerWarpAny : OpConversionPattern<sm::WarpAnyOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::WarpAnyOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Value any;
    for (int64_t i = 0; i < cast<VectorType>(adaptor.getMask().getType()).getNumElements(); ++i) {
      Value element = vector::ExtractOp::create(at, adaptor.getMask(), i);
      any = any ? arith::OrIOp::create(at, any, element).getResult() : element;
    }
    rewriter.replaceOpWithNewOp<NVVM::VoteSyncOp>(op, at.getI1Type(), constantI32(at, -1), any,
                                                  NVVM::VoteSyncKind::any);
    return success();
  }
};

} // namespace

LogicalResult matchColumnPerLane(ConversionPatternRewriter &rewriter, Operation *op) {
  if (cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(1) == lanesOfRow)
    return success();
  return rewriter.notifyMatchFailure(op, "not as many columns as lanes share a row");
}

void populateReductionPatterns(RewritePatternSet &patterns, const TypeConverter &types,
                               const KernelFrame &frame) {
  patterns.add<LowerReduce, LowerPartialReduce, LowerPositiveMax, LowerWarpAny>(
      types, patterns.getContext());
  patterns.add<LowerSpread>(types, patterns.getContext(), frame);
}

} // namespace tessera
