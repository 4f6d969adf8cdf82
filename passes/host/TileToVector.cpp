//===- TileToVector.cpp - tiles to register-blocked loops over vectors ----===//
//
// Walks a program in order. Scalars are copied as they are. Tiles are computed
// when something needs them in memory: a product, a store, a loop or a branch
// is a barrier, in front of which one row region (RowRegion.cpp) computes what
// it and everything behind it reads.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/host/TileLowering.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_TILETOVECTORPASS
#include "passes/Passes.h.inc"

//===----------------------------------------------------------------------===//
// What may be computed where
//===----------------------------------------------------------------------===//

/// An op in front of which tiles are put into memory.
static bool isBarrier(Operation *op) {
  return isa<tile::DotOp, tile::StoreOp, tile::ExchangeOp, tile::AnyOp, scf::ForOp, scf::IfOp>(
             op) ||
         op->hasTrait<OpTrait::IsTerminator>();
}

static Operation *barrierAfter(Operation *op) {
  while (!isBarrier(op))
    op = op->getNextNode();
  return op;
}

/// Masks are computed where they are read; memory has no place for bits.
static bool isMask(Value tile) { return TileLowering::typeOf(tile).getElementType().isInteger(1); }

static bool isRow(Value tile) { return TileLowering::typeOf(tile).getDimSize(1) == 1; }

/// The product whose accumulator is computed from `tile` and nothing else is:
/// such a chain is computed inside of the product.
static tile::DotOp accumulatorOf(Value tile) {
  while (!isRow(tile) && tile.hasOneUse()) {
    Operation *user = *tile.getUsers().begin();
    if (auto dot = dyn_cast<tile::DotOp>(user))
      return tile.use_begin()->getOperandNumber() == 2 ? dot : tile::DotOp();
    if (isBarrier(user) || user->getNumResults() != 1 ||
        user->getBlock() != tile.getParentBlock() || isa<tile::ReduceOp>(user))
      return {};
    tile = user->getResult(0);
  }
  return {};
}

/// True if a tile is a few integer operations on positions and constants, or is
/// read from a table at such places: done again wherever it is read.
bool TileLowering::isCheap(Value tile) {
  if (auto known = cheap.find(tile); known != cheap.end())
    return known->second;
  Operation *op = tile.getDefiningOp();
  bool result = false;
  if (op && !buffers.find(tile)) {
    if (matchPattern(tile, m_Constant()) ||
        isa<tensor::SplatOp, tile::PositionsOp, tile::IotaOp>(op))
      result = true;
    else if (op->getDialect() == op->getContext()->getLoadedDialect<arith::ArithDialect>() ||
             isa<tile::BroadcastOp, tile::GatherOp, math::AbsIOp>(op))
      result = llvm::all_of(op->getOperands(),
                            [&](Value operand) { return !isTile(operand) || isCheap(operand); });
  }
  return cheap[tile] = result;
}

namespace {

/// When something is read or written: in the row region in front of a barrier,
/// or after it, by the barrier itself.
struct Moment {
  Operation *barrier;
  bool byBarrier;

  bool operator==(const Moment &other) const {
    return barrier == other.barrier && byBarrier == other.byBarrier;
  }
  bool operator<(const Moment &other) const {
    if (barrier != other.barrier)
      return barrier->isBeforeInBlock(other.barrier);
    return !byBarrier && other.byBarrier;
  }
};

} // namespace

/// When `reader` reads its operands for the last time. What gets no memory of
/// its own (masks, accumulators, what only they read) is computed again with
/// whatever reads it.
static Moment lastRead(Operation *reader, Block &block) {
  SetVector<Operation *> readers;
  readers.insert(reader);
  std::optional<Moment> last;
  for (unsigned i = 0; i < readers.size(); ++i) {
    Operation *op = readers[i];
    bool barrier = isBarrier(op);
    Moment moment{barrier ? op : barrierAfter(op), barrier};
    if (!last || *last < moment)
      last = moment;
    if (barrier || op->getNumResults() != 1 || !TileLowering::isTile(op->getResult(0)))
      continue;
    Value tile = op->getResult(0);
    if (isRow(tile) && !isMask(tile))
      continue; // flush() puts rows into memory for whatever reads them
    SmallVector<Operation *> users;
    for (Operation *user : tile.getUsers())
      users.push_back(block.findAncestorOpInBlock(*user));
    bool readLater = llvm::any_of(
        users, [&](Operation *user) { return !user->isBeforeInBlock(moment.barrier); });
    if (!readLater || isMask(tile) || accumulatorOf(tile))
      readers.insert(users.begin(), users.end());
  }
  return *last;
}

/// True if `value` may be computed into the memory in which `occupant` lives:
/// all that reads the occupant is computed before, or at the same place.
static bool mayReplace(Value value, Value occupant, Block &block) {
  Operation *def = value.getDefiningOp();
  if (isa<scf::ForOp>(def))
    return false;
  Moment written{isBarrier(def) ? def : barrierAfter(def), isBarrier(def)};
  for (OpOperand &use : occupant.getUses()) {
    Operation *user = block.findAncestorOpInBlock(*use.getOwner());
    if (!user)
      continue; // outside of the block: before or in another branch
    Moment read = lastRead(user, block);
    if (read < written)
      continue;
    if (written < read)
      return false;
    // A left operand is read while the result is written; an accumulator is
    // read element by element, each before it is written.
    if (isa<tile::DotOp>(def) && (user != def || use.getOperandNumber() == 2))
      continue;
    if (isa<scf::IfOp>(def) && user == def)
      continue; // each branch decides for itself
    // The same row region: rows are written after all of it is read.
    if (isBarrier(def) || !isRow(occupant))
      return false;
  }
  return true;
}

void TileLowering::planInPlace(Block &block, ValueRange yields, ArrayRef<Buffer> targets,
                               ValueRange occupants) {
  for (auto [value, target, occupant] : llvm::zip_equal(yields, targets, occupants)) {
    bool once = llvm::count(yields, value) == 1;
    if (once && value.getDefiningOp() && value.getParentBlock() == &block &&
        (!occupant || mayReplace(value, occupant, block)))
      inPlace[value] = {target, occupant};
  }
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// Computes what `barrier` and everything behind it reads of the pending ops,
/// and the tiles in `demanded` in any case.
void TileLowering::flush(Operation *barrier, ArrayRef<std::pair<Value, Buffer>> demanded) {
  for (auto &[tile, buffer] : demanded)
    if (isCheap(tile))
      transient.push_back(tile);

  SmallVector<std::pair<Value, Buffer>> results(demanded);
  auto request = [&](Value tile) {
    if (!buffers.find(tile) && !isCheap(tile) &&
        llvm::none_of(results, [&](auto &result) { return result.first == tile; }))
      results.push_back({tile, inPlace.lookup(tile).target});
  };
  // A tile that is computed later, in a product or as a mask, needs its rows.
  std::function<void(Value)> requestRowsOf = [&](Value tile) {
    for (Value operand : tile.getDefiningOp()->getOperands()) {
      if (!isTile(operand) || !pending.contains(operand.getDefiningOp()))
        continue;
      if (isRow(operand) && !isMask(operand))
        request(operand);
      else if (operand.getDefiningOp<tile::ReduceOp>())
        request(operand);
      else
        requestRowsOf(operand);
    }
  };
  for (Operation *op : pending) {
    Value tile = op->getResult(0);
    bool readLater =
        llvm::any_of(tile.getUsers(), [&](Operation *user) { return !pending.contains(user); });
    if (!readLater)
      continue;
    if (isMask(tile) || accumulatorOf(tile))
      requestRowsOf(tile);
    else if (!isa<tile::TransposeOp>(op))
      request(tile);
  }
  computeRows(results);
  pending.clear();
}

/// Cheap tiles are in memory for one barrier only: called when it is lowered.
void TileLowering::forgetTransient() {
  for (Value tile : transient)
    buffers.forget(tile);
  transient.clear();
}

void TileLowering::lowerBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (failed)
      return;
    emit.setLoc(op.getLoc());
    if (auto load = dyn_cast<tile::LoadOp>(op)) {
      lowerLoad(load);
    } else if (auto dot = dyn_cast<tile::DotOp>(op)) {
      SmallVector<std::pair<Value, Buffer>, 1> demanded;
      if (!buffers.find(dot.getLhs()))
        demanded.push_back({dot.getLhs(), {}});
      flush(dot, demanded);
      if (failed)
        return;
      Buffer result = inPlace.lookup(dot.getResult()).target;
      if (!result)
        result = allocateFor(dot.getResult());
      lowerDot(dot, result);
      buffers.place(dot.getResult(), result);
      forgetTransient();
    } else if (auto store = dyn_cast<tile::StoreOp>(op)) {
      SmallVector<std::pair<Value, Buffer>, 1> demanded;
      RankedTensorType type = typeOf(store.getValue());
      // What nothing else reads is rounded once, where it is computed.
      bool narrow =
          type.getElementType().getIntOrFloatBitWidth() == 16 && store.getValue().hasOneUse();
      if (!buffers.find(store.getValue()))
        demanded.push_back(
            {store.getValue(), narrow ? buffers.allocate(type.getDimSize(0), type.getDimSize(1),
                                                         type.getElementType())
                                      : Buffer()});
      flush(store, demanded);
      if (failed)
        return;
      lowerStore(store, buffers.find(store.getValue()));
      forgetTransient();
    } else if (auto exchange = dyn_cast<tile::ExchangeOp>(op)) {
      SmallVector<std::pair<Value, Buffer>, 1> demanded;
      if (!buffers.find(exchange.getSource()))
        demanded.push_back({exchange.getSource(), Buffer()});
      flush(exchange, demanded);
      if (failed)
        return;
      Buffer result = allocateFor(exchange.getResult());
      lowerExchange(exchange, buffers.find(exchange.getSource()), result);
      buffers.place(exchange.getResult(), result);
      forgetTransient();
    } else if (auto any = dyn_cast<tile::AnyOp>(op)) {
      flush(any);
      scalars.map(any.getResult(), lowerAny(any));
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      lowerFor(loop);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      lowerIf(branch);
    } else if (auto extent = dyn_cast<tile::ExtentOp>(op)) {
      scalars.map(extent.getResult(), lowerExtent(extent));
    } else if (auto length = dyn_cast<tile::LengthOp>(op)) {
      scalars.map(length.getResult(), views.lookup(length.getView()).rows);
    } else if (auto fetch = dyn_cast<tile::FetchOp>(op)) {
      scalars.map(fetch.getResult(), lowerFetch(fetch));
    } else if (llvm::any_of(op.getResults(), isTile)) {
      pending.insert(&op);
    } else if (op.getNumRegions() != 0 || llvm::any_of(op.getOperands(), isTile)) {
      unsupported(&op, "is neither arithmetic nor an op of the tile dialect");
    } else {
      emit.clone(op, scalars);
    }
  }
}

/// Puts what a block yields where it belongs.
void TileLowering::finishBlock(ValueRange yields, ArrayRef<Buffer> targets) {
  SmallVector<std::pair<Value, Buffer>> demanded;
  for (Value value : yields)
    if (!buffers.find(value) &&
        llvm::none_of(demanded, [&](auto &known) { return known.first == value; }))
      demanded.push_back({value, inPlace.lookup(value).target});
  flush(nullptr, demanded);
  if (failed)
    return;

  SmallVector<std::pair<Buffer, Buffer>> moves;
  for (auto [value, target] : llvm::zip_equal(yields, targets)) {
    Buffer from = buffers.find(value);
    if (from == target)
      continue;
    // What another move overwrites is set aside first.
    if (llvm::is_contained(targets, from)) {
      Buffer aside = allocateFor(value);
      copy(from, aside);
      from = aside;
    }
    moves.push_back({from, target});
  }
  for (auto &[from, target] : moves)
    copy(from, target);
  forgetTransient();
}

// scf.for with tiles as its state  ->  scf.for over buffers
void TileLowering::lowerFor(scf::ForOp op) {
  SmallVector<Buffer> state;
  SmallVector<std::pair<Value, Buffer>> demanded, copies;
  for (Value init : op.getInitArgs()) {
    if (!isTile(init) || isMask(init))
      return unsupported(op, "carries what is not a tile of numbers");
    Buffer place = buffers.find(init);
    bool owned = place.temporary || isa_and_nonnull<scf::ForOp, scf::IfOp>(init.getDefiningOp());
    if (place && owned && init.hasOneUse() && init.getParentBlock() == op->getBlock()) {
      state.push_back(place); // the loop takes it over
    } else {
      state.push_back(allocateFor(init));
      bool direct = !place && (init.hasOneUse() || isCheap(init));
      (direct ? demanded : copies).push_back({init, state.back()});
    }
    state.back().temporary = false;
  }
  flush(op, demanded);
  if (failed)
    return;
  for (auto &[init, target] : copies)
    copy(buffers.find(init), target);
  forgetTransient();
  for (auto [argument, place] : llvm::zip_equal(op.getRegionIterArgs(), state))
    buffers.place(argument, place);

  int64_t mark = buffers.mark();
  auto yield = cast<scf::YieldOp>(op.getBody()->getTerminator());
  planInPlace(*op.getBody(), yield.getOperands(), state, op.getRegionIterArgs());
  auto loop = scf::ForOp::create(emit, emit.loc(), scalar(op.getLowerBound()),
                                 scalar(op.getUpperBound()), scalar(op.getStep()));
  {
    OpBuilder::InsertionGuard guard(emit);
    emit.setInsertionPointToStart(loop.getBody());
    scalars.map(op.getInductionVar(), loop.getInductionVar());
    lowerBlock(*op.getBody());
    if (!failed)
      finishBlock(yield.getOperands(), state);
  }
  buffers.release(mark);
  for (auto [result, place] : llvm::zip_equal(op.getResults(), state))
    buffers.place(result, place);
}

// scf.if with tiles as its results  ->  scf.if over buffers
void TileLowering::lowerIf(scf::IfOp op) {
  flush(op);
  SmallVector<Buffer> targets;
  SmallVector<Value> occupants;
  for (OpResult result : op.getResults()) {
    if (!isTile(result) || isMask(result))
      return unsupported(op, "yields what is not a tile of numbers");
    auto [target, occupant] = inPlace.lookup(result);
    if (!target)
      target = allocateFor(result);
    target.temporary = false;
    targets.push_back(target);
    occupants.push_back(occupant);
  }
  bool hasElse = op.elseBlock() != nullptr;
  auto branch =
      scf::IfOp::create(emit, emit.loc(), TypeRange(), scalar(op.getCondition()), hasElse);
  auto lowerBranch = [&](Block &from, Block &to) {
    OpBuilder::InsertionGuard guard(emit);
    emit.setInsertionPointToStart(&to);
    int64_t mark = buffers.mark();
    ValueRange yields = from.getTerminator()->getOperands();
    planInPlace(from, yields, targets, occupants);
    lowerBlock(from);
    if (!failed)
      finishBlock(yields, targets);
    buffers.release(mark);
  };
  lowerBranch(*op.thenBlock(), *branch.thenBlock());
  if (hasElse)
    lowerBranch(*op.elseBlock(), *branch.elseBlock());
  for (auto [result, target] : llvm::zip_equal(op.getResults(), targets))
    buffers.place(result, target);
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

TileLowering::TileLowering(func::FuncOp source, HostMachine machine, bool checked)
    : emit(source.getContext()), buffers(emit), machine(machine), checked(checked), source(source) {
}

Type TileLowering::bufferElement(Value tile) {
  Type element = typeOf(tile).getElementType();
  return isa<FloatType>(element) ? emit.getF32Type() : element;
}

Buffer TileLowering::allocateFor(Value tile) {
  RankedTensorType type = typeOf(tile);
  return buffers.allocate(type.getDimSize(0), type.getDimSize(1), bufferElement(tile));
}

void TileLowering::unsupported(Operation *op, const Twine &reason) {
  op->emitOpError("on the host target: ") << reason;
  failed = true;
}

int64_t TileLowering::vectorSize(int64_t size, int64_t most) {
  int64_t vector = 1;
  while (vector * 2 <= most && size % (vector * 2) == 0)
    vector *= 2;
  return vector;
}

/// Fills the scratch memory with NaN, so that a tile that is read before it is
/// written shows in the result.
void TileLowering::poisonScratch() {
  OpBuilder::InsertionGuard guard(emit);
  emit.setInsertionPointToStart(&lowered.getBody().front());
  Value scratch = lowered.getArguments().back();
  Value poison = emit.number(std::numeric_limits<float>::quiet_NaN());
  emit.loop(emit.index(0), emit.index(buffers.bytes() / sizeof(float)), 1,
            [&](Value i) { emit.store(poison, emit.at(scratch, emit.getF32Type(), i)); });
}

LogicalResult TileLowering::run() {
  emit.setInsertionPoint(source);
  emit.setLoc(source.getLoc());
  Type pointer = emit.pointer(), index = emit.getIndexType();
  bool isExtents = source.getNumResults() != 0;
  SmallVector<Type> inputs{pointer};
  if (!isExtents)
    inputs.append(3, index); // tile, head, batch
  inputs.push_back(pointer); // scratch, or where the extents go
  lowered = func::FuncOp::create(emit, source.getLoc(), source.getName(),
                                 emit.getFunctionType(inputs, {}));
  Block *entry = lowered.addEntryBlock();
  emit.setInsertionPointToStart(entry);
  argumentBlock = entry->getArgument(0);
  Value last = entry->getArguments().back();
  buffers.start(last, entry);
  readArguments();
  if (!isExtents)
    for (auto [from, to] :
         llvm::zip_equal(source.getArguments().take_back(3), entry->getArguments().slice(1, 3)))
      scalars.map(from, to);

  lowerBlock(source.getBody().front());
  if (failed)
    return failure();
  if (isExtents) {
    auto results = source.getBody().front().getTerminator()->getOperands();
    for (auto [i, extent] : llvm::enumerate(results)) {
      Value wide = arith::IndexCastOp::create(emit, emit.loc(), emit.getI64Type(), scalar(extent));
      emit.store(wide, emit.atBytes(last, 8 * i));
    }
  } else {
    lowered->setAttr(scratchBytesName, emit.getI64IntegerAttr(buffers.bytes()));
    if (checked)
      poisonScratch();
  }
  func::ReturnOp::create(emit, emit.loc());
  source.erase();
  return success();
}

namespace {

struct TileToVectorPass : impl::TileToVectorPassBase<TileToVectorPass> {
  using TileToVectorPassBase::TileToVectorPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (func::FuncOp func : llvm::make_early_inc_range(module.getOps<func::FuncOp>())) {
      if (func.isExternal())
        continue;
      TileLowering lowering(func, {vectorBits, registers}, checked);
      if (mlir::failed(lowering.run()))
        return signalPassFailure();
    }
    if (!checked)
      return;
    OpBuilder builder(module.getBody(), module.getBody()->begin());
    Type integer = builder.getI64Type();
    LLVM::LLVMFuncOp::create(builder, module.getLoc(), violationName,
                             LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                                         {integer, integer, integer, integer}));
  }
};

} // namespace
} // namespace tessera
