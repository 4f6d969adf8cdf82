//===- AppendRows.h - new rows of a cache ---------------------------------===//

#ifndef TESSERA_KERNELS_APPENDROWS_H
#define TESSERA_KERNELS_APPENDROWS_H

#include "dsl/Program.h"
#include "kernels/Shape.h"

namespace tessera {

/// Writes the rows of each sequence behind those a cache holds, rotated by
/// their positions if `s.rotary` says so.
///
/// Views: `rows` [batches, heads, rows] x headDim, `cache` like it with more
/// rows. Tables of i32 [batch]: `starts`, the row of the cache that takes row
/// 0, and `positions`, the position of row 0. Tables of f32 [position, pair]:
/// `cos` and `sin`, s.rotary / 2 wide.
/// Source of the rotation: Su et al., arXiv:2104.09864.
Program appendRows(const Shape &s);

} // namespace tessera

#endif // TESSERA_KERNELS_APPENDROWS_H
