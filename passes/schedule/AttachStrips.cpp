//===- AttachStrips.cpp - numbers of a table that come with the keys ------===//
//
// A bias that depends on how far a query and a key are apart is one dimension of
// a table, and all that a tile needs of it are neighbours: a strip. Read by each
// thread for itself it costs loads that wait behind the operands of products; a warp of
// the producer's group puts it into shared memory, beside the keys it belongs to.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"
#include "passes/schedule/RangeLoop.h"
#include "passes/specialize/LinearForm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_ATTACHSTRIPSPASS
#include "passes/Passes.h.inc"

namespace {

/// Coordinates of which one moves with the rows and columns of a tile.
struct Strip {
  SmallVector<LinearForm> coordinates;
  size_t along;                 ///< the one that does
  tile::PositionsOp rows, keys; ///< no rows: it moves with the columns alone
};

std::optional<Strip> matchStrip(tile::GatherOp gather, PositionSpace space) {
  Strip strip;
  std::optional<size_t> along;
  for (auto [i, coordinate] : llvm::enumerate(gather.getCoordinates())) {
    std::optional<LinearForm> form = readLinearForm(coordinate, space);
    if (!form)
      return std::nullopt;
    if (form->row || form->column) {
      if (along)
        return std::nullopt;
      along = i;
    }
    strip.coordinates.push_back(std::move(*form));
  }
  if (!along)
    return std::nullopt;
  const LinearForm &form = strip.coordinates[*along];
  if (std::abs(form.row) > 1 || std::abs(form.column) != 1)
    return std::nullopt;
  strip.along = *along;
  strip.rows = form.row ? space.rows : tile::PositionsOp();
  strip.keys = space.columns;
  return strip;
}

/// The first of the loads of the keys' tile: its product is the one that is awaited in this
/// iteration. Null if it has a strip already.
tile::LoadOp loadOf(Block *body, tile::PositionsOp keys) {
  for (auto load : body->getOps<tile::LoadOp>()) {
    if (load.getTile() != keys.getTile() || load.getType().getDimSize(0) != keys.getTileSize())
      continue;
    bool hasStrip = llvm::any_of(load->getUsers(),
                                 [](Operation *user) { return isa<sm::GatherStripOp>(user); });
    return hasStrip ? tile::LoadOp() : load;
  }
  return nullptr;
}

/// Where the strip of tile zero begins: at the number of an element in a corner of the tile.
LinearForm startOf(Strip &strip) {
  const LinearForm &form = strip.coordinates[strip.along];
  LinearForm start = form.uniform();
  if (strip.rows) {
    int64_t height = strip.rows.getTileSize();
    start.terms.push_back({strip.rows.getTile(), form.row * height});
    start += form.row < 0 ? 1 - height : 0;
  }
  start += form.column < 0 ? 1 - strip.keys.getTileSize() : 0;
  return start;
}

void attach(scf::ForOp loop, tile::GatherOp gather, Strip &strip, tile::LoadOp load) {
  OpBuilder before(loop), at(load);
  at.setInsertionPointAfter(load); // in front of the arithmetic that it is a part of
  SmallVector<Value> coordinates;
  for (auto [i, form] : llvm::enumerate(strip.coordinates))
    coordinates.push_back(
        materialize(before, gather.getLoc(), i == strip.along ? startOf(strip) : form));
  const LinearForm &form = strip.coordinates[strip.along];
  Value numbers = sm::GatherStripOp::create(at, gather.getLoc(), gather.getType(), load.getResult(),
                                            gather.getTable(), coordinates, load.getTile(),
                                            /*factor=*/Value(), strip.along, form.row, form.column);
  gather.replaceAllUsesWith(numbers);
  gather.erase();
}

struct AttachStripsPass : impl::AttachStripsPassBase<AttachStripsPass> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      // What happens rarely shares no buffers.
      if (nthOf(loop) && !loop->getParentOfType<sm::RarelyOp>())
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      for (auto gather : llvm::make_early_inc_range(loop.getBody()->getOps<tile::GatherOp>())) {
        PositionSpace space;
        space.loopBody = &loop.getRegion();
        space.keyTile = nthOf(loop).getResult();
        std::optional<Strip> strip = matchStrip(gather, space);
        if (!strip)
          continue;
        if (tile::LoadOp load = loadOf(loop.getBody(), strip->keys))
          attach(loop, gather, *strip, load);
      }
  }
};

} // namespace
} // namespace tessera
