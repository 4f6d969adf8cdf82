//===- Variant.h - a user's score and mask functions ----------------------===//

#ifndef TESSERA_KERNELS_VARIANT_H
#define TESSERA_KERNELS_VARIANT_H

#include "dsl/Program.h"

#include <functional>

#pragma GCC visibility push(default) // part of libtessera's interface

namespace tessera {

/// Where a tile of scores stands.
struct ScorePlace {
  Tile row;          ///< rows x 1: positions of its queries among the keys
  Tile col;          ///< 1 x columns: positions of its keys
  Index head, batch; ///< the query head, and the sequence
};

/// What a user adds to attention without touching it: a function of the scaled
/// scores (natural units, before softcap and ALiBi), and a mask that is and-ed
/// with the others. Either may be empty. Both may ask the program for
/// arguments of their own (`floats`, `integers`, `scalar`, `index`), which a call gives by
/// name; asking twice for one name gives the same argument.
///
/// A mask that compares positions bounds the keys that are visited, like the
/// built-in ones; one that reads tables is looked at tile by tile.
struct Variant {
  std::function<Tile(Program &, Tile score, const ScorePlace &)> score;
  std::function<Mask(Program &, const ScorePlace &)> mask;
};

} // namespace tessera

#pragma GCC visibility pop

#endif // TESSERA_KERNELS_VARIANT_H
