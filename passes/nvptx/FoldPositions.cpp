//===- FoldPositions.cpp - positions as a constant and a part of a row ----===//
//
// A thread knows where its elements stand up to constants: the position of an
// element is a number of its row plus a constant of its column. Written so, a
// comparison of positions needs one instruction an element, and a distance
// becomes a float with one addition.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/RowAffine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_FOLDPOSITIONSPASS
#include "passes/Passes.h.inc"

namespace {

VectorType rowsType(Type element) { return VectorType::get(rowsOfThread, element); }

bool isFragment(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  return type && type.getElementType().isInteger(32) && type.getNumElements() > rowsOfThread;
}

/// A number of each row, or of all, for `count` elements.
Value repeatRows(ImplicitLocOpBuilder &at, Value rows, int64_t count) {
  auto type = dyn_cast<VectorType>(rows.getType());
  if (!type)
    return vector::BroadcastOp::create(at, VectorType::get(count, rows.getType()), rows);
  SmallVector<int64_t> mask;
  for (int64_t i = 0; i < count; ++i)
    mask.push_back(rowOfElement(i));
  return vector::ShuffleOp::create(at, rows, rows, mask);
}

Value constantVector(ImplicitLocOpBuilder &at, ArrayRef<int64_t> values) {
  SmallVector<int32_t> narrow(values.begin(), values.end());
  auto type = VectorType::get(values.size(), at.getI32Type());
  return arith::ConstantOp::create(at, DenseElementsAttr::get(type, ArrayRef<int32_t>(narrow)));
}

/// `rows ? constants`, with the rows repeated: what comparisons become.
struct RowComparison {
  Value rows, constants;
};
std::optional<RowComparison> matchRowComparison(arith::CmpIOp compare) {
  if (!matchPattern(compare.getRhs(), m_Constant()))
    return std::nullopt;
  if (auto shuffle = compare.getLhs().getDefiningOp<vector::ShuffleOp>();
      shuffle && repeatsRows(shuffle))
    return RowComparison{shuffle.getV1(), compare.getRhs()};
  if (auto broadcast = compare.getLhs().getDefiningOp<vector::BroadcastOp>();
      broadcast && broadcast.getSource().getType().isInteger(32))
    return RowComparison{broadcast.getSource(), compare.getRhs()};
  return std::nullopt;
}

// compare(r1 + c1, r2 + c2)  ->  compare(r1 - r2, c2 - c1)
struct SplitComparison : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::CmpIOp op, PatternRewriter &rewriter) const override {
    if (!isFragment(op.getLhs()) || matchRowComparison(op))
      return rewriter.notifyMatchFailure(op, "nothing to split");
    switch (op.getPredicate()) {
    case arith::CmpIPredicate::ult:
    case arith::CmpIPredicate::ule:
    case arith::CmpIPredicate::ugt:
    case arith::CmpIPredicate::uge:
      return rewriter.notifyMatchFailure(op, "a difference may be negative");
    default:
      break;
    }
    std::optional<RowAffine> left = matchRowAffine(op.getLhs());
    std::optional<RowAffine> right = left ? matchRowAffine(op.getRhs()) : std::nullopt;
    if (!right || (left->rows.empty() && right->rows.empty()))
      return rewriter.notifyMatchFailure(op, "operands are no positions");
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    left->add(*right, -1);
    for (int64_t &constant : left->constants)
      constant = -constant;
    Value rows = repeatRows(at, buildRows(at, *left), left->constants.size());
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, op.getPredicate(), rows,
                                               constantVector(at, left->constants));
    return success();
  }
};

// repeat(compare(a, b))  ->  compare(repeat(a), repeat(b))
struct CompareRepeated : OpRewritePattern<vector::ShuffleOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::ShuffleOp op, PatternRewriter &rewriter) const override {
    auto compare = op.getV1().getDefiningOp<arith::CmpIOp>();
    if (!compare || op.getV1() != op.getV2() || !isFragment(compare.getLhs()))
      return rewriter.notifyMatchFailure(op, "repeats no comparison of columns");
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    auto repeat = [&](Value value) -> Value {
      return vector::ShuffleOp::create(at, value, value, op.getMask());
    };
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, compare.getPredicate(), repeat(compare.getLhs()),
                                               repeat(compare.getRhs()));
    return success();
  }
};

// r1 >= c and r2 >= c  ->  min(r1, r2) >= c, and so for <=, with > and < as their neighbours
struct JoinBounds : OpRewritePattern<arith::AndIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::AndIOp op, PatternRewriter &rewriter) const override {
    auto left = op.getLhs().getDefiningOp<arith::CmpIOp>();
    auto right = op.getRhs().getDefiningOp<arith::CmpIOp>();
    if (!left || !right)
      return rewriter.notifyMatchFailure(op, "not two comparisons");
    std::optional<RowComparison> a = matchRowComparison(left), b = matchRowComparison(right);
    if (!a || !b || a->constants != b->constants)
      return rewriter.notifyMatchFailure(op, "not of the same columns");
    using P = arith::CmpIPredicate;
    auto isAbove = [](P p) { return p == P::sge || p == P::sgt; };
    auto isBelow = [](P p) { return p == P::sle || p == P::slt; };
    bool above = isAbove(left.getPredicate()) && isAbove(right.getPredicate());
    if (!above && !(isBelow(left.getPredicate()) && isBelow(right.getPredicate())))
      return rewriter.notifyMatchFailure(op, "not bounds on one side");
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    auto inclusive = [&](arith::CmpIOp compare, Value rows) -> Value {
      P p = compare.getPredicate();
      if (p == P::sle || p == P::sge)
        return rows;
      TypedAttr step = at.getI32IntegerAttr(p == P::sgt ? -1 : 1);
      if (auto type = dyn_cast<VectorType>(rows.getType()))
        step = DenseElementsAttr::get(type, cast<Attribute>(step));
      return arith::AddIOp::create(at, rows, arith::ConstantOp::create(at, step));
    };
    Value x = inclusive(left, a->rows), y = inclusive(right, b->rows);
    for (Value *bound : {&x, &y})
      if (x.getType() != y.getType() && bound->getType().isInteger(32))
        *bound = vector::BroadcastOp::create(at, rowsType(at.getI32Type()), *bound);
    Value bound = above ? arith::MinSIOp::create(at, x, y).getResult()
                        : arith::MaxSIOp::create(at, x, y).getResult();
    int64_t count = cast<VectorType>(op.getType()).getNumElements();
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, above ? P::sge : P::sle,
                                               repeatRows(at, bound, count), a->constants);
    return success();
  }
};

// float(r + c)  ->  float(r) + float(c): exact below 2^24, rounded as a distance above. Where rows
// differ by constants too, distances of two rows are the same numbers, a few columns apart.
struct SplitConversion : OpRewritePattern<arith::SIToFPOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SIToFPOp op, PatternRewriter &rewriter) const override {
    if (!isFragment(op.getIn()))
      return rewriter.notifyMatchFailure(op, "no fragment");
    auto shuffle = op.getIn().getDefiningOp<vector::ShuffleOp>();
    std::optional<RowAffine> affine = matchThreadAffine(op.getIn());
    if (!affine)
      affine = matchRowAffine(op.getIn());
    if (!affine || affine->rows.empty() || (shuffle && repeatsRows(shuffle)) ||
        op.getIn().getDefiningOp<vector::BroadcastOp>())
      return rewriter.notifyMatchFailure(op, "no position");
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Value integers = buildRows(at, *affine);
    Type rowType = at.getF32Type();
    if (isa<VectorType>(integers.getType()))
      rowType = rowsType(rowType);
    Value rows = arith::SIToFPOp::create(at, rowType, integers);
    SmallVector<float> constants(affine->constants.begin(), affine->constants.end());
    auto type = cast<VectorType>(op.getType());
    Value columns =
        arith::ConstantOp::create(at, DenseElementsAttr::get(type, ArrayRef<float>(constants)));
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, repeatRows(at, rows, type.getNumElements()),
                                               columns);
    return success();
  }
};

// float(|x|)  ->  |float(x)|
struct ConvertBeforeAbs : OpRewritePattern<arith::SIToFPOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SIToFPOp op, PatternRewriter &rewriter) const override {
    auto abs = op.getIn().getDefiningOp<math::AbsIOp>();
    if (!abs)
      return rewriter.notifyMatchFailure(op, "no absolute value");
    Value converted =
        arith::SIToFPOp::create(rewriter, op.getLoc(), op.getType(), abs.getOperand());
    rewriter.replaceOpWithNewOp<math::AbsFOp>(op, converted);
    return success();
  }
};

struct FoldPositionsPass : impl::FoldPositionsPassBase<FoldPositionsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SplitComparison, CompareRepeated, JoinBounds, SplitConversion, ConvertBeforeAbs>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tessera
