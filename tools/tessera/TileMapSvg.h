//===- TileMapSvg.h - a drawing of which tiles a program visits -----------===//

#ifndef TESSERA_TOOLS_TESSERA_TILEMAPSVG_H
#define TESSERA_TOOLS_TESSERA_TILEMAPSVG_H

#include "passes/specialize/TileMap.h"

#include "llvm/Support/raw_ostream.h"

#include <string>

namespace tessera {

/// What the command says about each kind of tile, in text and in the drawing.
struct TileKindInfo {
  TileKind kind;
  char letter;
  llvm::StringRef name, help;
};
llvm::ArrayRef<TileKindInfo> tileKinds();

/// What to draw.
struct TileMapDrawing {
  std::string title, subtitle;
  const TileMap &map;
  int64_t seqlenQ, seqlenKv;
  /// Whether query i sees key j, at `i * seqlenKv + j`; empty: not drawn.
  std::vector<bool> elements = {};
};

/// Writes the drawing as one SVG document without scripts, fonts or links.
/// Equal tiles next to each other become one rectangle.
void writeSvg(const TileMapDrawing &drawing, llvm::raw_ostream &os);

} // namespace tessera

#endif // TESSERA_TOOLS_TESSERA_TILEMAPSVG_H
