//===- TileMap.h - which tiles a specialized program visits ---------------===//
//
// Read off the program itself, for given lengths: what its loops count, not
// what its mask should have led to. For tools and tests.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_SPECIALIZE_TILEMAP_H
#define TESSERA_PASSES_SPECIALIZE_TILEMAP_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace tessera {

/// What a program does with a tile of queries and keys.
enum class TileKind : uint8_t {
  skipped,   ///< does not visit it
  masked,    ///< visits it and masks its scores
  full,      ///< visits it and takes all of its scores
  undecided, ///< looks at its mask first, when it runs
};

/// What a call says about sizes.
struct Lengths {
  int64_t seqlenQ = 1, seqlenKv = 1;
  int64_t heads = 1, kvHeads = 1, batch = 1;
  llvm::StringMap<int64_t> indices = {}; ///< index arguments, by name
};

struct TileMap {
  int64_t queryTiles = 0, keyTiles = 0;
  int64_t blockM = 0, blockN = 0;
  std::vector<TileKind> kinds; ///< of `queryTiles` x `keyTiles`, row by row

  TileKind at(int64_t queryTile, int64_t keyTile) const {
    return kinds[queryTile * keyTiles + keyTile];
  }
  int64_t count(TileKind kind) const;
};

/// The tiles of one head, which are those of every head. Refuses a program
/// that visits a tile twice, or one that does not exist.
llvm::Expected<TileMap> mapTiles(mlir::func::FuncOp specialized, const Lengths &lengths);

/// Whether query i sees key j, at `i * seqlenKv + j`: in masked and undecided
/// tiles as their mask says. Refuses a mask that depends on more than
/// positions.
llvm::Expected<std::vector<bool>> mapElements(mlir::func::FuncOp specialized,
                                              const Lengths &lengths);

} // namespace tessera

#endif // TESSERA_PASSES_SPECIALIZE_TILEMAP_H
