//===- ScheduleTiles.cpp - which block computes which points --------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_SCHEDULETILESPASS
#include "passes/Passes.h.inc"

namespace {

/// Integer arithmetic without ceremony.
struct Arithmetic : ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  Value constant(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
  Value add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
  Value sub(Value a, Value b) { return arith::SubIOp::create(*this, a, b); }
  Value mul(Value a, Value b) { return arith::MulIOp::create(*this, a, b); }
  Value div(Value a, Value b) { return arith::DivUIOp::create(*this, a, b); }
  Value min(Value a, Value b) { return arith::MinSIOp::create(*this, a, b); }
  Value max(Value a, Value b) { return arith::MaxSIOp::create(*this, a, b); }
  Value compare(arith::CmpIPredicate p, Value a, Value b) {
    return arith::CmpIOp::create(*this, p, a, b);
  }
};

/// The views whose tiles a point reads in its loops: what the points of a head share.
SmallVector<Value> sharedViews(tile::GridOp grid) {
  llvm::SetVector<Value> views;
  grid->getParentOfType<func::FuncOp>().walk([&](tile::LoadOp load) {
    if (load->getParentOfType<scf::ForOp>())
      views.insert(load.getView());
  });
  return views.takeVector();
}

struct ScheduleTilesPass : impl::ScheduleTilesPassBase<ScheduleTilesPass> {
  using ScheduleTilesPassBase::ScheduleTilesPassBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    auto grids = getOperation().getBody().front().getOps<tile::GridOp>();
    if (!grids.empty())
      schedule(*grids.begin());
  }

  /// How many of `heads` go through the cache together: as many as fit.
  Value groupSize(Arithmetic &at, tile::GridOp grid, Value heads) {
    Value bytes;
    for (Value view : sharedViews(grid)) {
      auto type = cast<tile::ViewType>(view.getType());
      int64_t rowBytes = type.getWidth() * type.getElement().getIntOrFloatBitWidth() / 8;
      Value rows = tile::ExtentOp::create(at, at.getIndexType(), view, tile::Axis::Rows);
      // In units of 4 KiB, so that no product leaves 32 bits.
      Value size = at.div(at.mul(at.div(at.add(rows, at.constant(63)), at.constant(64)),
                                 at.constant(rowBytes * 64)),
                          at.constant(4096));
      // Heads that share a view's head count once.
      Value own = tile::ExtentOp::create(at, at.getIndexType(), view, tile::Axis::Heads);
      Value ratio = at.max(at.div(grid.getHeads(), at.max(own, at.constant(1))), at.constant(1));
      size = at.div(size, ratio);
      bytes = bytes ? at.add(bytes, size) : size;
    }
    if (!bytes)
      return heads;
    Value fitting = at.div(at.constant(cacheBytes / 4096), at.max(bytes, at.constant(1)));
    return at.max(at.min(fitting, heads), at.constant(1));
  }

  void schedule(tile::GridOp grid) {
    Block *block = grid->getBlock();
    Arithmetic at(grid.getLoc(), grid);
    Value one = at.constant(1);
    Value tiles = grid.getTiles();
    Value heads = at.mul(grid.getHeads(), grid.getBatches()); // of all batches
    Value total = at.mul(tiles, heads);
    Value group = groupSize(at, grid, heads);
    Value section = at.mul(group, tiles);
    Value first = sm::BlockIdOp::create(at);
    Type index = at.getIndexType();
    auto loop = scf::WhileOp::create(at, index, first);
    at.createBlock(&loop.getBefore(), {}, index, at.getLoc());
    Value next = loop.getBeforeArguments().front();
    scf::ConditionOp::create(at, at.compare(arith::CmpIPredicate::slt, next, total), next);
    Block *body = at.createBlock(&loop.getAfter(), {}, index, at.getLoc());
    Value point = body->getArgument(0);
    // Taken a point ahead, so that nobody waits for the counter.
    Value ticket = sm::TakeTicketOp::create(at);
    auto told = sm::TellOp::create(at, index, ticket, /*channel=*/0);
    scf::YieldOp::create(at, told.getResults());

    // point = (section, tile, head of the section), the head fastest. The divisions are the
    // producer's, who is ahead.
    at.setInsertionPointAfter(ticket.getDefiningOp());
    Value number = at.div(point, at.max(section, one));
    Value rest = at.sub(point, at.mul(number, section));
    Value firstHead = at.mul(number, group);
    Value width = at.min(group, at.sub(heads, firstHead));
    Value tile = at.div(rest, width);
    Value head = at.add(firstHead, at.sub(rest, at.mul(tile, width)));
    if (longestLast)
      tile = at.sub(at.sub(tiles, one), tile);
    Value batch = at.div(head, grid.getHeads());
    head = at.sub(head, at.mul(batch, grid.getHeads()));
    auto place = sm::TellOp::create(at, TypeRange{index, index, index},
                                    ValueRange{tile, head, batch}, /*channel=*/1);
    grid.replaceAllUsesWith(place.getResults());

    Operation *end = told;
    for (Operation *op = loop->getNextNode(); op != block->getTerminator();) {
      Operation *next = op->getNextNode();
      // Constants are the same for all points.
      if (!op->hasTrait<OpTrait::ConstantLike>()) {
        if (op != grid)
          op->moveBefore(end);
      } else {
        op->moveBefore(loop);
      }
      op = next;
    }
    grid.erase();
  }
};

} // namespace
} // namespace tessera
