//===- LowerViews.cpp - where the rows of a view lie ----------------------===//
//
// A program speaks of sequences; the key says how they are kept. Afterwards
// every load and store names the row it starts from and the rows there are, and
// lengths are arithmetic over tables.
//
//===----------------------------------------------------------------------===//

#include "dsl/Key.h"
#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_LOWERVIEWSPASS
#include "passes/Passes.h.inc"

namespace {

/// How the sequences of one name are kept.
struct Placement {
  bool packed = false; ///< one behind the other, from `cu_seqlens_<name>` on
  bool used = false;   ///< only the first `seqused_<name>` rows count
  bool paged = false;  ///< in pages that `page_table` names
};

Placement placementOf(const Key &key, StringRef sequences) {
  if (sequences == "q")
    return {.packed = key.varlenQ};
  if (sequences == "kv")
    return {.packed = key.varlenKv, .used = key.seqUsedKv, .paged = key.paged};
  return {};
}

class ViewLowering {
public:
  ViewLowering(func::FuncOp func, Key key) : func(func), key(key), builder(func.getContext()) {}

  void run() {
    // Arguments that are added on the way are no views.
    for (BlockArgument view : llvm::to_vector(func.getArguments()))
      if (auto name = func.getArgAttrOfType<StringAttr>(view.getArgNumber(), sequencesName))
        lower(view, name.getValue(), placementOf(key, name));
  }

private:
  void lower(BlockArgument view, StringRef name, Placement placement) {
    if (!placement.packed && !placement.used && !placement.paged)
      return;
    for (Operation *user : llvm::make_early_inc_range(view.getUsers())) {
      builder.setInsertionPoint(user);
      if (auto extent = dyn_cast<tile::ExtentOp>(user))
        lower(extent, name, placement);
      else if (auto length = dyn_cast<tile::LengthOp>(user))
        replace(length, lengthOf(length.getLoc(), view, length.getBatch(), name, placement));
      else if (auto load = dyn_cast<tile::LoadOp>(user))
        place(load, view, name, placement);
      else if (auto store = dyn_cast<tile::StoreOp>(user))
        place(store, view, name, placement);
    }
  }

  /// The argument of a name; it is added if there is none.
  Value argument(const Twine &twine, Type type) {
    StringAttr name = builder.getStringAttr(twine);
    for (BlockArgument known : func.getArguments())
      if (func.getArgAttr(known.getArgNumber(), argumentName) == name)
        return known;
    unsigned number = func.getNumArguments();
    auto attributes = builder.getDictionaryAttr(builder.getNamedAttr(argumentName, name));
    LogicalResult inserted = func.insertArgument(number, type, attributes, func.getLoc());
    assert(succeeded(inserted) && "an argument can always be appended");
    (void)inserted;
    return func.getArgument(number);
  }
  Value table(const Twine &name, int64_t rank) {
    return argument(name, tile::TableType::get(builder.getContext(), rank, builder.getI32Type()));
  }

  /// `table[batch]` as an index.
  Value entry(Location loc, Value table, Value batch) {
    Value number = tile::FetchOp::create(builder, loc, builder.getI32Type(), table, batch);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), number);
  }

  // How many sequences there are, and the longest of them, are numbers of a
  // call: they cannot be read off a packed or paged view.
  void lower(tile::ExtentOp op, StringRef name, Placement placement) {
    bool known = op.getAxis() == tile::Axis::Heads || (!placement.packed && !placement.paged);
    if (known)
      return;
    bool batches = op.getAxis() == tile::Axis::Batches;
    replace(op, argument(batches ? Twine("batch") : "max_seqlen_" + name, builder.getIndexType()));
  }

  Value lengthOf(Location loc, Value view, Value batch, StringRef name, Placement placement) {
    if (placement.used)
      return entry(loc, table("seqused_" + name, 1), batch);
    if (!placement.packed)
      return tile::LengthOp::create(builder, loc, builder.getIndexType(), view, batch);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value next = arith::AddIOp::create(builder, loc, batch, one);
    Value starts = table("cu_seqlens_" + name, 1);
    return arith::SubIOp::create(builder, loc, entry(loc, starts, next), entry(loc, starts, batch));
  }

  template <class Access>
  void place(Access op, Value view, StringRef name, Placement placement) {
    Location loc = op.getLoc();
    Value batch = op.getBatch();
    if (!op.getLength())
      op.getLengthMutable().assign(lengthOf(loc, view, batch, name, placement));
    if (placement.packed) {
      Value start = entry(loc, table("cu_seqlens_" + name, 1), batch);
      if (op.getStart())
        start = arith::AddIOp::create(builder, loc, op.getStart(), start);
      op.getStartMutable().assign(start);
      Value only = arith::ConstantIndexOp::create(builder, loc, 0);
      op.getBatchMutable().assign(only);
    }
    if (placement.paged)
      op.getPagesMutable().assign(table("page_table", 2));
  }

  void replace(Operation *op, Value value) {
    op->getResult(0).replaceAllUsesWith(value);
    op->erase();
  }

  func::FuncOp func;
  Key key;
  OpBuilder builder;
};

struct LowerViewsPass : impl::LowerViewsPassBase<LowerViewsPass> {
  void runOnOperation() override {
    auto text = getOperation()->getAttrOfType<StringAttr>(keyName);
    if (!text) {
      getOperation().emitError("has no ") << keyName << ": specialize it first";
      return signalPassFailure();
    }
    llvm::Expected<Key> key = parseKey(text);
    if (!key) {
      getOperation().emitError(llvm::toString(key.takeError()));
      return signalPassFailure();
    }
    for (func::FuncOp func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal())
        ViewLowering(func, *key).run();
  }
};

} // namespace
} // namespace tessera
