//===- PlaceBuffers.cpp - operands of products in shared memory -----------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"
#include "passes/ir/Sm.h"
#include "passes/schedule/Factor.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_PLACEBUFFERSPASS
#include "passes/Passes.h.inc"

namespace {

/// Tiles of one shape from one view share a ring.
using RingKey = std::pair<Value, Type>;

/// The products that read a load, through transpositions, who passes over it, or reads the strip
/// beside it. Nothing if something else reads it too.
std::optional<SmallVector<Operation *>> readersOf(tile::LoadOp load) {
  SmallVector<Operation *> all;
  for (Operation *user : load->getUsers()) {
    SmallVector<Operation *> readers{user};
    if (isa<tile::TransposeOp>(user))
      readers.assign(user->user_begin(), user->user_end());
    for (Operation *reader : readers) {
      if (!isa<tile::DotOp, sm::PassOverOp, sm::GatherStripOp>(reader))
        return std::nullopt;
      all.push_back(reader);
    }
  }
  if (all.empty())
    return std::nullopt;
  return all;
}

/// Who reads the strip beside a load; null if there is none.
sm::GatherStripOp stripOf(tile::LoadOp load) {
  for (Operation *user : load->getUsers())
    if (auto strip = dyn_cast<sm::GatherStripOp>(user))
      return strip;
  return nullptr;
}

/// The op of `block` that holds `op`.
Operation *ancestorIn(Block *block, Operation *op) { return block->findAncestorOpInBlock(*op); }

/// Whether an op runs more than once for a point of the grid.
bool isInLoop(Operation *op) { return op->getParentOfType<scf::ForOp>() != nullptr; }

/// Whether something inside of an op loads into the ring of a load.
bool fills(Operation *op, tile::LoadOp load) {
  WalkResult walk = op->walk([&](tile::LoadOp other) {
    bool isSame = other.getView() == load.getView() && other.getType() == load.getType();
    return isSame ? WalkResult::interrupt() : WalkResult::advance();
  });
  return walk.wasInterrupted();
}

/// Releases a buffer behind the last of the readers in a block, on every side of a branch.
void releaseIn(Block *block, Value slot, ArrayRef<Operation *> readers) {
  Operation *last = nullptr;
  for (Operation *reader : readers)
    if (Operation *user = block->findAncestorOpInBlock(*reader);
        user && (!last || last->isBeforeInBlock(user)))
      last = user;
  OpBuilder builder = OpBuilder::atBlockBegin(block);
  if (auto branch = dyn_cast_or_null<scf::IfOp>(last); branch && branch.elseBlock()) {
    releaseIn(branch.thenBlock(), slot, readers);
    releaseIn(branch.elseBlock(), slot, readers);
    return;
  }
  if (last)
    builder.setInsertionPointAfter(last);
  sm::ReleaseOp::create(builder, slot.getLoc(), slot);
}

struct PlaceBuffersPass : impl::PlaceBuffersPassBase<PlaceBuffersPass> {
  using PlaceBuffersPassBase::PlaceBuffersPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    SmallVector<tile::LoadOp> loads;
    func.walk([&](tile::LoadOp load) { loads.push_back(load); });
    struct Need {
      bool isStreamed = false; // tiles are in flight
      int64_t strip = 0;       // the longest
    };
    llvm::MapVector<RingKey, Need> rings;
    for (tile::LoadOp load : loads) {
      Need &need = rings[{load.getView(), load.getType()}];
      need.isStreamed |= isInLoop(load);
      if (sm::GatherStripOp strip = stripOf(load))
        need.strip = std::max(need.strip, strip.getStripLength());
    }

    OpBuilder builder = OpBuilder::atBlockBegin(&func.getBody().front());
    llvm::DenseMap<RingKey, Value> made;
    for (auto &[key, need] : rings) {
      auto tile = cast<RankedTensorType>(key.second);
      auto type = sm::RingType::get(&getContext(), need.isStreamed ? stages : outerStages,
                                    tile.getDimSize(0), tile.getDimSize(1), tile.getElementType(),
                                    need.strip);
      made[key] = sm::MakeRingOp::create(builder, func.getLoc(), type);
    }
    for (tile::LoadOp load : loads)
      if (failed(place(load, made[{load.getView(), load.getType()}])))
        return signalPassFailure();
    if (failed(checkHeld()))
      return signalPassFailure();
    func.walk([&](tile::DotOp dot) {
      if (failed(issue(dot)))
        signalPassFailure();
    });
    func.walk(
        [&](sm::GatherStripOp op) { op.getSourceMutable().assign(slots.lookup(op.getSource())); });
    func.walk([](sm::PassOverOp op) { op.erase(); });
  }

  //   %x = tile.load ...
  // ->
  //   sm.fill %ring, ...
  //   ...
  //   %x = sm.acquire %ring        before the first product that reads it
  //   ...
  //   sm.release %x                behind the last one
  LogicalResult place(tile::LoadOp load, Value ring) {
    std::optional<SmallVector<Operation *>> readers = readersOf(load);
    if (!readers)
      return load.emitOpError("is read by more than matrix products, which this target cannot do "
                              "yet");
    if (load.getPages())
      return load.emitOpError("goes through pages, which this target cannot do yet");
    OpBuilder builder(load);
    Location loc = load.getLoc();
    auto ringType = cast<sm::RingType>(ring.getType());
    // Who passes over a tile takes one that was filled for others.
    if (!isa<sm::PassOverOp>(readers->front()))
      fill(builder, load, ring);

    Operation *first = nullptr;
    for (Operation *reader : *readers) {
      Operation *user = ancestorIn(load->getBlock(), reader);
      if (!first || user->isBeforeInBlock(first))
        first = user;
    }
    // Buffers are acquired in the order in which they are filled.
    Operation *op = load->getNextNode();
    while (op != first && !(op->getNumRegions() && fills(op, load)))
      op = op->getNextNode();
    first = op;
    SmallVector<sm::AcquireOp> &before = acquired[{load->getBlock(), ring}];
    for (sm::AcquireOp acquire : before)
      if (first->isBeforeInBlock(acquire))
        moveBefore(acquire, first);
    builder.setInsertionPoint(first);
    auto slotType = sm::SlotType::get(&getContext(), ringType.getRows(), ringType.getColumns(),
                                      ringType.getElement());
    auto slot = sm::AcquireOp::create(builder, loc, slotType, ring);
    // Rows past the end of a view are zero already, those past the end of a sequence within it
    // are not. A tile that was left over from a masked iteration may be read in any loop.
    if (load.getPadding() == tile::Padding::Zero && load.getLength())
      sm::ZeroTailOp::create(builder, loc, slot, load.getTile(), load.getLength());
    releaseIn(load->getBlock(), slot, *readers);
    before.push_back(slot);
    slots[load.getResult()] = slot;
    return success();
  }

  static void fill(OpBuilder &builder, tile::LoadOp load, Value ring) {
    sm::FillOp::create(builder, load.getLoc(), ring, load.getView(), load.getBatch(),
                       load.getHead(), load.getTile(), load.getStart());
    if (!cast<sm::RingType>(ring.getType()).getStrip())
      return;
    if (sm::GatherStripOp strip = stripOf(load))
      sm::FillStripOp::create(builder, strip.getLoc(), ring, load.getTile(), strip.getTable(),
                              strip.getCoordinates(), strip.getFactor(), strip.getAlongAttr(),
                              builder.getI64IntegerAttr(strip.getStep()));
    else
      sm::FillStripOp::create(builder, load.getLoc(), ring, load.getTile(), /*table=*/Value(),
                              /*coordinates=*/ValueRange(), /*factor=*/Value(),
                              /*along=*/IntegerAttr(), /*step=*/IntegerAttr());
  }

  /// Together with what makes the buffer ready.
  static void moveBefore(sm::AcquireOp acquire, Operation *place) {
    auto zero = dyn_cast_if_present<sm::ZeroTailOp>(acquire->getNextNode());
    acquire->moveBefore(place);
    if (zero && zero.getSlot() == acquire.getSlot())
      zero->moveBefore(place);
  }

  /// A ring that has fewer buffers than are in use at once would wait for itself.
  LogicalResult checkHeld() {
    for (auto &[place, acquires] : acquired) {
      int64_t stages = cast<sm::RingType>(place.second.getType()).getStages();
      for (auto [i, acquire] : llvm::enumerate(acquires)) {
        int64_t held = 1;
        for (sm::AcquireOp earlier : ArrayRef(acquires).take_front(i))
          held += !isReleasedBefore(earlier, acquire);
        if (held > stages)
          return acquire.emitOpError("holds ")
                 << held << " tiles of one view and shape at once, where there are " << stages
                 << " buffers";
      }
    }
    return success();
  }

  static bool isReleasedBefore(sm::AcquireOp acquire, Operation *op) {
    return llvm::all_of(acquire->getUsers(), [&](Operation *user) {
      Operation *here = ancestorIn(op->getBlock(), user);
      return !isa<sm::ReleaseOp>(user) || (here && here->isBeforeInBlock(op));
    });
  }

  //   %y = tile.dot %a, %b, %c
  // ->
  //   %p = sm.dot %a, %b acc %c
  //   %y = sm.await %p pending 0
  LogicalResult issue(tile::DotOp dot) {
    OpBuilder builder(dot);
    Value rhs = dot.getRhs(), lhs = dot.getLhs();
    bool transposed = false;
    if (auto transpose = rhs.getDefiningOp<tile::TransposeOp>())
      rhs = transpose.getSource(), transposed = true;
    if (!slots.count(rhs))
      return dot.emitOpError("has a right operand that is not loaded, which this target cannot do "
                             "yet");
    if (auto slot = slots.lookup(lhs))
      lhs = slot;
    Value acc = dot.getAcc();
    if (isZeroSplat(acc))
      acc = {};
    Value product = sm::DotOp::create(builder, dot.getLoc(), dot.getType(), lhs, slots.lookup(rhs),
                                      acc, transposed);
    auto result = sm::AwaitOp::create(builder, dot.getLoc(), dot.getType(), product, /*pending=*/0);
    dot.replaceAllUsesWith(result.getResult());
    dot.erase();
    return success();
  }

  llvm::DenseMap<Value, Value> slots; ///< of loads
  /// Of a ring in a block, in the order in which it is filled.
  llvm::MapVector<std::pair<Block *, Value>, SmallVector<sm::AcquireOp>> acquired;
};

} // namespace
} // namespace tessera
