//===- TileOps.cpp - verifiers, folders and inferred types ----------------===//

#include "dsl/Key.h"
#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tessera;
using namespace tessera::tile;

#define GET_OP_CLASSES
#include "dsl/ir/TileOps.cpp.inc"

LogicalResult KeyFlagOp::verify() {
  if (isKeyFlag(getFlag())) // key_flag_c1
    return success();
  return emitOpError("unknown flag \"")
         << getFlag() << "\", the nearest is \"" << nearestKeyFlag(getFlag()) << "\"";
}

LogicalResult GridOp::verify() {
  auto func = dyn_cast<func::FuncOp>((*this)->getParentOp());
  if (!func || getOperation()->getBlock() != &func.getBody().front()) // grid_c1
    return emitOpError("must stand in the entry block of a function");
  for (auto other : func.getBody().front().getOps<GridOp>())
    if (other != *this && other->isBeforeInBlock(*this)) // grid_c1
      return emitOpError("the function already has a grid");
  return success();
}

LogicalResult PositionsOp::verify() {
  ArrayRef<int64_t> shape = getResult().getType().getShape();
  if (shape[0] != 1 && shape[1] != 1) // positions_c1
    return emitOpError("result must have one row or one column, found ")
           << shape[0] << " x " << shape[1];
  return success();
}

/// Shared by load and store: a tile and the view it lies in.
static LogicalResult verifyTileOfView(Operation *op, RankedTensorType tile, ViewType view) {
  if (tile.getDimSize(1) != view.getWidth()) // load_c1, store_c1
    return op->emitOpError("tile is ")
           << tile.getDimSize(1) << " wide, the view is " << view.getWidth();
  if (tile.getElementType() != view.getElement()) // load_c2, store_c2
    return op->emitOpError("tile has elements of ")
           << tile.getElementType() << ", the view of " << view.getElement();
  return success();
}

/// Shared by load and store.
static LogicalResult verifyPages(Operation *op, TypedValue<tile::TableType> pages) {
  if (!pages)
    return success();
  tile::TableType type = pages.getType();
  if (type.getRank() != 2 || !type.getElement().isInteger(32)) // load_c3, store_c3
    return op->emitOpError("pages must be !tile.table<2xi32>, found ") << type;
  return success();
}

LogicalResult LoadOp::verify() {
  if (failed(verifyPages(*this, getPages())))
    return failure();
  return verifyTileOfView(*this, getResult().getType(), getView().getType());
}

LogicalResult StoreOp::verify() {
  if (failed(verifyPages(*this, getPages())))
    return failure();
  return verifyTileOfView(*this, getValue().getType(), getView().getType());
}

/// Shared by fetch and gather.
static LogicalResult verifyTable(Operation *op, tile::TableType table, size_t coordinates,
                                 Type element) {
  if (static_cast<int64_t>(coordinates) != table.getRank()) // fetch_c1, gather_c1
    return op->emitOpError("has ")
           << coordinates << " coordinates, the table has " << table.getRank() << " dimensions";
  if (element != table.getElement()) // fetch_c2, gather_c2
    return op->emitOpError("gives ") << element << ", the table holds " << table.getElement();
  return success();
}

LogicalResult FetchOp::verify() {
  return verifyTable(*this, getTable().getType(), getCoordinates().size(), getResult().getType());
}

LogicalResult GatherOp::verify() {
  RankedTensorType type = getResult().getType();
  for (Value coordinate : getCoordinates()) {
    auto shaped = cast<RankedTensorType>(coordinate.getType());
    if (shaped.getShape() != type.getShape()) // gather_c2
      return emitOpError("coordinates are ") << shaped << ", the result is " << type;
  }
  return verifyTable(*this, getTable().getType(), getCoordinates().size(), type.getElementType());
}

// `%table[%i, %j] : !tile.table<2xf32>, tensor<96x64xi32> -> tensor<96x64xf32>`
ParseResult GatherOp::parse(OpAsmParser &parser, OperationState &state) {
  OpAsmParser::UnresolvedOperand table;
  SmallVector<OpAsmParser::UnresolvedOperand> coordinates;
  Type tableType, coordinateType, result;
  if (parser.parseOperand(table) ||
      parser.parseOperandList(coordinates, OpAsmParser::Delimiter::Square) ||
      parser.parseOptionalAttrDict(state.attributes) || parser.parseColonType(tableType) ||
      parser.parseComma() || parser.parseType(coordinateType) || parser.parseArrow() ||
      parser.parseType(result) || parser.resolveOperand(table, tableType, state.operands) ||
      parser.resolveOperands(coordinates, coordinateType, state.operands))
    return failure();
  state.addTypes(result);
  return success();
}

void GatherOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getTable() << '[' << getCoordinates() << ']';
  printer.printOptionalAttrDict((*this)->getAttrs());
  printer << " : " << getTable().getType() << ", " << getCoordinates().front().getType() << " -> "
          << getType();
}

LogicalResult IotaOp::verify() {
  if (getResult().getType().getDimSize(0) != 1) // iota_c1
    return emitOpError("result must have one row, found ") << getResult().getType().getDimSize(0);
  return success();
}

LogicalResult ExchangeOp::verify() {
  auto run = static_cast<int64_t>(getRun());
  if (run <= 0) // exchange_c1
    return emitOpError("run must be positive, found ") << run;
  return success();
}

LogicalResult DotOp::verify() {
  ArrayRef<int64_t> lhs = getLhs().getType().getShape();
  ArrayRef<int64_t> rhs = getRhs().getType().getShape();
  ArrayRef<int64_t> acc = getAcc().getType().getShape();
  if (lhs[1] != rhs[0]) // dot_c1
    return emitOpError("contraction sizes differ: lhs has ")
           << lhs[1] << " columns, rhs has " << rhs[0] << " rows";
  if (acc[0] != lhs[0] || acc[1] != rhs[1]) // dot_c2
    return emitOpError("accumulator must be ")
           << lhs[0] << " x " << rhs[1] << ", found " << acc[0] << " x " << acc[1];
  return success();
}

/// Operands are not verified yet when the type of a result is inferred.
static FailureOr<RankedTensorType> tileTypeOf(std::optional<Location> loc, StringRef op,
                                              Value source) {
  auto type = dyn_cast<RankedTensorType>(source.getType());
  if (type && type.hasStaticShape() && type.getRank() == 2)
    return type;
  return emitOptionalError(loc, "'", op, "' op operand #0 must be tile, but got ",
                           source.getType());
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                                            Adaptor adaptor, SmallVectorImpl<Type> &inferred) {
  auto found = tileTypeOf(loc, getOperationName(), adaptor.getSource());
  if (failed(found))
    return failure();
  RankedTensorType type = *found;
  inferred.push_back(
      RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType()));
  return success();
}

// transpose(transpose(x)) -> x
OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (auto inner = getSource().getDefiningOp<TransposeOp>())
    return inner.getSource();
  return {};
}

LogicalResult BroadcastOp::verify() {
  ArrayRef<int64_t> from = getSource().getType().getShape();
  ArrayRef<int64_t> to = getResult().getType().getShape();
  for (auto [source, result] : llvm::zip_equal(from, to))
    if (source != 1 && source != result) // broadcast_c1
      return emitOpError("cannot repeat ")
             << from[0] << " x " << from[1] << " to " << to[0] << " x " << to[1];
  return success();
}

// broadcast to the same shape -> source; broadcast of a splat -> splat
OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getSource().getType() == getType())
    return getSource();
  if (auto splat = dyn_cast_if_present<SplatElementsAttr>(adaptor.getSource()))
    return splat.resizeSplat(getType());
  return {};
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                                         Adaptor adaptor, SmallVectorImpl<Type> &inferred) {
  auto found = tileTypeOf(loc, getOperationName(), adaptor.getSource());
  if (failed(found))
    return failure();
  RankedTensorType type = *found;
  inferred.push_back(RankedTensorType::get({type.getDimSize(0), 1}, type.getElementType()));
  return success();
}

LogicalResult PartialReduceOp::verify() {
  int64_t from = getSource().getType().getDimSize(0), to = getType().getDimSize(0);
  if (from != to) // partial_reduce_c1
    return emitOpError("source has ") << from << " rows, result has " << to;
  return success();
}

LogicalResult SpreadOp::verify() {
  RankedTensorType from = getSource().getType();
  if (from.getDimSize(1) != 1 || from.getDimSize(0) != getType().getDimSize(0)) // spread_c1
    return emitOpError("source must be ") << getType().getDimSize(0) << " x 1, found "
                                          << from.getDimSize(0) << " x " << from.getDimSize(1);
  return success();
}

// spread(reduce add x) -> x; spread(0) -> 0
OpFoldResult SpreadOp::fold(FoldAdaptor adaptor) {
  auto reduce = getSource().getDefiningOp<ReduceOp>();
  if (reduce && reduce.getKind() == ReduceKind::Add && reduce.getSource().getType() == getType())
    return reduce.getSource();
  auto splat = dyn_cast_if_present<SplatElementsAttr>(adaptor.getSource());
  if (splat && splat.getSplatValue<APFloat>().isZero())
    return splat.resizeSplat(getType());
  return {};
}

// mask(x, all true) -> x
OpFoldResult MaskOp::fold(FoldAdaptor adaptor) {
  auto keep = dyn_cast_if_present<SplatElementsAttr>(adaptor.getKeep());
  if (keep && keep.getSplatValue<APInt>().isOne())
    return getSource();
  return {};
}

/// Shared by count and nth.
static LogicalResult verifyRanges(Operation *op, ValueRange starts, ValueRange ends) {
  if (starts.size() != ends.size()) // count_c1, nth_c1
    return op->emitOpError("has ") << starts.size() << " starts and " << ends.size() << " ends";
  return success();
}

LogicalResult CountOp::verify() { return verifyRanges(*this, getStarts(), getEnds()); }

LogicalResult NthOp::verify() { return verifyRanges(*this, getStarts(), getEnds()); }

LogicalResult RowSpanOp::fold(FoldAdaptor adaptor, SmallVectorImpl<OpFoldResult> &results) {
  auto tile = dyn_cast_if_present<IntegerAttr>(adaptor.getTile());
  auto length = dyn_cast_if_present<IntegerAttr>(adaptor.getLength());
  if (!tile || !length)
    return failure();
  int64_t height = getHeight(), first = tile.getInt() * height;
  int64_t last = std::min(first + height, length.getInt()) - 1;
  for (int64_t row : {first, last})
    results.push_back(IntegerAttr::get(tile.getType(), row));
  return success();
}
