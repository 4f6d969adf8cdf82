//===- ExpandMath.cpp - exp2, log2 and tanh as vector arithmetic ----------===//
//
// Polynomials from the Cephes library (Moshier): exp2f and tanhf.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_EXPANDMATHPASS
#include "passes/Passes.h.inc"

namespace {

/// Arithmetic on vectors (or scalars) of one shape.
class Expand {
public:
  Expand(PatternRewriter &rewriter, Operation *op)
      : rewriter(rewriter), loc(op->getLoc()), floats(op->getResult(0).getType()),
        integers(withElement(rewriter.getI32Type())) {}

  Value number(float value) { return splat(floats, rewriter.getF32FloatAttr(value)); }
  Value bits(int32_t value) { return splat(integers, rewriter.getI32IntegerAttr(value)); }
  Value add(Value a, Value b) { return arith::AddFOp::create(rewriter, loc, a, b); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(rewriter, loc, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(rewriter, loc, a, b); }
  Value div(Value a, Value b) { return arith::DivFOp::create(rewriter, loc, a, b); }
  Value fma(Value a, Value b, Value c) { return math::FmaOp::create(rewriter, loc, a, b, c); }
  Value less(Value a, Value b) {
    return arith::CmpFOp::create(rewriter, loc, arith::CmpFPredicate::OLT, a, b);
  }
  Value choose(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(rewriter, loc, condition, yes, no);
  }
  Value toBits(Value a) { return arith::BitcastOp::create(rewriter, loc, integers, a); }
  Value toFloat(Value a) { return arith::BitcastOp::create(rewriter, loc, floats, a); }
  Value shiftLeft(Value a, Value b) { return arith::ShLIOp::create(rewriter, loc, a, b); }
  Value addBits(Value a, Value b) { return arith::AddIOp::create(rewriter, loc, a, b); }
  Value andBits(Value a, Value b) { return arith::AndIOp::create(rewriter, loc, a, b); }
  Value orBits(Value a, Value b) { return arith::OrIOp::create(rewriter, loc, a, b); }

  /// Horner's rule, highest power first.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = number(coefficients.front());
    for (float coefficient : coefficients.drop_front())
      sum = fma(sum, x, number(coefficient));
    return sum;
  }

  /// 2^x. NaN goes through every step: comparisons with it are false.
  Value exp2(Value x) {
    // Beyond these the result is zero or infinite anyway.
    x = choose(less(x, number(-127.0f)), number(-127.0f), x);
    x = choose(less(number(128.0f), x), number(128.0f), x);
    // Adding 1.5 * 2^23 leaves round(x) in the low bits of the sum.
    constexpr float roundingBias = 12582912.0f;
    Value biased = add(x, number(roundingBias));
    Value fraction = sub(x, sub(biased, number(roundingBias)));
    // 2^f on [-1/2, 1/2].
    Value power = polynomial(fraction, {1.535336188319500e-4f, 1.339887440266574e-3f,
                                        9.618437357674640e-3f, 5.550332471162809e-2f,
                                        2.402264791363012e-1f, 6.931472028550421e-1f, 1.0f});
    // 2^round(x), from its exponent bits: 0 for -127, infinity for 128.
    constexpr int32_t mantissaBits = 23, exponentBias = 127;
    Value scale = toFloat(
        addBits(shiftLeft(toBits(biased), bits(mantissaBits)), bits(exponentBias << mantissaBits)));
    return mul(power, scale);
  }

private:
  Type withElement(Type element) {
    if (auto vector = dyn_cast<VectorType>(floats))
      return vector.clone(element);
    return element;
  }
  Value splat(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(rewriter, loc, value);
  }

  PatternRewriter &rewriter;
  Location loc;
  Type floats, integers;
};

// math.exp2 x  ->  polynomial(x - round(x)) * 2^round(x)
struct ExpandExp2 : OpRewritePattern<math::Exp2Op> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::Exp2Op op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    rewriter.replaceOp(op, Expand(rewriter, op).exp2(op.getOperand()));
    return success();
  }
};

// math.tanh x  ->  |x| < 0.625: x + x^3 P(x^2);  else sign(x) (1 - 2 / (e^2|x| + 1))
struct ExpandTanh : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::TanhOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not f32");
    Expand e(rewriter, op);
    Value x = op.getOperand();
    Value signBit = e.andBits(e.toBits(x), e.bits(INT32_MIN));
    Value magnitude = e.toFloat(e.andBits(e.toBits(x), e.bits(INT32_MAX)));

    constexpr float twoLog2e = 2.88539008177792681472f;
    Value power = e.exp2(e.mul(magnitude, e.number(twoLog2e)));
    Value large = e.sub(e.number(1.0f), e.div(e.number(2.0f), e.add(power, e.number(1.0f))));
    Value signedLarge = e.toFloat(e.orBits(e.toBits(large), signBit));

    Value square = e.mul(x, x);
    Value series = e.polynomial(square, {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f,
                                         1.33314422036e-1f, -3.33332819422e-1f});
    Value small = e.fma(e.mul(series, square), x, x);
    rewriter.replaceOp(op, e.choose(e.less(magnitude, e.number(0.625f)), small, signedLarge));
    return success();
  }
};

struct ExpandMathPass : impl::ExpandMathPassBase<ExpandMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExp2, ExpandTanh>(&getContext());
    populateMathPolynomialApproximationPatterns(
        patterns, [](StringRef name) { return name == math::Log2Op::getOperationName(); });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tessera
