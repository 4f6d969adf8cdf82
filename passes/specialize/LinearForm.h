//===- LinearForm.h - integers as sums over positions ---------------------===//

#ifndef TESSERA_PASSES_SPECIALIZE_LINEARFORM_H
#define TESSERA_PASSES_SPECIALIZE_LINEARFORM_H

#include "dsl/ir/Tile.h"

#include "mlir/IR/Builders.h"

#include <optional>

namespace tessera {

/// `row * R + column * C + sum of (factor * value) + constant`, where R is the
/// position of a query, C that of a key, and the values are the same for every
/// element of a tile and every iteration of the loop.
struct LinearForm {
  int64_t row = 0, column = 0, constant = 0;
  llvm::SmallVector<std::pair<mlir::Value, int64_t>, 4> terms;

  LinearForm &operator+=(const LinearForm &other);
  LinearForm &operator+=(int64_t number);
  LinearForm scaled(int64_t factor) const;
  /// The form without its R and C.
  LinearForm uniform() const;
  /// True if it is a number known now.
  bool isConstant() const { return !row && !column && terms.empty(); }
};

/// What R and C stand for: the positions of the query tile, seen in a loop over
/// the key tiles.
struct PositionSpace {
  mlir::Region *loopBody = nullptr;
  mlir::Value keyTile;       ///< the loop's index of the key tile
  tile::PositionsOp rows;    ///< the one op that R comes from, when seen
  tile::PositionsOp columns; ///< the one op that C comes from, when seen
};

/// Reads a tile of positions (or a scalar) as a linear form. Nothing if it is
/// not one, or changes with the iteration in another way than C does.
std::optional<LinearForm> readLinearForm(mlir::Value value, PositionSpace &space);

/// Arithmetic that computes a form without R and C, as an index.
mlir::Value materialize(mlir::OpBuilder &builder, mlir::Location loc, const LinearForm &form);

} // namespace tessera

#endif // TESSERA_PASSES_SPECIALIZE_LINEARFORM_H
