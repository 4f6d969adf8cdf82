//===- ScheduleTiles.cpp - which block computes which points --------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
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
  Value atLeastOne(Value value) { return max(value, constant(1)); }
  Value falseValue() { return arith::ConstantIntOp::create(*this, 0, 1); }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(*this, condition, a, b);
  }
  Value compare(arith::CmpIPredicate p, Value a, Value b) {
    return arith::CmpIOp::create(*this, p, a, b);
  }
};

/// Memory is counted in these.
constexpr int64_t unitBytes = 4096;

/// Heads of a group at most: in more of short sequences, a head's keys are gone from the cache
/// before its last tile asks for them. Measured.
constexpr int64_t maxGroup = 16;

/// A view whose tiles a point reads in its loops: what the points of a head share.
struct SharedView {
  Value view;
  bool isPacked; ///< holds the rows of all sequences
};

SmallVector<SharedView> sharedViews(tile::GridOp grid) {
  SmallVector<SharedView> views;
  grid->getParentOfType<func::FuncOp>().walk([&](tile::LoadOp load) {
    auto isSame = [&](const SharedView &shared) { return shared.view == load.getView(); };
    if (load->getParentOfType<scf::ForOp>() && llvm::none_of(views, isSame))
      views.push_back({load.getView(), load.getStart() != nullptr});
  });
  return views;
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

  /// How many heads go through the cache together: as many as fit, up to a limit.
  Value groupSize(Arithmetic &at, tile::GridOp grid) {
    if (cacheBytes == 0)
      return at.constant(1);
    Value fitting = at.div(at.constant(cacheBytes / unitBytes), unitsOfHead(at, grid));
    return at.atLeastOne(at.min(fitting, at.constant(maxGroup)));
  }

  /// What the points of a head read in their loops, in units of 4 KiB, so that no product leaves
  /// 32 bits.
  Value unitsOfHead(Arithmetic &at, tile::GridOp grid) {
    Value units = at.constant(0);
    for (const SharedView &shared : sharedViews(grid)) {
      auto type = cast<tile::ViewType>(shared.view.getType());
      int64_t rowBytes = type.getWidth() * type.getElement().getIntOrFloatBitWidth() / 8;
      auto extent = [&](tile::Axis axis) -> Value {
        return tile::ExtentOp::create(at, at.getIndexType(), shared.view, axis);
      };
      Value rows = extent(tile::Axis::Rows);
      if (shared.isPacked)
        rows = at.div(rows, at.atLeastOne(grid.getBatches()));
      Value size = at.div(at.mul(at.div(at.add(rows, at.constant(63)), at.constant(64)),
                                 at.constant(rowBytes * 64)),
                          at.constant(unitBytes));
      // Heads that share a view's head count once.
      Value ratio = at.div(grid.getHeads(), at.atLeastOne(extent(tile::Axis::Heads)));
      units = at.add(units, at.div(size, at.atLeastOne(ratio)));
    }
    return at.atLeastOne(units);
  }

  void schedule(tile::GridOp grid) {
    Block *block = grid->getBlock();
    Arithmetic at(grid.getLoc(), grid);
    Order order = orderOf(at, grid);
    IdleTest idle = idleTest(grid);
    auto nextFrom = [&](Value point) {
      return idle.branch ? skipIdle(at, grid, order, idle, point) : point;
    };
    auto tell = [&](ValueRange values, int64_t channel) {
      SmallVector<Type> types(values.size(), at.getIndexType());
      return sm::TellOp::create(at, types, values, channel);
    };
    Value first = sm::BlockIdOp::create(at);
    if (idle.branch)
      first = tell(nextFrom(first), /*channel=*/0).getResult(0);
    auto loop = scf::WhileOp::create(at, at.getIndexType(), first);
    at.createBlock(&loop.getBefore(), {}, at.getIndexType(), at.getLoc());
    Value point = loop.getBeforeArguments().front();
    scf::ConditionOp::create(at, at.compare(arith::CmpIPredicate::slt, point, order.points), point);
    Block *body = at.createBlock(&loop.getAfter(), {}, at.getIndexType(), at.getLoc());
    // The divisions are the producer's, who is ahead.
    auto place = tell(placeOf(at, grid, order, body->getArgument(0)), /*channel=*/1);
    scf::YieldOp::create(at,
                         tell(nextFrom(sm::TakeTicketOp::create(at)), /*channel=*/0).getResults());

    grid.replaceAllUsesWith(place.getResults());
    Operation *end = place->getNextNode();
    if (idle.branch)
      inlineThen(idle.branch);
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

  /// In which order points are taken: sections of one group of heads each, and one of all other
  /// heads. Those are the last two groups, so that there are short tiles to end with, and what
  /// does not fill a group.
  struct Order {
    Value tiles, heads; ///< of all batches
    Value points;       ///< of all heads
    Value group, early; ///< heads of a section, and of all sections but the last
  };

  Order orderOf(Arithmetic &at, tile::GridOp grid) {
    Order order;
    order.tiles = grid.getTiles();
    order.heads = at.mul(grid.getHeads(), grid.getBatches());
    order.points = at.mul(order.tiles, order.heads);
    order.group = groupSize(at, grid);
    Value late = at.mul(order.group, at.constant(2));
    Value early = at.max(at.sub(order.heads, late), at.constant(0));
    order.early = at.mul(at.div(early, order.group), order.group);
    return order;
  }

  /// point = (section, tile, head of the section), the head fastest.
  SmallVector<Value> placeOf(Arithmetic &at, tile::GridOp grid, const Order &order, Value point) {
    Value section = at.atLeastOne(at.mul(order.group, order.tiles));
    Value isEarly = at.compare(arith::CmpIPredicate::slt, point, at.mul(order.early, order.tiles));
    Value firstHead = at.select(isEarly, at.mul(at.div(point, section), order.group), order.early);
    Value width = at.select(isEarly, order.group, at.sub(order.heads, order.early));
    Value rest = at.sub(point, at.mul(firstHead, order.tiles));
    Value tile = at.div(rest, width);
    Value head = at.add(firstHead, at.sub(rest, at.mul(tile, width)));
    if (longestLast)
      tile = at.sub(at.sub(order.tiles, at.constant(1)), tile);
    Value batch = at.div(head, grid.getHeads());
    return {tile, at.sub(head, at.mul(batch, grid.getHeads())), batch};
  }

  /// Points that do nothing (tile-skip-idle-points): everything is under a branch, and numbers
  /// decide on it.
  struct IdleTest {
    scf::IfOp branch; ///< if there are such points
    SmallVector<Operation *> numbers;
  };

  static IdleTest idleTest(tile::GridOp grid) {
    IdleTest test;
    for (Operation *op = grid->getNextNode(); op; op = op->getNextNode()) {
      auto branch = dyn_cast<scf::IfOp>(op);
      if (branch && !branch.getNumResults() && !branch.elseBlock() &&
          branch->getNextNode() == grid->getBlock()->getTerminator()) {
        test.branch = branch;
        return test;
      }
      if (!isMemoryEffectFree(op) || op->getNumRegions())
        return {};
      test.numbers.push_back(op);
    }
    return {};
  }

  /// The first point from `point` on, in the order of tickets, that does something, or one past
  /// the end. Consumers are not told of the others.
  Value skipIdle(Arithmetic &at, tile::GridOp grid, const Order &order, IdleTest &idle,
                 Value point) {
    OpBuilder::InsertionGuard guard(at);
    auto loop = scf::WhileOp::create(at, at.getIndexType(), point);
    at.createBlock(&loop.getBefore(), {}, at.getIndexType(), at.getLoc());
    Value candidate = loop.getBeforeArguments().front();
    IRMapping mapping;
    mapping.map(grid.getResults(), placeOf(at, grid, order, candidate));
    for (Operation *op : idle.numbers)
      at.clone(*op, mapping);
    Value isAny = at.compare(arith::CmpIPredicate::slt, candidate, order.points);
    Value isBusy = mapping.lookupOrDefault(idle.branch.getCondition());
    Value goOn = at.select(isBusy, at.falseValue(), isAny);
    scf::ConditionOp::create(at, goOn, candidate);
    at.createBlock(&loop.getAfter(), {}, at.getIndexType(), at.getLoc());
    scf::YieldOp::create(at, Value(sm::TakeTicketOp::create(at)));
    return loop.getResult(0);
  }

  static void inlineThen(scf::IfOp branch) {
    branch.thenBlock()->getTerminator()->erase();
    branch->getBlock()->getOperations().splice(branch->getIterator(),
                                               branch.thenBlock()->getOperations());
    branch.erase();
  }
};

} // namespace
} // namespace tessera
