//===- VisibleRange.h - which key tiles a mask leaves ---------------------===//
//
// A mask is a predicate over the positions of queries (R) and keys (C). For one
// tile of queries R runs over an interval, so each conjunction of inequalities
//
//     C >= L,  C >= R + L,  C <= U,  C <= R + U,  R >= a,  R <= b
//
// leaves one interval of keys, in closed form (for differences of positions the
// projection onto C is exact over the integers). The keys some query sees are
// the union over the conjunctions of the mask; the keys hidden from some query
// are the same for its complement. In units of tiles,
//
//     skipped = not seen,   masked = seen and hidden,   full = not hidden.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_SPECIALIZE_VISIBLERANGE_H
#define TESSERA_PASSES_SPECIALIZE_VISIBLERANGE_H

#include "passes/specialize/MaskPredicate.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace tessera {

/// Half-open ranges of key tiles, disjoint and in order.
struct TileRanges {
  llvm::SmallVector<mlir::Value, 4> starts, ends;
};

/// A half-open range of key tiles.
struct TileSegment {
  mlir::Value start, end;
  bool isMasked;
};

/// Ranges of which each begins where the one before it ends.
using TileSegments = llvm::SmallVector<TileSegment, 3>;

/// The key tiles of one loop, for one tile of queries.
struct VisibleTiles {
  TileRanges masked, full;
  std::optional<TileSegments> segments; ///< the same tiles, if they are neighbours
};

/// The one mask directly in the loop's body, or null.
tile::MaskOp maskOf(mlir::scf::ForOp loop);

/// Lets everything be seen: then there is neither a mask nor a zero it made.
void dropMask(tile::MaskOp mask);

/// True if a part of the loop's mask is not understood, so that each of its
/// masked tiles must be looked at when the program runs.
bool isUndecided(mlir::scf::ForOp loop);

/// Builds the ranges in front of `loop`, which must run from zero in steps of
/// one and hold one mask. Nothing if the mask says nothing about positions.
std::optional<VisibleTiles> buildVisibleTiles(mlir::OpBuilder &builder, mlir::scf::ForOp loop);

} // namespace tessera

#endif // TESSERA_PASSES_SPECIALIZE_VISIBLERANGE_H
