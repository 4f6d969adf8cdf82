//===- Values.cpp - operators on the values of a tile program -------------===//

#include "dsl/Values.h"
#include "dsl/Trace.h"
#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>
#include <limits>

using namespace mlir;

namespace tessera {

std::string describe(Type type) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (auto tile = dyn_cast<RankedTensorType>(type))
    os << tile.getDimSize(0) << " x " << tile.getDimSize(1) << " of " << tile.getElementType();
  else
    os << type;
  return text;
}

namespace {

/// One recorded operation: where it stands, and the operands so far. After a
/// mistake every step returns null and records nothing.
class Recorder {
public:
  explicit Recorder(std::source_location where)
      : trace(Trace::current()), where(where), builder(trace.at(where)) {}

  template <class Op, class... Args>
  mlir::Value create(Args &&...args) {
    if (trace.failed())
      return {};
    return Op::create(builder, trace.location(), std::forward<Args>(args)...)->getResult(0);
  }

  mlir::Value fail(const std::string &message) { return trace.fail(where, message); }
  bool failed() const { return trace.failed(); }
  OpBuilder &ir() { return builder; }

  RankedTensorType typeOf(mlir::Value tile) { return cast<RankedTensorType>(tile.getType()); }

  /// A scalar as a tile of `element` and one row and column.
  mlir::Value splat(mlir::Value scalar, Type element) {
    if (failed())
      return {};
    if (scalar.getType().isIndex()) {
      scalar = create<arith::IndexCastOp>(builder.getI32Type(), scalar);
      if (isa<FloatType>(element))
        scalar = create<arith::SIToFPOp>(element, scalar);
    } else if (scalar.getType() != element) {
      return fail(fmt::format("cannot combine {} with a scalar of {}", describe(element),
                              describe(scalar.getType())));
    }
    return create<tensor::SplatOp>(scalar, RankedTensorType::get({1, 1}, element));
  }

  mlir::Value broadcast(mlir::Value tile, ArrayRef<int64_t> shape) {
    if (failed() || typeOf(tile).getShape() == shape)
      return tile;
    auto type = RankedTensorType::get(shape, typeOf(tile).getElementType());
    // A scalar goes straight to its final shape.
    if (auto splat = tile.getDefiningOp<tensor::SplatOp>())
      return create<tensor::SplatOp>(splat.getInput(), type);
    return create<tile::BroadcastOp>(type, tile);
  }

  /// Repeats rows and columns until both have one shape.
  bool unify(mlir::Value &a, mlir::Value &b) {
    if (failed())
      return false;
    ArrayRef<int64_t> left = typeOf(a).getShape(), right = typeOf(b).getShape();
    SmallVector<int64_t, 2> shape;
    for (auto [l, r] : llvm::zip_equal(left, right)) {
      if (l != r && l != 1 && r != 1) {
        fail(fmt::format("shapes do not fit: {} x {} and {} x {}", left[0], left[1], right[0],
                         right[1]));
        return false;
      }
      shape.push_back(std::max(l, r));
    }
    a = broadcast(a, shape);
    b = broadcast(b, shape);
    return true;
  }

  /// The same for operands that must have one element type.
  bool unifyTypes(mlir::Value &a, mlir::Value &b) {
    if (!unify(a, b))
      return false;
    Type left = typeOf(a).getElementType(), right = typeOf(b).getElementType();
    if (left == right)
      return true;
    fail(fmt::format("element types differ: {} and {}", describe(left), describe(right)));
    return false;
  }

  /// The same yes or no everywhere.
  mlir::Value maskOf(ArrayRef<int64_t> shape, bool value) {
    auto type = RankedTensorType::get(shape, builder.getI1Type());
    return create<arith::ConstantOp>(DenseElementsAttr::get(type, value));
  }

private:
  Trace &trace;
  std::source_location where;
  OpBuilder &builder;
};

enum class Arithmetic { add, sub, mul, div };

mlir::Value arithmetic(Recorder &record, Arithmetic op, mlir::Value a, mlir::Value b) {
  if (record.failed())
    return {};
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(a));
  switch (op) {
  case Arithmetic::add:
    return isFloat ? record.create<arith::AddFOp>(a, b) : record.create<arith::AddIOp>(a, b);
  case Arithmetic::sub:
    return isFloat ? record.create<arith::SubFOp>(a, b) : record.create<arith::SubIOp>(a, b);
  case Arithmetic::mul:
    return isFloat ? record.create<arith::MulFOp>(a, b) : record.create<arith::MulIOp>(a, b);
  case Arithmetic::div:
    return isFloat ? record.create<arith::DivFOp>(a, b) : record.create<arith::FloorDivSIOp>(a, b);
  }
  llvm_unreachable("unknown operation");
}

bool isTile(mlir::Value value) { return value && isa<RankedTensorType>(value.getType()); }

/// A scalar beside a tile becomes a tile of its element type.
void splatBeside(Recorder &record, mlir::Value &a, mlir::Value &b) {
  if (record.failed())
    return;
  if (!isTile(a))
    a = record.splat(a, record.typeOf(b).getElementType());
  else if (!isTile(b))
    b = record.splat(b, record.typeOf(a).getElementType());
}

/// At least one of the operands is a tile.
Tile tileArithmetic(std::source_location where, Arithmetic op, mlir::Value a, mlir::Value b) {
  Recorder record(where);
  splatBeside(record, a, b);
  if (!record.unifyTypes(a, b))
    return {};
  return wrap<Tile>(arithmetic(record, op, a, b));
}

} // namespace

//===----------------------------------------------------------------------===//
// Literals
//===----------------------------------------------------------------------===//

Scalar Scalar::constant(double literal) {
  Trace &trace = Trace::current();
  OpBuilder &builder = trace.at(std::source_location());
  return wrap<Scalar>(arith::ConstantOp::create(
      builder, trace.location(), builder.getF32FloatAttr(static_cast<float>(literal))));
}

Index Index::constant(int64_t literal) {
  Trace &trace = Trace::current();
  OpBuilder &builder = trace.at(std::source_location());
  return wrap<Index>(arith::ConstantIndexOp::create(builder, trace.location(), literal));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

#define TESSERA_ARITHMETIC(op, name)                                                               \
  Tile operator op(At<Tile> a, Tile b) {                                                           \
    return tileArithmetic(a.where, Arithmetic::name, unwrap(a.value), unwrap(b));                  \
  }                                                                                                \
  Tile operator op(At<Tile> a, Scalar b) {                                                         \
    return tileArithmetic(a.where, Arithmetic::name, unwrap(a.value), unwrap(b));                  \
  }                                                                                                \
  Tile operator op(At<Scalar> a, Tile b) {                                                         \
    return tileArithmetic(a.where, Arithmetic::name, unwrap(a.value), unwrap(b));                  \
  }                                                                                                \
  Tile operator op(At<Tile> a, Index b) {                                                          \
    return tileArithmetic(a.where, Arithmetic::name, unwrap(a.value), unwrap(b));                  \
  }                                                                                                \
  Tile operator op(At<Index> a, Tile b) {                                                          \
    return tileArithmetic(a.where, Arithmetic::name, unwrap(a.value), unwrap(b));                  \
  }                                                                                                \
  Scalar operator op(At<Scalar> a, Scalar b) {                                                     \
    Recorder record(a.where);                                                                      \
    return wrap<Scalar>(arithmetic(record, Arithmetic::name, unwrap(a.value), unwrap(b)));         \
  }                                                                                                \
  Index operator op(At<Index> a, Index b) {                                                        \
    Recorder record(a.where);                                                                      \
    return wrap<Index>(arithmetic(record, Arithmetic::name, unwrap(a.value), unwrap(b)));          \
  }
TESSERA_ARITHMETIC(+, add)
TESSERA_ARITHMETIC(-, sub)
TESSERA_ARITHMETIC(*, mul)
TESSERA_ARITHMETIC(/, div)
#undef TESSERA_ARITHMETIC

/// Float comparisons are false on NaN, except `!=`.
static Mask compare(std::source_location where, mlir::Value a, mlir::Value b,
                    arith::CmpFPredicate floats, arith::CmpIPredicate integers) {
  Recorder record(where);
  splatBeside(record, a, b);
  if (!record.unifyTypes(a, b))
    return {};
  if (isa<FloatType>(record.typeOf(a).getElementType()))
    return wrap<Mask>(record.create<arith::CmpFOp>(floats, a, b));
  return wrap<Mask>(record.create<arith::CmpIOp>(integers, a, b));
}

#define TESSERA_COMPARISON_WITH(op, Right, floats, integers)                                       \
  Mask operator op(At<Tile> a, Right b) {                                                          \
    return compare(a.where, unwrap(a.value), unwrap(b), arith::CmpFPredicate::floats,              \
                   arith::CmpIPredicate::integers);                                                \
  }
#define TESSERA_COMPARISON(op, floats, integers)                                                   \
  TESSERA_COMPARISON_WITH(op, Tile, floats, integers)                                              \
  TESSERA_COMPARISON_WITH(op, Scalar, floats, integers)                                            \
  TESSERA_COMPARISON_WITH(op, Index, floats, integers)
TESSERA_COMPARISON(<, OLT, slt)
TESSERA_COMPARISON(<=, OLE, sle)
TESSERA_COMPARISON(>, OGT, sgt)
TESSERA_COMPARISON(>=, OGE, sge)
TESSERA_COMPARISON(==, OEQ, eq)
TESSERA_COMPARISON(!=, UNE, ne)
#undef TESSERA_COMPARISON
#undef TESSERA_COMPARISON_WITH

// a % b  ->  a - floordiv(a, b) * b
Tile operator%(At<Tile> a, Index b) {
  Tile multiple = At<Tile>(At<Tile>(a.value, a.where) / b, a.where) * b;
  return a - multiple;
}

Tile max(At<Tile> a, Tile b) {
  Recorder record(a.where);
  mlir::Value left = unwrap(a.value), right = unwrap(b);
  if (!record.unifyTypes(left, right))
    return {};
  if (isa<FloatType>(record.typeOf(left).getElementType()))
    return wrap<Tile>(record.create<arith::MaxNumFOp>(left, right));
  return wrap<Tile>(record.create<arith::MaxSIOp>(left, right));
}

Scalar max(At<Scalar> a, Scalar b) {
  Recorder record(a.where);
  return wrap<Scalar>(record.create<arith::MaxNumFOp>(unwrap(a.value), unwrap(b)));
}

Tile growMax(At<Tile> old, Tile next, double slack) {
  if (slack == 0)
    return max(old, next);
  // A NaN does not compare, so it is passed over as by the maximum.
  Mask grew = next > (old.value + Scalar(slack));
  return select({grew, old.where}, next, old.value);
}

Tile abs(At<Tile> a) {
  Recorder record(a.where);
  mlir::Value tile = unwrap(a.value);
  if (record.failed())
    return {};
  if (isa<FloatType>(record.typeOf(tile).getElementType()))
    return wrap<Tile>(record.create<math::AbsFOp>(tile));
  return wrap<Tile>(record.create<math::AbsIOp>(tile));
}

/// A function of f32 alone.
template <class Op>
static Tile unary(At<Tile> a, llvm::StringRef name) {
  Recorder record(a.where);
  mlir::Value tile = unwrap(a.value);
  if (record.failed())
    return {};
  if (!record.typeOf(tile).getElementType().isF32())
    return wrap<Tile>(
        record.fail(fmt::format("{} takes f32, found {}", name.str(), describe(tile.getType()))));
  return wrap<Tile>(record.create<Op>(tile));
}

Tile exp2(At<Tile> a) { return unary<math::Exp2Op>(a, "exp2"); }
Tile log2(At<Tile> a) { return unary<math::Log2Op>(a, "log2"); }
Tile tanh(At<Tile> a) { return unary<math::TanhOp>(a, "tanh"); }

Tile cast(At<Tile> a, DType type) {
  Recorder record(a.where);
  mlir::Value tile = unwrap(a.value);
  if (record.failed())
    return {};
  Type from = record.typeOf(tile).getElementType();
  Type to = Trace::current().elementType(type);
  auto result = record.typeOf(tile).clone(to);
  if (from == to)
    return a.value;
  if (!isa<FloatType>(from))
    return wrap<Tile>(record.create<arith::SIToFPOp>(result, tile));
  if (from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
    return wrap<Tile>(record.create<arith::ExtFOp>(result, tile));
  if (from.getIntOrFloatBitWidth() > to.getIntOrFloatBitWidth())
    return wrap<Tile>(record.create<arith::TruncFOp>(result, tile));
  return wrap<Tile>(
      record.fail(fmt::format("cannot cast {} to {} directly", describe(from), describe(to))));
}

static Tile reduce(At<Tile> a, tile::ReduceKind kind, llvm::StringRef name) {
  Recorder record(a.where);
  mlir::Value tile = unwrap(a.value);
  if (record.failed())
    return {};
  if (!record.typeOf(tile).getElementType().isF32())
    return wrap<Tile>(
        record.fail(fmt::format("{} takes f32, found {}", name.str(), describe(tile.getType()))));
  return wrap<Tile>(record.create<tile::ReduceOp>(kind, tile));
}

Tile rowMax(At<Tile> a) { return reduce(a, tile::ReduceKind::Max, "rowMax"); }
Tile rowSum(At<Tile> a) { return reduce(a, tile::ReduceKind::Add, "rowSum"); }

Tile transpose(At<Tile> a) {
  Recorder record(a.where);
  return wrap<Tile>(record.create<tile::TransposeOp>(unwrap(a.value)));
}

Tile iota(int64_t size, std::source_location where) {
  Recorder record(where);
  if (size <= 0)
    return wrap<Tile>(record.fail(fmt::format("a tile has at least one column, found {}", size)));
  return wrap<Tile>(
      record.create<tile::IotaOp>(RankedTensorType::get({1, size}, record.ir().getI32Type())));
}

Tile exchange(At<Tile> a, int64_t run) {
  Recorder record(a.where);
  if (run <= 0)
    return wrap<Tile>(
        record.fail(fmt::format("exchange takes runs of at least one column, found {}", run)));
  mlir::Value tile = unwrap(a.value);
  return wrap<Tile>(record.create<tile::ExchangeOp>(tile ? tile.getType() : Type(), tile, run));
}

Tile dot(At<Tile> a, Tile b, Tile acc, Zeros zeros) {
  Recorder record(a.where);
  if (record.failed())
    return {};
  RankedTensorType lhs = record.typeOf(unwrap(a.value));
  RankedTensorType rhs = record.typeOf(unwrap(b));
  RankedTensorType sum = record.typeOf(unwrap(acc));
  if (lhs.getDimSize(1) != rhs.getDimSize(0))
    return wrap<Tile>(
        record.fail(fmt::format("contraction sizes differ: lhs has {} columns, rhs has {} rows",
                                lhs.getDimSize(1), rhs.getDimSize(0))));
  if (sum.getDimSize(0) != lhs.getDimSize(0) || sum.getDimSize(1) != rhs.getDimSize(1) ||
      !sum.getElementType().isF32())
    return wrap<Tile>(
        record.fail(fmt::format("accumulator must be {} x {} of f32, found {}", lhs.getDimSize(0),
                                rhs.getDimSize(1), describe(sum))));
  return wrap<Tile>(
      record.create<tile::DotOp>(unwrap(a.value), unwrap(b), unwrap(acc), zeros == Zeros::skip));
}

Tile dot(At<Tile> a, Tile b) {
  Recorder record(a.where);
  if (record.failed())
    return {};
  return dot(a, b,
             zeros(record.typeOf(unwrap(a.value)).getDimSize(0),
                   record.typeOf(unwrap(b)).getDimSize(1), a.where));
}

Tile full(int64_t rows, int64_t columns, At<Scalar> value) {
  Recorder record(value.where);
  if (rows <= 0 || columns <= 0)
    return wrap<Tile>(record.fail(
        fmt::format("a tile has at least one row and column, found {} x {}", rows, columns)));
  auto type = RankedTensorType::get({rows, columns}, record.ir().getF32Type());
  return wrap<Tile>(record.create<tensor::SplatOp>(unwrap(value.value), type));
}

Tile zeros(int64_t rows, int64_t columns, std::source_location where) {
  return full(rows, columns, At<Scalar>(0.0f, where));
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

Flag operator&&(At<Flag> a, Flag b) {
  Recorder record(a.where);
  return wrap<Flag>(record.create<arith::AndIOp>(unwrap(a.value), unwrap(b)));
}

Flag operator||(At<Flag> a, Flag b) {
  Recorder record(a.where);
  return wrap<Flag>(record.create<arith::OrIOp>(unwrap(a.value), unwrap(b)));
}

Flag operator!(At<Flag> a) {
  Recorder record(a.where);
  mlir::Value yes = record.create<arith::ConstantOp>(record.ir().getBoolAttr(true));
  return wrap<Flag>(record.create<arith::XOrIOp>(unwrap(a.value), yes));
}

template <class Op>
static Mask combine(At<Mask> a, Mask b) {
  Recorder record(a.where);
  mlir::Value left = unwrap(a.value), right = unwrap(b);
  if (!record.unify(left, right))
    return {};
  return wrap<Mask>(record.create<Op>(left, right));
}

Mask operator&&(At<Mask> a, Mask b) { return combine<arith::AndIOp>(a, b); }
Mask operator||(At<Mask> a, Mask b) { return combine<arith::OrIOp>(a, b); }

Mask operator!(At<Mask> a) {
  Recorder record(a.where);
  mlir::Value mask = unwrap(a.value);
  if (record.failed())
    return {};
  return wrap<Mask>(
      record.create<arith::XOrIOp>(mask, record.maskOf(record.typeOf(mask).getShape(), true)));
}

/// The mask where the feature is on, `otherwise` everywhere else.
static Mask whereOn(At<Flag> feature, Mask on, bool otherwise) {
  Recorder record(feature.where);
  mlir::Value mask = unwrap(on);
  if (record.failed())
    return {};
  mlir::Value off = record.maskOf(record.typeOf(mask).getShape(), otherwise);
  return wrap<Mask>(record.create<arith::SelectOp>(unwrap(feature.value), mask, off));
}

Mask operator&&(At<Flag> a, Mask b) { return whereOn(a, b, false); }
Mask implies(At<Flag> feature, Mask consequence) { return whereOn(feature, consequence, true); }

Tile select(At<Flag> feature, Tile with, Tile without) {
  Recorder record(feature.where);
  mlir::Value a = unwrap(with), b = unwrap(without);
  if (!record.unifyTypes(a, b))
    return {};
  return wrap<Tile>(record.create<arith::SelectOp>(unwrap(feature.value), a, b));
}

template <class T>
static T selectUniform(At<Flag> feature, T with, T without) {
  Recorder record(feature.where);
  return wrap<T>(
      record.create<arith::SelectOp>(unwrap(feature.value), unwrap(with), unwrap(without)));
}

Scalar select(At<Flag> feature, Scalar with, Scalar without) {
  return selectUniform(feature, with, without);
}

Index select(At<Flag> feature, Index with, Index without) {
  return selectUniform(feature, with, without);
}

/// At least one of the choices is a tile.
static Tile selectWhere(At<Mask> where, mlir::Value with, mlir::Value without) {
  Recorder record(where.where);
  mlir::Value mask = unwrap(where.value);
  splatBeside(record, with, without);
  if (!record.unifyTypes(with, without) || !record.unify(mask, with) ||
      !record.unify(mask, without))
    return {};
  return wrap<Tile>(record.create<arith::SelectOp>(mask, with, without));
}

Tile select(At<Mask> where, Tile with, Tile without) {
  return selectWhere(where, unwrap(with), unwrap(without));
}
Tile select(At<Mask> where, Scalar with, Tile without) {
  return selectWhere(where, unwrap(with), unwrap(without));
}
Tile select(At<Mask> where, Tile with, Scalar without) {
  return selectWhere(where, unwrap(with), unwrap(without));
}

Tile mask(At<Tile> scores, Mask keep) {
  Recorder record(scores.where);
  mlir::Value tile = unwrap(scores.value), kept = unwrap(keep);
  if (record.failed())
    return {};
  if (!record.typeOf(tile).getElementType().isF32())
    return wrap<Tile>(
        record.fail(fmt::format("mask takes scores of f32, found {}", describe(tile.getType()))));
  mlir::Value scored = tile;
  if (!record.unify(scored, kept))
    return {};
  if (scored != tile)
    return wrap<Tile>(record.fail(fmt::format("mask of {} is larger than the scores, {}",
                                              describe(kept.getType()), describe(tile.getType()))));
  return wrap<Tile>(record.create<tile::MaskOp>(tile, kept));
}

} // namespace tessera
