//===- OverlapPoints.cpp - the next point begins before this one ends -----===//
//
// A point of the grid begins with a product that no arithmetic runs beside, and
// ends with one. Consumers take the first product of the next point before the
// last one of this point, so that the arithmetic of one runs beside the other.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_OVERLAPPOINTSPASS
#include "passes/Passes.h.inc"

namespace {

using Ops = SmallVector<Operation *>;

/// The parts of a loop over points, in the order in which they run:
///
///   scf.while (points are left) {
///     told = sm.hear
///     head: numbers, acquired slots
///     scf.if some {                      work: there is something to compute
///       first: a product, and arithmetic on it
///       chain: loops, and numbers between them
///       last: a product
///     }
///     end: stores
///     sm.rarely                          rare
///     next = sm.hear
///   }
struct Points {
  scf::WhileOp loop;
  sm::HearOp told, next;
  scf::IfOp work;
  Ops head, first, chain, last, end;
  SmallVector<sm::RarelyOp> rare;   ///< long, and of no hurry: it stands once
  SmallVector<sm::AcquireOp> slots; ///< of the head, which the first product and the chain read
  scf::ForOp firstLoop, lastLoop;
  Operation *leftOperand;     ///< of the product that the chain begins with; in `first`
  SmallVector<Value> carried; ///< what `first` leaves to the rest
};

bool isNumber(Operation *op) { return isMemoryEffectFree(op) && op->getNumRegions() == 0; }

bool hasLoops(scf::IfOp branch) {
  return branch.elseBlock() && !branch.thenBlock()->getOps<scf::ForOp>().empty();
}

/// Whether `value` is computed from `told` and numbers alone, so that it may be computed again.
class Again {
public:
  explicit Again(const Points &points) {
    for (const Ops *ops : {&points.head, &points.first})
      for (Operation *op : *ops) {
        all.insert(op);
        if (isNumber(op) && llvm::all_of(op->getOperands(), [&](Value v) { return isFree(v); }))
          numbers.insert(op);
      }
  }
  bool holds(Operation *op) const { return numbers.contains(op); }
  bool isFree(Value value) const {
    Operation *op = value.getDefiningOp();
    return !all.contains(op) || numbers.contains(op);
  }

private:
  llvm::DenseSet<Operation *> all, numbers;
};

/// Takes releases of the head's slots out of a list; false if anything else there reads one.
bool dropReleases(Ops &ops, ArrayRef<sm::AcquireOp> slots) {
  auto isOfHead = [&](Value value) {
    return llvm::is_contained(slots, value.getDefiningOp<sm::AcquireOp>());
  };
  llvm::erase_if(ops, [&](Operation *op) {
    auto release = dyn_cast<sm::ReleaseOp>(op);
    return release && isOfHead(release.getSlot());
  });
  return llvm::none_of(ops, [&](Operation *op) {
    bool reads = false;
    op->walk([&](Operation *inner) { reads |= llvm::any_of(inner->getOperands(), isOfHead); });
    return reads;
  });
}

/// What stands in `first`, is no number, and is read behind it.
SmallVector<Value> carriedValues(Points &points, const Again &again) {
  SmallVector<Value> values;
  for (Operation *op : points.first)
    for (Value result : op->getResults())
      if (!again.holds(op) && llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !llvm::is_contained(points.first,
                                       points.work.thenBlock()->findAncestorOpInBlock(*user));
          }))
        values.push_back(result);
  return values;
}

std::optional<Points> match(scf::WhileOp loop) {
  Points points;
  points.loop = loop;
  Block *body = loop.getAfterBody();
  auto hears = llvm::to_vector(body->getOps<sm::HearOp>());
  if (!loop.use_empty() || hears.size() != 2 || &body->front() != hears[0] ||
      !llvm::all_of(loop.getBeforeBody()->without_terminator(),
                    [](Operation &op) { return isNumber(&op); }))
    return std::nullopt;
  points.told = hears[0], points.next = hears[1];
  if (!llvm::equal(loop.getYieldOp().getOperands(), points.next.getResults()))
    return std::nullopt;

  auto branches = llvm::to_vector(llvm::make_filter_range(body->getOps<scf::IfOp>(), hasLoops));
  if (branches.size() != 1)
    return std::nullopt;
  points.work = branches.front();
  for (Operation &op : body->without_terminator())
    if (&op != points.told && &op != points.next && &op != points.work)
      (op.isBeforeInBlock(points.work) ? points.head : points.end).push_back(&op);
  while (!points.end.empty() && isa<sm::RarelyOp>(points.end.back()))
    points.rare.push_back(cast<sm::RarelyOp>(points.end.pop_back_val()));
  for (Operation *op : points.head)
    if (auto acquire = dyn_cast<sm::AcquireOp>(op))
      points.slots.push_back(acquire);
    else if (!isNumber(op))
      return std::nullopt;

  auto loops = llvm::to_vector(points.work.thenBlock()->getOps<scf::ForOp>());
  points.firstLoop = loops.front(), points.lastLoop = loops.back();
  for (Operation &op : points.work.thenBlock()->without_terminator()) {
    bool isBefore = op.isBeforeInBlock(points.firstLoop);
    bool isBehind = points.lastLoop->isBeforeInBlock(&op);
    (isBefore ? points.first : isBehind ? points.last : points.chain).push_back(&op);
  }
  for (Operation *op : points.chain)
    if (!isa<scf::ForOp>(op) && !isNumber(op))
      return std::nullopt;
  // Their slots are given back where the chain ends.
  Ops otherwise;
  for (Operation &op : points.work.elseBlock()->without_terminator())
    otherwise.push_back(&op);
  if (!dropReleases(points.last, points.slots) || !dropReleases(points.end, points.slots) ||
      !dropReleases(otherwise, points.slots) || !otherwise.empty())
    return std::nullopt;

  auto isProduct = [](Operation *op) { return isa<sm::DotOp>(op); };
  auto product = llvm::find_if(points.last, isProduct);
  if (product == points.last.end() || llvm::none_of(points.first, isProduct))
    return std::nullopt;
  auto left = dyn_cast<OpResult>(cast<sm::DotOp>(*product).getLhs());
  if (!left || left.getOwner() != points.lastLoop)
    return std::nullopt;
  points.leftOperand = points.firstLoop.getInitArgs()[left.getResultNumber()].getDefiningOp();
  if (!llvm::is_contained(points.first, points.leftOperand))
    return std::nullopt;
  points.carried = carriedValues(points, Again(points));
  return points;
}

/// Writes the loop anew. An iteration ends one point and begins the next:
///
///   scf.while (a point is left) (state of one that has begun) {
///     its chain
///     scf.if (both have work) {
///       the next one's first product; the last product; arithmetic on the first; the end
///     } else {
///       the last product; the end
///       the next one's first product; arithmetic on it
///     }
///     what the point that ended rarely does
///   }
class Overlap {
public:
  explicit Overlap(Points &points)
      : points(points), again(points), at(points.loop.getLoc(), points.loop) {}

  void run() {
    // A point, whether one before it has begun, and what there is of that.
    SmallVector<Value> inits(points.loop.getInits());
    SmallVector<Type> types = llvm::to_vector(ValueRange(inits).getTypes());
    Value begun = flag(false);
    inits.push_back(begun);
    types.push_back(begun.getType());
    append(inits, types, points.told.getResultTypes());
    append(inits, types, ValueRange(points.carried).getTypes());
    auto loop = scf::WhileOp::create(at, types, inits);
    SmallVector<Location> locations(types.size(), at.getLoc());
    at.createBlock(&loop.getBefore(), {}, types, locations);
    IRMapping mapping;
    Value isLeft = isPointLeft(loop.getBeforeArguments().take_front(pointSize()), mapping);
    scf::ConditionOp::create(at, isLeft, loop.getBeforeArguments());
    at.createBlock(&loop.getAfter(), {}, types, locations);
    scf::YieldOp::create(at, iterate(loop.getAfterArguments()));
    points.loop.erase();
  }

private:
  unsigned pointSize() { return points.loop.getInits().size(); }

  /// The loop's condition, of another point.
  Value isPointLeft(ValueRange point, IRMapping &mapping) {
    mapping.map(points.loop.getBeforeArguments(), point);
    for (Operation &op : points.loop.getBeforeBody()->without_terminator())
      clone(&op, mapping);
    scf::ConditionOp condition = points.loop.getConditionOp();
    mapping.map(points.loop.getAfterArguments(), lookup(condition.getArgs(), mapping));
    return mapping.lookupOrDefault(condition.getCondition());
  }

  SmallVector<Value> iterate(ValueRange state) {
    ValueRange first = state.take_front(pointSize());
    Value begun = state[pointSize()];
    ValueRange told = state.slice(pointSize() + 1, points.told.getNumResults());
    IRMapping current;
    current.map(points.told.getResults(), told);
    current.map(points.carried, state.drop_front(pointSize() + 1 + told.size()));
    cloneNumbers(points.head, current);
    for (sm::AcquireOp slot : points.slots) {
      auto held = sm::HeldOp::create(at, slot.getType(), slot.getRing());
      current.map(slot.getSlot(), held.getSlot());
    }
    Value works = both(begun, current.lookupOrDefault(points.work.getCondition()));
    finishChain(works, current);
    branch(begun, {}, [&] {
      for (sm::AcquireOp slot : points.slots)
        sm::ReleaseOp::create(at, current.lookup(slot.getSlot()));
      return SmallVector<Value>();
    });

    // The next point, if there is one.
    SmallVector<Value> point = branch(
        begun, first.getTypes(), [&] { return cloneResults(points.next, current); },
        [&] { return llvm::to_vector(first); });
    IRMapping upcoming;
    Value follows = isPointLeft(point, upcoming);
    SmallVector<Value> toldNext = branch(follows, points.told.getResultTypes(),
                                         [&] { return cloneResults(points.told, upcoming); });
    upcoming.map(points.told.getResults(), toldNext);
    cloneNumbers(points.head, upcoming);
    Value worksNext = both(follows, upcoming.lookupOrDefault(points.work.getCondition()));

    SmallVector<Type> types = llvm::to_vector(ValueRange(points.carried).getTypes());
    SmallVector<Type> rareTypes(points.rare.size(), at.getI1Type());
    llvm::append_range(types, rareTypes);
    SmallVector<Value> left = branch(
        both(works, worksNext), types, [&] { return endAndBegin(current, upcoming); },
        [&] {
          SmallVector<Value> rare = branch(begun, rareTypes, [&] { return end(works, current); });
          SmallVector<Value> carried = branch(follows, ValueRange(points.carried).getTypes(),
                                              [&] { return begin(worksNext, upcoming); });
          llvm::append_range(carried, rare);
          return carried;
        });
    for (sm::RarelyOp rare : points.rare) {
      current.map(rare.getCondition(), left[left.size() - rareTypes.size()]);
      clone(rare, current);
      left.erase(left.end() - rareTypes.size());
      rareTypes.pop_back();
    }
    SmallVector<Value> next = point;
    next.push_back(flag(true));
    llvm::append_range(next, toldNext);
    llvm::append_range(next, left);
    return next;
  }

  void finishChain(Value works, IRMapping &current) {
    SmallVector<Value> results = branch(works, points.lastLoop->getResultTypes(), [&] {
      IRMapping mapping(current);
      cloneNumbers(points.first, mapping);
      cloneAll(points.chain, mapping);
      return lookup(points.lastLoop->getResults(), mapping);
    });
    current.map(points.lastLoop->getResults(), results);
    cloneNumbers(points.first, current);
    cloneNumbers(points.chain, current);
  }

  /// Both at once. Ops up to the first wait only issue.
  SmallVector<Value> endAndBegin(IRMapping current, IRMapping upcoming) {
    cloneAll(Ops(points.slots.begin(), points.slots.end()), upcoming);
    auto wait = llvm::find_if(points.first, [](Operation *op) { return isa<sm::AwaitOp>(op); });
    cloneAll(ArrayRef(points.first.begin(), wait), upcoming);
    cloneAll(points.last, current);
    cloneAll(ArrayRef(wait, points.first.end()), upcoming);
    current.map(points.work.getResults(), lookup(points.work.thenYield().getOperands(), current));
    cloneAll(points.end, current);
    SmallVector<Value> left = lookup(points.carried, upcoming);
    llvm::append_range(left, rareConditions(current));
    return left;
  }

  SmallVector<Value> end(Value works, IRMapping current) {
    SmallVector<Value> results = branch(
        works, points.work.getResultTypes(),
        [&] {
          cloneAll(points.last, current);
          return lookup(points.work.thenYield().getOperands(), current);
        },
        [&] { return lookup(points.work.elseYield().getOperands(), current); });
    current.map(points.work.getResults(), results);
    cloneAll(points.end, current);
    return rareConditions(current);
  }

  SmallVector<Value> rareConditions(const IRMapping &current) {
    return llvm::map_to_vector(points.rare, [&](sm::RarelyOp rare) {
      return current.lookupOrDefault(rare.getCondition());
    });
  }

  SmallVector<Value> begin(Value works, IRMapping upcoming) {
    cloneAll(Ops(points.slots.begin(), points.slots.end()), upcoming);
    return branch(works, ValueRange(points.carried).getTypes(), [&] {
      cloneAll(points.first, upcoming);
      return lookup(points.carried, upcoming);
    });
  }

  //===--- building -------------------------------------------------------===//

  Value flag(bool value) { return arith::ConstantIntOp::create(at, value, 1); }
  Value both(Value a, Value b) { return arith::AndIOp::create(at, a, b); }

  /// Values that nothing reads.
  SmallVector<Value> zeros(TypeRange types) {
    return llvm::map_to_vector(types, [&](Type type) -> Value {
      return arith::ConstantOp::create(at, cast<TypedAttr>(at.getZeroAttr(type)));
    });
  }

  void append(SmallVector<Value> &inits, SmallVector<Type> &types, TypeRange more) {
    llvm::append_range(types, more);
    llvm::append_range(inits, zeros(more));
  }

  using Side = llvm::function_ref<SmallVector<Value>()>;

  SmallVector<Value> branch(Value condition, TypeRange types, Side then) {
    if (types.empty()) {
      auto op = scf::IfOp::create(at, condition);
      OpBuilder::InsertionGuard guard(at);
      at.setInsertionPointToStart(op.thenBlock());
      then();
      return {};
    }
    return branch(condition, types, then, [&] { return zeros(types); });
  }

  SmallVector<Value> branch(Value condition, TypeRange types, Side then, Side otherwise) {
    auto op = scf::IfOp::create(at, types, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(at);
    at.setInsertionPointToEnd(op.thenBlock());
    scf::YieldOp::create(at, then());
    at.setInsertionPointToEnd(op.elseBlock());
    scf::YieldOp::create(at, otherwise());
    return llvm::to_vector_of<Value>(op.getResults());
  }

  void clone(Operation *op, IRMapping &mapping) { at.clone(*op, mapping); }

  void cloneAll(ArrayRef<Operation *> ops, IRMapping &mapping) {
    for (Operation *op : ops)
      clone(op, mapping);
  }

  void cloneNumbers(ArrayRef<Operation *> ops, IRMapping &mapping) {
    for (Operation *op : ops)
      if (again.holds(op))
        clone(op, mapping);
  }

  SmallVector<Value> cloneResults(Operation *op, IRMapping &mapping) {
    return llvm::to_vector_of<Value>(at.clone(*op, mapping)->getResults());
  }

  static SmallVector<Value> lookup(ValueRange values, const IRMapping &mapping) {
    return llvm::map_to_vector(values, [&](Value v) { return mapping.lookupOrDefault(v); });
  }

  Points &points;
  Again again;
  ImplicitLocOpBuilder at;
};

struct OverlapPointsPass : impl::OverlapPointsPassBase<OverlapPointsPass> {
  void runOnOperation() override {
    for (auto roles : getOperation().getOps<sm::RolesOp>())
      for (auto loop :
           llvm::make_early_inc_range(roles.getConsumer().front().getOps<scf::WhileOp>()))
        if (std::optional<Points> points = match(loop))
          Overlap(*points).run();
  }
};

} // namespace
} // namespace tessera
