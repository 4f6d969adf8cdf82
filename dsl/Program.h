//===- Program.h - a tile program, its views, grid and loops --------------===//

#ifndef TESSERA_DSL_PROGRAM_H
#define TESSERA_DSL_PROGRAM_H

#include "dsl/Values.h"

#include <array>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default) // part of libtessera's interface

namespace tessera {

class Trace;

/// What a load puts in the rows past the end of a sequence.
enum class Padding { undefined, zero };

/// One sequence of a view: the rows of one batch and head.
class Sequence {
public:
  Sequence(Value view, Index batch, Index head) : view(view), batch(batch), head(head) {}

  /// `count` rows from row `first` on, as a sequence of their own.
  Sequence slice(Index first, Index count) const;

  /// Rows of this sequence.
  Index length(std::source_location where = std::source_location::current()) const;
  /// Tiles of `size` rows that hold all of them.
  Index tiles(int64_t size, std::source_location where = std::source_location::current()) const;
  /// Tile `tile`: `size` rows from row `tile * size`.
  Tile load(At<Index> tile, int64_t size, Padding padding = Padding::undefined) const;
  /// Writes the rows of `value` that lie within the sequence.
  void store(At<Index> tile, Tile value) const;
  /// The same, only where a feature is on.
  void store(At<Index> tile, Tile value, Flag wanted) const;
  /// Places of the rows of a tile in the sequence, as a column (size x 1).
  Tile rows(At<Index> tile, int64_t size) const;
  /// The same as a row (1 x size), to compare with the columns of a tile.
  Tile columns(At<Index> tile, int64_t size) const;

private:
  Value view;
  Index batch, head;
  Index first, count; ///< of a slice; null: all rows
};

/// Sequences of rows in memory, one for each batch and head.
class View : public Value {
public:
  using Value::Value;

  Index batches(std::source_location where = std::source_location::current()) const;
  Index heads(std::source_location where = std::source_location::current()) const;
  /// Tiles of `size` rows that hold the longest sequence.
  Index tiles(int64_t size, std::source_location where = std::source_location::current()) const;
  Sequence operator()(Index batch, Index head) const { return Sequence(*this, batch, head); }
};

/// A place in a table: the same for the whole tile, or one for each element.
struct Coordinate {
  Value value;
  std::source_location where;

  Coordinate(Index index, std::source_location where = std::source_location::current())
      : value(index), where(where) {}
  Coordinate(Tile tile, std::source_location where = std::source_location::current())
      : value(tile), where(where) {}
  Coordinate(std::integral auto literal,
             std::source_location where = std::source_location::current())
      : value(Index(literal)), where(where) {}
};

/// f32 in memory, in up to four dimensions. Outside of the table there are
/// zeros.
class FloatTable : public Value {
public:
  using Value::Value;
  Scalar at(std::initializer_list<Coordinate> place) const;
  Tile gather(std::initializer_list<Coordinate> places) const;
};

/// i32 in memory, in up to four dimensions. Outside of the table there are
/// zeros.
class IndexTable : public Value {
public:
  using Value::Value;
  Index at(std::initializer_list<Coordinate> place) const;
  Tile gather(std::initializer_list<Coordinate> places) const;
};

/// The features of the key, symbolic while a program is traced.
struct KeyFlags {
#define TESSERA_KEY_FLAG(name, spelling, help) Flag name;
#include "dsl/Key.def"
};

/// A point of the grid.
struct GridPoint {
  Index tile, head, batch;
};

/// A program while it is being written. One at a time in each thread.
class Program {
public:
  explicit Program(std::string_view name);
  Program(Program &&) noexcept;
  Program &operator=(Program &&) = delete;
  ~Program();

  /// Arguments, bound by name in a call, in the order of these calls. Asking
  /// for a name again gives the same argument. `sequences` names what the rows
  /// of a view are: views of one name have equally many in each batch, and the
  /// key says for all of them where they lie.
  View view(std::string_view name, DType type, int64_t width, std::string_view sequences = "",
            std::source_location where = std::source_location::current());
  FloatTable floats(std::string_view name, int64_t rank,
                    std::source_location where = std::source_location::current());
  IndexTable integers(std::string_view name, int64_t rank,
                      std::source_location where = std::source_location::current());
  Scalar scalar(std::string_view name,
                std::source_location where = std::source_location::current());
  Index index(std::string_view name, std::source_location where = std::source_location::current());

  const KeyFlags &key() const;

  /// The extents of the grid; returns this run's point in it.
  GridPoint grid(At<Index> tiles, Index heads, Index batches);

  /// The trace, for what compiles the program.
  Trace &trace() { return *impl; }

private:
  std::unique_ptr<Trace> impl;
};

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace detail {

struct AnyMember {
  template <class T>
  operator T() const;
};

template <class T, class... Members>
consteval int countMembers() {
  if constexpr (requires { T{Members{}..., AnyMember{}}; })
    return countMembers<T, Members..., AnyMember>();
  else
    return sizeof...(Members);
}

/// Calls `use` with every member of a plain struct of up to six tiles.
template <class State, class Use>
auto withMembers(State &state, Use use) {
  constexpr int n = countMembers<std::remove_const_t<State>>();
  static_assert(n >= 1 && n <= 6, "loop state: a plain struct of one to six tiles");
  if constexpr (n == 1) {
    auto &[a] = state;
    return use(a);
  } else if constexpr (n == 2) {
    auto &[a, b] = state;
    return use(a, b);
  } else if constexpr (n == 3) {
    auto &[a, b, c] = state;
    return use(a, b, c);
  } else if constexpr (n == 4) {
    auto &[a, b, c, d] = state;
    return use(a, b, c, d);
  } else if constexpr (n == 5) {
    auto &[a, b, c, d, e] = state;
    return use(a, b, c, d, e);
  } else {
    auto &[a, b, c, d, e, f] = state;
    return use(a, b, c, d, e, f);
  }
}

/// Opens a loop over 0..count-1. `state` holds the initial tiles and receives
/// the carried ones; returns the index of the iteration.
Index beginLoop(Index count, std::span<Tile *const> state, std::source_location where);
/// Closes it. `state` holds the next tiles and receives the results.
void endLoop(std::span<Tile *const> state);

} // namespace detail

/// `state = body(j, state)` for j in 0..count-1. The state is a plain struct of
/// tiles whose types stay the same from one iteration to the next.
template <class State, class Body>
State loop(At<Index> count, State init, Body body) {
  auto pointers = [](State &state) {
    return detail::withMembers(
        state, [](auto &...tile) { return std::array{(&static_cast<Tile &>(tile))...}; });
  };
  Index j = detail::beginLoop(count.value, pointers(init), count.where);
  State next = body(j, init);
  detail::endLoop(pointers(next));
  return next;
}

} // namespace tessera

#pragma GCC visibility pop

#endif // TESSERA_DSL_PROGRAM_H
