//===- Values.h - the values of a tile program ----------------------------===//
//
// Small handles with operators. A program is ordinary C++ that computes on
// them; running it once records the operations. Nothing here is a number yet.
//
// Tiles have rank 2. An operand with one row or one column is repeated to the
// shape of the other. Mistakes (shapes that do not fit, mixed element types)
// are kept with the caller's file and line and returned when the program is
// finished; until then the result of a mistake is a value that swallows every
// further operation.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_DSL_VALUES_H
#define TESSERA_DSL_VALUES_H

#include "dsl/DType.h"

#include <concepts>
#include <source_location>

#pragma GCC visibility push(default) // part of libtessera's interface

namespace tessera {

/// An argument together with the place of the call that passed it.
template <class T>
struct At {
  T value;
  std::source_location where;

  template <class U>
  requires std::convertible_to<U, T>
  At(U &&value, std::source_location where = std::source_location::current())
      : value(static_cast<U &&>(value)), where(where) {}
};

/// A recorded value: an opaque handle into the program being traced.
class Value {
public:
  Value() = default;
  explicit Value(const void *handle) : handle(handle) {}
  const void *opaque() const { return handle; }

private:
  const void *handle = nullptr;
};

/// One f32, the same for the whole tile.
class Scalar : public Value {
public:
  using Value::Value;
  Scalar(std::floating_point auto literal) : Scalar(constant(static_cast<double>(literal))) {}

private:
  static Scalar constant(double literal);
};

/// One integer: an index, a length, a position.
class Index : public Value {
public:
  using Value::Value;
  Index(std::integral auto literal) : Index(constant(static_cast<int64_t>(literal))) {}

private:
  static Index constant(int64_t literal);
};

/// A yes or no that is the same for the whole program: a feature of the key.
class Flag : public Value {
public:
  using Value::Value;
};

/// Rows x columns of f32, f16, bf16 or positions (i32).
class Tile : public Value {
public:
  using Value::Value;
};

/// Rows x columns of yes or no.
class Mask : public Value {
public:
  using Value::Value;
};

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

#define TESSERA_ARITHMETIC(op)                                                                     \
  Tile operator op(At<Tile> a, Tile b);                                                            \
  Tile operator op(At<Tile> a, Scalar b);                                                          \
  Tile operator op(At<Scalar> a, Tile b);                                                          \
  Tile operator op(At<Tile> a, Index b);                                                           \
  Tile operator op(At<Index> a, Tile b);                                                           \
  Scalar operator op(At<Scalar> a, Scalar b);                                                      \
  Index operator op(At<Index> a, Index b);
TESSERA_ARITHMETIC(+)
TESSERA_ARITHMETIC(-)
TESSERA_ARITHMETIC(*)
/// Division of indices rounds down.
TESSERA_ARITHMETIC(/)
#undef TESSERA_ARITHMETIC

#define TESSERA_COMPARISON(op)                                                                     \
  Mask operator op(At<Tile> a, Tile b);                                                            \
  Mask operator op(At<Tile> a, Scalar b);                                                          \
  Mask operator op(At<Tile> a, Index b);
TESSERA_COMPARISON(<)
TESSERA_COMPARISON(<=)
TESSERA_COMPARISON(>)
TESSERA_COMPARISON(>=)
TESSERA_COMPARISON(==)
TESSERA_COMPARISON(!=)
#undef TESSERA_COMPARISON

/// The remainder with the sign of a true modulus (never negative).
Tile operator%(At<Tile> a, Index b);

Tile max(At<Tile> a, Tile b);
Scalar max(At<Scalar> a, Scalar b);
Tile abs(At<Tile> a);

/// A running maximum that may lag: `next` where it is above `old` by more than
/// `slack`, else `old`. With a slack of zero, the maximum of both.
Tile growMax(At<Tile> old, Tile next, double slack);

/// 2^x, log2(x) and tanh(x), to the accuracy of f32.
Tile exp2(At<Tile> a);
Tile log2(At<Tile> a);
Tile tanh(At<Tile> a);

/// The same numbers in another type; positions become floats.
Tile cast(At<Tile> a, DType type);

/// The maximum, and the sum, of each row: rows x 1.
Tile rowMax(At<Tile> a);
Tile rowSum(At<Tile> a);

/// Rows and columns exchanged.
Tile transpose(At<Tile> a);

/// The numbers 0..size-1 as a row (1 x size).
Tile iota(int64_t size, std::source_location where = std::source_location::current());

/// Runs of `run` columns change places with their neighbours: the first with
/// the second, the third with the fourth.
Tile exchange(At<Tile> a, int64_t run);

/// What a zero of the left operand of a product does to an infinity or a NaN
/// on the right: make a NaN, as in arithmetic, or keep it out of the sum.
enum class Zeros { multiply, skip };

/// `a` x `b` + `acc`, summed in f32.
Tile dot(At<Tile> a, Tile b, Tile acc, Zeros zeros = Zeros::multiply);
/// `a` x `b`, summed in f32.
Tile dot(At<Tile> a, Tile b);

/// A tile of f32 with one value everywhere.
Tile full(int64_t rows, int64_t columns, At<Scalar> value);
Tile zeros(int64_t rows, int64_t columns,
           std::source_location where = std::source_location::current());

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

Flag operator&&(At<Flag> a, Flag b);
Flag operator||(At<Flag> a, Flag b);
Flag operator!(At<Flag> a);

Mask operator&&(At<Mask> a, Mask b);
Mask operator||(At<Mask> a, Mask b);
Mask operator!(At<Mask> a);
Mask operator&&(At<Flag> a, Mask b);

/// `consequence` where the feature is on, true everywhere else.
Mask implies(At<Flag> feature, Mask consequence);

Tile select(At<Flag> feature, Tile with, Tile without);
Scalar select(At<Flag> feature, Scalar with, Scalar without);
Index select(At<Flag> feature, Index with, Index without);
Tile select(At<Mask> where, Tile with, Tile without);
Tile select(At<Mask> where, Scalar with, Tile without);
Tile select(At<Mask> where, Tile with, Scalar without);

/// Scores where `keep` holds, minus infinity elsewhere. A promise goes with it:
/// an iteration of the loop around it in which nothing is kept leaves the
/// loop's state unchanged, and the order of its iterations does not matter.
Tile mask(At<Tile> scores, Mask keep);

} // namespace tessera

#pragma GCC visibility pop

#endif // TESSERA_DSL_VALUES_H
