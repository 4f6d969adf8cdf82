//===- ExpandFp8.cpp - fp8 as bytes and arithmetic ------------------------===//
//
//   f8E4M3FN   s eeee mmm   bias  7, no infinity, NaN is s 1111 111
//   f8E5M2     s eeeee mm   bias 15, the upper half of an f16
//   f16        s eeeee mmmmmmmmmm   bias 15
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/DialectConversion.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_EXPANDFP8PASS
#include "passes/Passes.h.inc"

namespace {

bool isFp8(Type type) { return isa<Float8E4M3FNType, Float8E5M2Type>(getElementTypeOrSelf(type)); }

/// A vector or a scalar, with another element.
Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

/// Types of memory and registers: fp8 is i8, all others are themselves.
struct Bytes : TypeConverter {
  Bytes() {
    addConversion([](Type type) -> Type {
      return isFp8(type) ? withElement(type, IntegerType::get(type.getContext(), 8)) : type;
    });
  }
};

/// Arithmetic on vectors or scalars of one shape.
class Arithmetic {
public:
  Arithmetic(OpBuilder &builder, Operation *op)
      : builder(builder), loc(op->getLoc()), shape(op->getResult(0).getType()) {}

  Type f32() { return withElement(shape, builder.getF32Type()); }
  Type f16() { return withElement(shape, builder.getF16Type()); }
  Type i32() { return withElement(shape, builder.getI32Type()); }
  Type i16() { return withElement(shape, builder.getI16Type()); }
  Type i8() { return withElement(shape, builder.getI8Type()); }

  Value number(Type type, double value) {
    return splat(type, builder.getFloatAttr(getElementTypeOrSelf(type), value));
  }
  /// The lower bits of `value`.
  Value bits(Type type, uint32_t value) {
    unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
    return splat(type,
                 builder.getIntegerAttr(getElementTypeOrSelf(type), APInt(32, value).trunc(width)));
  }
  Value bitcast(Type type, Value a) { return arith::BitcastOp::create(builder, loc, type, a); }
  Value signExtend(Type type, Value a) { return arith::ExtSIOp::create(builder, loc, type, a); }
  Value zeroExtend(Type type, Value a) { return arith::ExtUIOp::create(builder, loc, type, a); }
  Value truncate(Type type, Value a) { return arith::TruncIOp::create(builder, loc, type, a); }
  Value extend(Type type, Value a) { return arith::ExtFOp::create(builder, loc, type, a); }
  Value shiftLeft(Value a, uint32_t by) {
    return arith::ShLIOp::create(builder, loc, a, bits(a.getType(), by));
  }
  Value shiftRight(Value a, uint32_t by) {
    return arith::ShRUIOp::create(builder, loc, a, bits(a.getType(), by));
  }
  Value andBits(Value a, uint32_t b) {
    return arith::AndIOp::create(builder, loc, a, bits(a.getType(), b));
  }
  Value orBits(Value a, Value b) { return arith::OrIOp::create(builder, loc, a, b); }
  Value addBits(Value a, Value b) { return arith::AddIOp::create(builder, loc, a, b); }
  Value least(Value a, uint32_t b) {
    return arith::MinSIOp::create(builder, loc, a, bits(a.getType(), b));
  }
  Value most(Value a, uint32_t b) {
    return arith::MaxSIOp::create(builder, loc, a, bits(a.getType(), b));
  }
  Value add(Value a, Value b) { return arith::AddFOp::create(builder, loc, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(builder, loc, a, b); }
  Value equal(Value a, uint32_t b) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, bits(a.getType(), b));
  }
  Value greater(Value a, uint32_t b) {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, a, bits(a.getType(), b));
  }

private:
  Value splat(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(builder, loc, value);
  }

  OpBuilder &builder;
  Location loc;
  Type shape;
};

// e5m2 is an f16 without its last eight bits.
Value fromE5M2(Arithmetic &a, Value byte) {
  Value half = a.shiftLeft(a.zeroExtend(a.i16(), byte), 8);
  return a.extend(a.f32(), a.bitcast(a.f16(), half));
}

// The bits of e4m3fn in the places of an f16's are the number times 2^-8, also
// if it is subnormal. The product undoes that and is exact. This way no f32 is
// ever subnormal: products with those are slow on many CPUs.
Value fromE4M3FN(Arithmetic &a, Value byte) {
  Value lane = a.signExtend(a.i16(), byte);
  // Bit 14 is a copy of the sign.
  Value half = a.andBits(a.shiftLeft(lane, 7), 0xbfff);
  // All bits set is NaN for f16 too.
  Value isNaN = a.equal(a.shiftLeft(lane, 9), 0xfe00);
  half = a.orBits(half, a.signExtend(a.i16(), isNaN));
  Value scaled = a.extend(a.f32(), a.bitcast(a.f16(), half));
  return a.mul(scaled, a.number(a.f32(), 256.0));
}

/// What rounding needs to know of a format.
struct Format {
  uint32_t mantissaBits;
  uint32_t bias;
  uint32_t limit;   ///< the bits, as f32, from which on all get one code
  bool hasInfinity; ///< the code of the limit, otherwise NaN
};
constexpr Format e4m3fn{3, 7, 0x43f00000, false}; // 480, whose code is NaN
constexpr Format e5m2{2, 15, 0x47800000, true};   // 65536, whose code is infinity

// The addition rounds: a number of the binade of |x|, 2^e, plus 2^(e + 23 - m)
// keeps m bits below 2^e, ties to even. The sum's last bits then count the
// units 2^(e - m): 2^m to 2^(m+1), or fewer if x is subnormal in fp8, where e
// stays at the least exponent. The code is this count plus 2^m for every
// exponent above the least.
Value toFp8(Arithmetic &a, Value x, const Format &format) {
  constexpr uint32_t f32MantissaBits = 23, f32Bias = 127;
  uint32_t leastExponent = f32Bias + 1 - format.bias;

  Value all = a.bitcast(a.i32(), x);
  Value wholeMagnitude = a.andBits(all, 0x7fffffff);
  // Infinity and NaN are the greatest of integers, so they are limited too.
  Value magnitude = a.least(wholeMagnitude, format.limit);
  Value exponent = a.most(a.andBits(magnitude, 0x7f800000), leastExponent << f32MantissaBits);

  // An even number of units more leaves the rounding as it is. These make up for
  // the least exponent, as only the lowest eight bits count.
  uint32_t correction = -(leastExponent << format.mantissaBits) & 0xff;
  Value unit = a.addBits(
      exponent,
      a.bits(a.i32(), ((f32MantissaBits - format.mantissaBits) << f32MantissaBits) + correction));
  Value sum = a.add(a.bitcast(a.f32(), magnitude), a.bitcast(a.f32(), unit));
  Value code = a.addBits(a.bitcast(a.i32(), sum),
                         a.shiftRight(exponent, f32MantissaBits - format.mantissaBits));
  // All bits set is NaN. Without infinity the limit's code is NaN already.
  if (format.hasInfinity)
    code = a.orBits(code, a.signExtend(a.i32(), a.greater(wholeMagnitude, 0x7f800000)));
  Value sign = a.andBits(a.shiftRight(all, 24), 0x80);
  return a.truncate(a.i8(), a.orBits(code, sign));
}

// arith.extf f8 -> f32  ->  arith.extf f16 -> f32 of the shifted bits
struct ExpandExtF : OpConversionPattern<arith::ExtFOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Arithmetic a(rewriter, op);
    bool isE5M2 = isa<Float8E5M2Type>(getElementTypeOrSelf(op.getIn().getType()));
    rewriter.replaceOp(op, isE5M2 ? fromE5M2(a, adaptor.getIn()) : fromE4M3FN(a, adaptor.getIn()));
    return success();
  }
};

// arith.truncf f32 -> f8  ->  an addition that rounds, and its last bits
struct ExpandTruncF : OpConversionPattern<arith::TruncFOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Arithmetic a(rewriter, op);
    bool isE5M2 = isa<Float8E5M2Type>(getElementTypeOrSelf(op.getType()));
    rewriter.replaceOp(op, toFp8(a, adaptor.getIn(), isE5M2 ? e5m2 : e4m3fn));
    return success();
  }
};

// arith.bitcast i8 <-> f8  ->  its operand
struct DropBitcast : OpConversionPattern<arith::BitcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::BitcastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getIn());
    return success();
  }
};

// arith.select of f8  ->  arith.select of i8
struct SelectBytes : OpConversionPattern<arith::SelectOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, adaptor.getCondition(), adaptor.getTrueValue(),
                                                 adaptor.getFalseValue());
    return success();
  }
};

// arith.constant 1.0 : f8E4M3FN  ->  arith.constant 0x38 : i8
struct ConstantBytes : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    TypedAttr bytes;
    if (auto elements = dyn_cast<DenseElementsAttr>(op.getValue()))
      bytes = elements.bitcast(rewriter.getI8Type());
    else
      bytes = rewriter.getIntegerAttr(rewriter.getI8Type(),
                                      cast<FloatAttr>(op.getValue()).getValue().bitcastToAPInt());
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, bytes);
    return success();
  }
};

/// The first type of fp8 among the op's values, or none.
Type fp8Of(Operation *op) {
  SmallVector<Type> types(op->getOperandTypes());
  llvm::append_range(types, op->getResultTypes());
  for (Region &region : op->getRegions())
    for (Block &block : region)
      llvm::append_range(types, block.getArgumentTypes());
  if (auto func = dyn_cast<FunctionOpInterface>(op)) {
    llvm::append_range(types, func.getArgumentTypes());
    llvm::append_range(types, func.getResultTypes());
  }
  Type *found = llvm::find_if(types, isFp8);
  return found == types.end() ? Type() : *found;
}

/// Whether there is a pattern for what the op does with fp8.
bool canExpand(Operation *op) {
  auto isF32 = [](Type type) { return getElementTypeOrSelf(type).isF32(); };
  auto isBitsOfFp8 = [](Type type) {
    return isFp8(type) || getElementTypeOrSelf(type).isInteger(8);
  };
  auto isElsewhere = [](Type type) { return isa<ShapedType>(type) && !isa<VectorType>(type); };
  if (llvm::any_of(op->getOperandTypes(), isElsewhere) ||
      llvm::any_of(op->getResultTypes(), isElsewhere))
    return false;
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](arith::ExtFOp extend) { return isF32(extend.getType()); })
      .Case([&](arith::TruncFOp truncate) {
        return isF32(truncate.getIn().getType()) &&
               truncate.getRoundingmode().value_or(arith::RoundingMode::to_nearest_even) ==
                   arith::RoundingMode::to_nearest_even;
      })
      .Case([&](arith::BitcastOp cast) {
        return isBitsOfFp8(cast.getIn().getType()) && isBitsOfFp8(cast.getType());
      })
      .Case([](arith::ConstantOp constant) {
        return isa<FloatAttr, DenseElementsAttr>(constant.getValue());
      })
      .Case([](arith::SelectOp) { return true; })
      .Default(false);
}

struct ExpandFp8Pass : impl::ExpandFp8PassBase<ExpandFp8Pass> {
  void runOnOperation() override {
    WalkResult checked = getOperation()->walk([](Operation *op) {
      Type fp8 = fp8Of(op);
      if (!fp8 || canExpand(op))
        return WalkResult::advance();
      op->emitOpError("has a value of ")
          << fp8 << ", expected fp8 only in extf to f32, truncf from f32, bitcast from and to i8, "
          << "select and constants";
      return WalkResult::interrupt();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();

    Bytes types;
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *op) { return !fp8Of(op); });
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandExtF, ExpandTruncF, DropBitcast, SelectBytes, ConstantBytes>(types,
                                                                                    &getContext());
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tessera
