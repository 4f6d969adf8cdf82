//===- Shape.h - what a program is traced for -----------------------------===//

#ifndef TESSERA_KERNELS_SHAPE_H
#define TESSERA_KERNELS_SHAPE_H

#include "dsl/Key.h"

namespace tessera {

/// The static types and sizes of a program's tiles. Bound while tracing, since
/// tile types are static; features stay symbolic. Tile sizes come from a
/// target's schedule.
struct Shape {
  DType q, k, v, o; ///< element types in memory
  DType p;          ///< element type of probabilities in the second product
  int64_t headDim, headDimV;
  int64_t blockM, blockN; ///< query and key rows of a tile
  int64_t rotary = 0;     ///< elements of a row that are rotated
  /// How far the running maximum of a row may lag behind, in powers of two.
  /// Rescaling is rarer for it; probabilities grow up to 2^lag.
  double lazyMax = 0;
};

} // namespace tessera

#endif // TESSERA_KERNELS_SHAPE_H
