//===- NarrowGroups.cpp - a group visits the tiles that its rows see ------===//
//
// A tile of queries visits the tiles of keys that any of its rows sees. Its rows are those of
// several warp groups: in the last tile of a sequence some groups may have none, and under a mask
// that moves with the row, the last tiles of keys are only for the last group, or the first tiles
// for the first one. Passing over them saves their products; what is more, groups that do not
// end together leave the tensor cores to each other while they store.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"
#include "passes/schedule/RangeLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_NARROWGROUPSPASS
#include "passes/Passes.h.inc"

namespace {

/// Loops that continue each other, from the last tile to the first: loop i runs over the
/// tiles from bounds[i + 1] to bounds[i].
struct Descent {
  SmallVector<scf::ForOp> loops;
  SmallVector<Value> bounds;
};

std::optional<Descent> matchDescent(scf::ForOp first) {
  Descent descent{.loops = chainFrom(first), .bounds = {}};
  for (scf::ForOp loop : descent.loops) {
    tile::NthOp nth = nthOf(loop);
    if (!nth || !nth.getDescending() || nth.getStarts().size() != 1)
      return std::nullopt;
    if (descent.bounds.empty())
      descent.bounds.push_back(nth.getEnds().front());
    else if (descent.bounds.back() != nth.getEnds().front())
      return std::nullopt;
    descent.bounds.push_back(nth.getStarts().front());
  }
  return descent;
}

/// Computes numbers of a tile again, for the rows of a group.
class OfGroup {
public:
  OfGroup(OpBuilder &builder, Block *block) : builder(builder), block(block) {}

  /// The same value where nothing depends on rows.
  Value make(Value value) {
    Operation *op = value.getDefiningOp();
    if (made.contains(value))
      return made.lookup(value);
    if (!op || op->getBlock() != block || !isPure(op) || op->getNumRegions())
      return value;
    if (auto span = dyn_cast<tile::RowSpanOp>(op)) {
      auto rows = sm::GroupRowSpanOp::create(builder, op->getLoc(), op->getResultTypes(),
                                             span.getTile(), span.getLength(), span.getHeight());
      made.map(op->getResults(), rows.getResults());
      return made.lookup(value);
    }
    IRMapping operands;
    bool changes = false;
    for (Value operand : op->getOperands()) {
      operands.map(operand, make(operand));
      changes |= operands.lookup(operand) != operand;
    }
    if (changes)
      made.map(op->getResults(), builder.clone(*op, operands)->getResults());
    else
      made.map(op->getResults(), op->getResults());
    return made.lookup(value);
  }

private:
  OpBuilder &builder;
  Block *block;
  IRMapping made;
};

/// The rows of a result that a point of the grid computes.
struct Rows {
  Value tile, length;
  int64_t height;
};

/// Those of the stores of a loop's results, if how many there are is known in front of it.
std::optional<Rows> storedRows(OpBuilder &builder, scf::ForOp loop) {
  for (auto store : loop->getBlock()->getOps<tile::StoreOp>()) {
    auto isKnown = [&](Value value) {
      Operation *op = value ? value.getDefiningOp() : nullptr;
      return !op || op->getBlock() != loop->getBlock() || op->isBeforeInBlock(loop);
    };
    if (!isKnown(store.getTile()) || !isKnown(store.getBatch()) || !isKnown(store.getLength()))
      continue;
    Value length = store.getLength();
    if (!length)
      length = tile::LengthOp::create(builder, store.getLoc(), builder.getIndexType(),
                                      store.getView(), store.getBatch());
    return Rows{store.getTile(), length, store.getValue().getType().getDimSize(0)};
  }
  return std::nullopt;
}

/// Whether a group has none of the rows.
Value hasNone(OpBuilder &builder, Location loc, const Rows &rows) {
  Type index = builder.getIndexType();
  auto span =
      sm::GroupRowSpanOp::create(builder, loc, index, index, rows.tile, rows.length, rows.height);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, span.getLast(),
                               span.getFirst());
}

/// Consumers take tiles of a loop, from the last to the first, and give them back.
///
///   scf.for %t = 0 to (tile.count (%start) to (%end)) {
///     %j = tile.nth %t descending of (%start) to (%end)
///     sm.pass_over (tile.load ... %j)...
///   }
void passOver(OpBuilder &builder, scf::ForOp loop, Value start, Value end) {
  Location loc = loop.getLoc();
  Type index = builder.getIndexType();
  Value count = tile::CountOp::create(builder, loc, index, start, end);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto passing = scf::ForOp::create(builder, loc, zero, count, one);
  OpBuilder inside = OpBuilder::atBlockBegin(passing.getBody());
  IRMapping mapping;
  mapping.map(nthOf(loop).getResult(),
              tile::NthOp::create(inside, loc, index, passing.getInductionVar(), start, end,
                                  /*descending=*/true)
                  .getResult());
  for (auto load : loop.getBody()->getOps<tile::LoadOp>()) {
    auto copy = cast<tile::LoadOp>(inside.clone(*load, mapping));
    sm::PassOverOp::create(inside, loc, copy.getResult());
  }
}

/// Whether all that loads in a loop read of it is the number of the tile, and each has a ring of
/// its own: of two that share one, products may be issued in another order than a group passes
/// over them.
bool loadsTilesOnly(scf::ForOp loop) {
  tile::NthOp nth = nthOf(loop);
  llvm::DenseSet<std::pair<Value, Type>> rings;
  WalkResult walk = loop.walk([&](tile::LoadOp load) {
    bool isOwn = rings.insert({load.getView(), load.getType()}).second;
    return isOwn && load->getBlock() == loop.getBody() ? WalkResult::advance()
                                                       : WalkResult::interrupt();
  });
  if (walk.wasInterrupted())
    return false;
  return llvm::all_of(loop.getBody()->getOps<tile::LoadOp>(), [&](tile::LoadOp load) {
    return llvm::all_of(load->getOperands(), [&](Value operand) {
      return operand == nth.getResult() || operand.getParentBlock() != loop.getBody();
    });
  });
}

void setRange(scf::ForOp loop, Value start, Value end) {
  OpBuilder builder(loop);
  tile::NthOp nth = nthOf(loop);
  loop.setUpperBound(
      tile::CountOp::create(builder, loop.getLoc(), builder.getIndexType(), start, end));
  nth.getStartsMutable().assign(start);
  nth.getEndsMutable().assign(end);
}

void narrow(Descent &descent) {
  scf::ForOp first = descent.loops.front(), last = descent.loops.back();
  OpBuilder builder(first);
  Location loc = first.getLoc();
  OfGroup ofGroup(builder, first->getBlock());
  Value end = descent.bounds.front(), start = descent.bounds.back();
  std::optional<Rows> rows = storedRows(builder, first);
  Value isIdle = rows ? hasNone(builder, loc, *rows) : Value();
  SmallVector<Value> bounds, groupBounds;
  for (Value bound : descent.bounds) {
    Value own = ofGroup.make(bound);
    if (own != bound) {
      // Whatever the rows of a group are, even none: no other tiles than the block's.
      own = arith::MinSIOp::create(builder, loc, own, end);
      own = arith::MaxSIOp::create(builder, loc, own, start);
    }
    if (isIdle && own != start)
      own = arith::SelectOp::create(builder, loc, isIdle, start, own);
    groupBounds.push_back(own);
    bounds.push_back(own == bound ? bound
                                  : sm::ByRoleOp::create(builder, loc, bound, own).getResult());
  }
  if (groupBounds.front() != end)
    passOver(builder, first, groupBounds.front(), end);
  for (auto [i, loop] : llvm::enumerate(descent.loops))
    setRange(loop, bounds[i + 1], bounds[i]);
  builder.setInsertionPointAfter(last);
  if (groupBounds.back() != start)
    passOver(builder, last, start, groupBounds.back());
}

struct NarrowGroupsPass : impl::NarrowGroupsPassBase<NarrowGroupsPass> {
  void runOnOperation() override {
    SmallVector<Descent> descents;
    getOperation().walk([&](scf::ForOp loop) {
      if (continuesLoop(loop) || loop->getParentOp() != getOperation())
        return;
      if (std::optional<Descent> descent = matchDescent(loop);
          descent && llvm::all_of(descent->loops, loadsTilesOnly))
        descents.push_back(std::move(*descent));
    });
    for (Descent &descent : descents)
      narrow(descent);
  }
};

} // namespace
} // namespace tessera
