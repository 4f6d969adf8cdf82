//===- GuardProducts.cpp - values that no row may see through a zero ------===//
//
// A mask makes weights of zero, and in a matrix instruction zero times NaN is
// NaN: a value reaches rows that do not see it. That shows in what is to be
// stored. Looking there costs next to nothing, and what is found there is computed
// again, exactly and slowly.
//
//===----------------------------------------------------------------------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"
#include "passes/schedule/RangeLoop.h"
#include "passes/specialize/VisibleRange.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_GUARDPRODUCTSPASS
#include "passes/Passes.h.inc"

namespace {

/// Loops of which each continues with the results of the one before, and what
/// becomes of the results of the last.
struct Chain {
  tile::DotOp dot;               ///< skips zeros
  SmallVector<scf::ForOp> loops; ///< the first one holds it
  SmallVector<Operation *> epilogue = {};
  SmallVector<tile::StoreOp> stores = {}; ///< of the epilogue
};

/// A loaded operand of a product, perhaps transposed; null if it is computed.
tile::LoadOp loadOf(Value operand) {
  if (auto transpose = operand.getDefiningOp<tile::TransposeOp>())
    operand = transpose.getSource();
  return operand.getDefiningOp<tile::LoadOp>();
}

/// A product of rows with rows, all of them loaded.
bool isOfRows(tile::DotOp dot) {
  return dot.getLhs().getDefiningOp<tile::LoadOp>() &&
         dot.getRhs().getDefiningOp<tile::TransposeOp>() && loadOf(dot.getRhs()) &&
         !dot.getSkipZeros();
}

/// A product of a tile that was computed with loaded rows.
bool isOfTile(tile::DotOp dot) {
  return !loadOf(dot.getLhs()) && dot.getRhs().getDefiningOp<tile::LoadOp>();
}

std::optional<Chain> matchChain(scf::ForOp first, tile::DotOp dot) {
  Chain chain{.dot = dot, .loops = chainFrom(first)};
  // Of several loops one can be made if they run over lists.
  bool areLists = llvm::all_of(chain.loops, [](scf::ForOp loop) { return bool(nthOf(loop)); });
  bool isOne = chain.loops.size() == 1 && matchPattern(first.getLowerBound(), m_Zero()) &&
               matchPattern(first.getStep(), m_One());
  if ((!areLists && !isOne) || continuesLoop(first) || !isOfTile(dot) ||
      dot.getRhs().getType().getDimSize(0) % sm::exactKeys)
    return std::nullopt;

  SetVector<Operation *> slice;
  for (Value result : chain.loops.back().getResults())
    getForwardSlice(result, &slice);
  for (Operation &op : llvm::make_range(std::next(chain.loops.back()->getIterator()),
                                        chain.loops.back()->getBlock()->end())) {
    if (!slice.contains(&op))
      continue;
    if (op.getNumRegions() || op.hasTrait<OpTrait::IsTerminator>())
      return std::nullopt;
    chain.epilogue.push_back(&op);
    if (auto store = dyn_cast<tile::StoreOp>(op))
      chain.stores.push_back(store);
  }
  return chain.stores.empty() ? std::nullopt : std::optional(std::move(chain));
}

/// Whether sequences of two views are equally long, whatever the call is.
bool haveSameLengths(Value a, Value b) {
  auto sequences = [](Value view) -> Attribute {
    auto argument = dyn_cast<BlockArgument>(view);
    auto func = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : nullptr;
    return func ? func.getArgAttr(argument.getArgNumber(), sequencesName) : Attribute();
  };
  return a == b || (sequences(a) && sequences(a) == sequences(b));
}

/// Whether the mask hides keys only where values are zero: past the end of their sequence.
bool hidesOnlyPadding(scf::ForOp loop, tile::DotOp dot) {
  tile::MaskOp mask = maskOf(loop);
  auto columns = mask ? mask.getKeep().getDefiningOp<tile::BroadcastOp>() : tile::BroadcastOp();
  auto compare = columns ? columns.getSource().getDefiningOp<arith::CmpIOp>() : arith::CmpIOp();
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::slt)
    return false;
  auto positions = compare.getLhs().getDefiningOp<tile::PositionsOp>();
  auto bound = compare.getRhs().getDefiningOp<tensor::SplatOp>();
  auto cast = bound ? bound.getInput().getDefiningOp<arith::IndexCastOp>() : arith::IndexCastOp();
  tile::LoadOp values = loadOf(dot.getRhs());
  if (!positions || positions.isColumn() || !cast || !values ||
      values.getPadding() != tile::Padding::Zero || positions.getTile() != values.getTile())
    return false;
  if (values.getLength())
    return values.getLength() == cast.getIn();
  auto length = cast.getIn().getDefiningOp<tile::LengthOp>();
  return length && length.getBatch() == values.getBatch() &&
         haveSameLengths(length.getView(), values.getView());
}

/// Columns of the result that are computed at a time: few, for the sake of the kernel's size, where
/// more would save scores from being computed again.
constexpr int64_t exactColumns = 32;

/// Makes the values of a loop's body and of its epilogue again, for a few keys at a time: whatever
/// has a column for each key is made for those alone, and what has one for each column of the
/// values, for a part of these. What a point of the grid decides is made again too.
class ExactBody {
public:
  ExactBody(OpBuilder &builder, Chain &chain)
      : builder(builder), loop(chain.loops.front()),
        keysOfTile(loadOf(chain.dot.getRhs()).getType().getDimSize(0)),
        width(chain.dot.getType().getDimSize(1)), epilogue(chain.epilogue) {
    auto grids = loop->getBlock()->getOps<tile::GridOp>();
    if (grids.empty())
      return;
    tile::GridOp grid = *grids.begin();
    auto renewed =
        sm::RenewOp::create(builder, grid.getLoc(), grid.getResultTypes(), grid.getResults());
    made.map(grid.getResults(), renewed.getResults());
    getForwardSlice(grid.getOperation(), &ofPoint);
  }

  /// Parts of a tile of keys.
  int64_t parts() const { return keysOfTile / sm::exactKeys; }
  /// Parts of the columns of the values.
  int64_t columnParts() const { return width % exactColumns ? 1 : width / exactColumns; }
  void set(ValueRange from, ValueRange to) { made.map(from, to); }
  void setPart(Value number, Value zeros) { part = number, skipZeros = zeros; }
  void setColumnPart(Value number) { columnPart = number; }

  /// A value as it is, or its columns that are in turn, made from what was made before.
  Value make(Value value) {
    Operation *op = value.getDefiningOp();
    if (made.contains(value))
      return made.lookup(value);
    bool isOfBody = op && (op->getBlock() == loop.getBody() || llvm::is_contained(epilogue, op));
    bool isSimple = op && isPure(op) && !op->getNumRegions() &&
                    !isa<tile::DotOp, tile::LoadOp, tile::TransposeOp>(op);
    if (!isOfBody && !(isSimple && ofPoint.contains(op)) && !(op && isNarrowed(value)))
      return value;
    if (auto dot = dyn_cast<tile::DotOp>(op); dot && isOfTile(dot)) {
      Value lhs = makeColumns(dot.getLhs());
      Value rhs = locatePart(loadOf(dot.getRhs()), columnPart);
      made.map(value, multiply(dot, lhs, rhs, make(dot.getAcc())));
    } else if (auto reduce = dyn_cast<tile::ReduceOp>(op))
      made.map(value, tile::ReduceOp::create(builder, op->getLoc(), reduce.getKind(),
                                             makeColumns(reduce.getSource()))
                          .getResult());
    else if (isSimple)
      cloneMade(op);
    else
      return fail(value);
    return made.lookup(value);
  }

  /// A tile's part of columns where it is stored: each thread puts what it holds.
  void put(tile::StoreOp store) {
    Value value = make(store.getValue());
    auto type = cast<RankedTensorType>(value.getType());
    Value place =
        locate(store, type.getDimSize(0), type.getDimSize(1), make(store.getTile()), columnPart);
    sm::PutOp::create(builder, store.getLoc(), value, place);
  }

  SmallVector<Value> make(ValueRange values) {
    return llvm::map_to_vector(values, [&](Value value) { return make(value); });
  }

  /// True if a value was asked for that this is no way to make.
  bool hasFailed() const { return failed; }

private:
  /// The columns of the keys that are in turn.
  Value makeColumns(Value value) {
    if (Value known = columns.lookup(value))
      return known;
    Operation *op = value.getDefiningOp();
    auto whole = dyn_cast<RankedTensorType>(value.getType());
    if (!op || !whole || whole.getDimSize(1) != keysOfTile)
      return fail(value);
    auto type = whole.clone(ArrayRef<int64_t>{whole.getDimSize(0), sm::exactKeys});
    Value result = makeColumns(op, type);
    columns[value] = result;
    return result;
  }

  Value makeColumns(Operation *op, RankedTensorType type) {
    Location loc = op->getLoc();
    SplatElementsAttr splat;
    if (matchPattern(op, m_Constant(&splat)))
      return arith::ConstantOp::create(builder, loc, splat.resizeSplat(type));
    if (auto tensor = dyn_cast<tensor::SplatOp>(op))
      return tensor::SplatOp::create(builder, loc, make(tensor.getInput()), type);
    if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
      Value source = broadcast.getSource();
      bool isColumn = broadcast.getSource().getType().getDimSize(1) == 1;
      return tile::BroadcastOp::create(builder, loc, type,
                                       isColumn ? make(source) : makeColumns(source));
    }
    if (auto positions = dyn_cast<tile::PositionsOp>(op); positions && !positions.isColumn())
      return tile::PositionsOp::create(builder, loc, type, positions.getView(),
                                       make(positions.getBatch()), partOf(positions.getTile()));
    if (isa<tile::IotaOp>(op)) {
      Value count = arith::ConstantIndexOp::create(builder, loc, sm::exactKeys);
      Value first = arith::MulIOp::create(builder, loc, part, count);
      Value number = arith::IndexCastOp::create(builder, loc, type.getElementType(), first);
      Value splat = tensor::SplatOp::create(builder, loc, number, type);
      return arith::AddIOp::create(builder, loc, splat, tile::IotaOp::create(builder, loc, type));
    }
    if (auto dot = dyn_cast<tile::DotOp>(op); dot && isOfRows(dot)) {
      Value lhs = locateRows(dot.getLhs().getDefiningOp<tile::LoadOp>());
      Value rhs = locatePart(loadOf(dot.getRhs()), Value());
      return multiply(dot, lhs, rhs, makeColumns(dot.getAcc()));
    }
    if (!op->hasTrait<OpTrait::Elementwise>() && !isa<tile::MaskOp, tile::GatherOp>(op))
      return fail(op->getResult(0));
    IRMapping operands;
    for (Value operand : op->getOperands())
      operands.map(operand,
                   isa<RankedTensorType>(operand.getType()) ? makeColumns(operand) : make(operand));
    Operation *copy = builder.clone(*op, operands);
    copy->getResult(0).setType(type);
    return copy->getResult(0);
  }

  /// Whether of a value only a part of its columns is made.
  bool isNarrowed(Value value) const {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return columnPart && type && type.getDimSize(1) == width;
  }
  RankedTensorType narrowed(Value value) const {
    auto type = cast<RankedTensorType>(value.getType());
    return type.clone(ArrayRef<int64_t>{type.getDimSize(0), width / columnParts()});
  }

  void cloneMade(Operation *op) {
    bool isPart = op->getNumResults() == 1 && isNarrowed(op->getResult(0));
    SplatElementsAttr splat;
    if (isPart && matchPattern(op, m_Constant(&splat))) {
      auto part = splat.resizeSplat(narrowed(op->getResult(0)));
      made.map(op->getResult(0), arith::ConstantOp::create(builder, op->getLoc(), part));
      return;
    }
    // Others may not be the same for all columns, nor be made of the same columns alone.
    if (isPart && !op->hasTrait<OpTrait::Elementwise>() &&
        !isa<tile::BroadcastOp, tensor::SplatOp>(op))
      fail(op->getResult(0));
    IRMapping operands;
    for (Value operand : op->getOperands())
      operands.map(operand, make(operand));
    Operation *copy = builder.clone(*op, operands);
    if (isPart)
      copy->getResult(0).setType(narrowed(op->getResult(0)));
    made.map(op->getResults(), copy->getResults());
  }

  // tile.dot (tile.load), (tile.transpose (tile.load)), %c
  // ->
  // sm.exact_dot (sm.locate), (sm.locate), %c transposed
  Value multiply(tile::DotOp dot, Value lhs, Value rhs, Value acc) {
    return sm::ExactDotOp::create(builder, dot.getLoc(), acc.getType(), lhs, rhs, acc,
                                  dot.getSkipZeros() ? skipZeros : Value(),
                                  /*transposed=*/isa<sm::PlaceType>(lhs.getType()));
  }

  Value locateRows(tile::LoadOp load) {
    RankedTensorType tile = load.getType();
    return locate(load, tile.getDimSize(0), tile.getDimSize(1), make(load.getTile()), Value());
  }

  /// The keys that are in turn, or a part of the columns of their values.
  Value locatePart(tile::LoadOp load, Value columns) {
    int64_t width = load.getType().getDimSize(1);
    return locate(load, sm::exactKeys, columns ? width / columnParts() : width,
                  partOf(load.getTile()), columns);
  }

  /// Where a load or a store finds a tile of other extents.
  template <typename AccessOp>
  Value locate(AccessOp access, int64_t rows, int64_t columns, Value tile, Value columnPart) {
    tile::ViewType view = access.getView().getType();
    auto type = sm::PlaceType::get(builder.getContext(), rows, columns, view.getElement());
    auto optional = [&](Value value) { return value ? make(value) : value; };
    return sm::LocateOp::create(builder, access.getLoc(), type, access.getView(),
                                make(access.getBatch()), make(access.getHead()), tile, columnPart,
                                optional(access.getStart()), optional(access.getLength()));
  }

  /// The number of the part that is in turn, among those of all tiles.
  Value partOf(Value tile) {
    Location loc = tile.getLoc();
    Value count = arith::ConstantIndexOp::create(builder, loc, parts());
    Value first = arith::MulIOp::create(builder, loc, make(tile), count);
    return arith::AddIOp::create(builder, loc, first, part);
  }

  Value fail(Value value) {
    failed = true;
    return value;
  }

  OpBuilder &builder;
  scf::ForOp loop;
  int64_t keysOfTile, width;
  ArrayRef<Operation *> epilogue;
  SetVector<Operation *> ofPoint; ///< depends on the point
  IRMapping made;
  llvm::DenseMap<Value, Value> columns;
  Value part, skipZeros, columnPart;
  bool failed = false;
};

/// The products of a loop that skip zeros.
SmallVector<tile::DotOp> skippingDots(scf::ForOp loop) {
  auto dots = llvm::to_vector(loop.getBody()->getOps<tile::DotOp>());
  llvm::erase_if(dots, [](tile::DotOp dot) { return !dot.getSkipZeros(); });
  return dots;
}

/// Which iterations of all loops as one are those of loops that skip zeros.
SmallVector<Interval> skippingIterations(OpBuilder &builder, Chain &chain, ExactBody &body) {
  SmallVector<Interval> intervals;
  Value before;
  for (scf::ForOp loop : chain.loops) {
    Value count = body.make(loop.getUpperBound());
    Value end = before ? builder.createOrFold<arith::AddIOp>(loop.getLoc(), before, count) : count;
    if (!skippingDots(loop).empty())
      intervals.push_back({before, end});
    before = end;
  }
  return intervals;
}

/// All loops as one, with the body that does the most: the loops differ in what they may leave
/// out. Null if the body is not understood. What is made in the loop is not for those behind it,
/// so that it takes a copy of what was made before.
scf::ForOp createExactLoop(OpBuilder &builder, Chain &chain, ExactBody body) {
  scf::ForOp first = chain.loops.front();
  Location loc = first.getLoc();
  tile::NthOp nth = nthOf(first);
  SmallVector<Interval> skipping = skippingIterations(builder, chain, body);
  Value all = body.make(first.getUpperBound());
  SmallVector<Value> starts, ends;
  if (nth) {
    for (scf::ForOp loop : chain.loops) {
      llvm::append_range(starts, body.make(nthOf(loop).getStarts()));
      llvm::append_range(ends, body.make(nthOf(loop).getEnds()));
    }
    all = tile::CountOp::create(builder, loc, builder.getIndexType(), starts, ends);
  }
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value parts = arith::ConstantIndexOp::create(builder, loc, body.parts());
  Value upper = arith::MulIOp::create(builder, loc, all, parts);
  auto exact = scf::ForOp::create(builder, loc, zero, upper, one, body.make(first.getInitArgs()));

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(exact.getBody());
  Value counter = exact.getInductionVar();
  Value tile = arith::DivUIOp::create(builder, loc, counter, parts);
  body.setPart(arith::RemUIOp::create(builder, loc, counter, parts),
               isInAny(builder, tile, skipping));
  body.set(first.getInductionVar(), tile);
  if (nth)
    body.set(nth.getResult(), tile::NthOp::create(builder, loc, builder.getIndexType(), tile,
                                                  starts, ends, nth.getDescending())
                                  ->getResults());
  body.set(first.getRegionIterArgs(), exact.getRegionIterArgs());
  scf::YieldOp::create(builder, loc, body.make(first.getYieldedValues()));
  return body.hasFailed() ? scf::ForOp() : exact;
}

/// The columns by which rows of a stored tile were scaled.
SetVector<Value> rowFactorsOf(tile::StoreOp store, const Chain &chain) {
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *op) { return llvm::is_contained(chain.epilogue, op); };
  (void)getBackwardSlice(store.getOperation(), &slice, options);
  SetVector<Value> factors;
  for (Operation *op : slice)
    if (auto broadcast = dyn_cast<tile::BroadcastOp>(op)) {
      RankedTensorType type = broadcast.getSource().getType();
      if (type.getElementType().isF32() && type.getDimSize(0) != 1 && type.getDimSize(1) == 1)
        factors.insert(broadcast.getSource());
    }
  return factors;
}

/// Which parts of rows are not finite though the row saw nothing but numbers.
Value findLeaks(OpBuilder &builder, tile::StoreOp store, const Chain &chain, int64_t parts) {
  Location loc = store.getLoc();
  int64_t rows = store.getValue().getType().getDimSize(0);
  auto type = RankedTensorType::get({rows, parts}, builder.getI1Type());
  Value leaks = sm::NonfiniteRowsOp::create(builder, loc, type, store.getValue());
  for (Value factor : rowFactorsOf(store, chain)) {
    Value isNumber = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ORD, factor, factor);
    Value ofParts = tile::BroadcastOp::create(builder, loc, type, isNumber);
    leaks = arith::AndIOp::create(builder, loc, leaks, ofParts);
  }
  return leaks;
}

/// Columns are numbers of the rows, which no value reaches.
bool isColumn(tile::StoreOp store) { return store.getValue().getType().getDimSize(1) == 1; }

LogicalResult guard(Chain &chain, int64_t parts) {
  scf::ForOp last = chain.loops.back();
  OpBuilder builder(last->getBlock()->getTerminator());
  Location loc = last.getLoc();
  Value any;
  for (tile::StoreOp store : chain.stores) {
    if (isColumn(store))
      continue;
    Value leaks = findLeaks(builder, store, chain, parts);
    Value found = sm::GroupAnyOp::create(builder, loc, builder.getI1Type(), leaks);
    any = any ? arith::OrIOp::create(builder, loc, any, found).getResult() : found;
  }
  if (!any)
    return success();

  // The threads have met, which is what a store that copies begins with.
  for (tile::StoreOp store : chain.stores)
    store->moveBefore(builder.getInsertionBlock()->getTerminator());
  auto rarely = sm::RarelyOp::create(builder, loc, any);
  builder.createBlock(&rarely.getBody());
  ExactBody body(builder, chain);
  if (int64_t parts = body.columnParts(); parts > 1) {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value end = arith::ConstantIndexOp::create(builder, loc, parts);
    auto loop = scf::ForOp::create(builder, loc, zero, end, one);
    body.setColumnPart(loop.getInductionVar());
    builder.setInsertionPointToStart(loop.getBody());
  }
  scf::ForOp exact = createExactLoop(builder, chain, body);
  if (!exact)
    return failure();
  body.set(last.getResults(), exact.getResults());
  for (tile::StoreOp store : chain.stores)
    if (!isColumn(store))
      body.put(store);
  return success(!body.hasFailed());
}

struct GuardProductsPass : impl::GuardProductsPassBase<GuardProductsPass> {
  using GuardProductsPassBase::GuardProductsPassBase;

  void runOnOperation() override {
    SmallVector<tile::DotOp> skipping;
    getOperation().walk([&](tile::DotOp dot) {
      if (dot.getSkipZeros())
        skipping.push_back(dot);
    });
    for (tile::DotOp dot : skipping)
      if (dot.getSkipZeros() && failed(handle(dot)))
        return signalPassFailure();
  }

  LogicalResult handle(tile::DotOp dot) {
    auto loop = dyn_cast<scf::ForOp>(dot->getParentOp());
    if (loop && hidesOnlyPadding(loop, dot)) {
      dot.setSkipZeros(false);
      return success();
    }
    std::optional<Chain> chain = loop ? matchChain(loop, dot) : std::nullopt;
    if (!chain || failed(guard(*chain, parts)))
      return dot.emitOpError("skips zeros in a loop that cannot be computed exactly, which this "
                             "target needs");
    for (scf::ForOp loop : chain->loops)
      for (tile::DotOp skipping : skippingDots(loop))
        skipping.setSkipZeros(false);
    return success();
  }
};

} // namespace
} // namespace tessera
