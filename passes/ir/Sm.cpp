//===- Sm.cpp - dialect, types and verifiers ------------------------------===//

#include "passes/ir/Sm.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tessera::sm;

/// `128x64`: two extents. Shared by the types of this dialect.
static ParseResult parseExtents(AsmParser &parser, int64_t &rows, int64_t &columns) {
  SmallVector<int64_t, 2> extents;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseDimensionList(extents, /*allowDynamic=*/false, /*withTrailingX=*/false))
    return failure();
  if (extents.size() != 2)
    return parser.emitError(loc, "expected two extents, found ") << extents.size();
  rows = extents[0];
  columns = extents[1];
  return success();
}

static void printExtents(AsmPrinter &printer, int64_t rows, int64_t columns) {
  printer << rows << 'x' << columns;
}

#include "passes/ir/SmDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "passes/ir/SmTypes.cpp.inc"

#define GET_OP_CLASSES
#include "passes/ir/SmOps.cpp.inc"

void SmDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "passes/ir/SmTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "passes/ir/SmOps.cpp.inc"
      >();
}

/// Rows and columns of a tile, wherever it is.
static std::pair<int64_t, int64_t> extentsOf(Type type) {
  if (auto slot = dyn_cast<SlotType>(type))
    return {slot.getRows(), slot.getColumns()};
  if (auto place = dyn_cast<PlaceType>(type))
    return {place.getRows(), place.getColumns()};
  auto tile = cast<RankedTensorType>(type);
  return {tile.getDimSize(0), tile.getDimSize(1)};
}

static LogicalResult verifyStrip(Operation *op, TypedValue<tessera::tile::TableType> table,
                                 OperandRange coordinates, int64_t along) {
  int64_t rank = table.getType().getRank(), found = coordinates.size();
  if (found != rank || along < 0 || along >= rank)
    return op->emitOpError("has ") << found << " coordinates, and neighbours along " << along
                                   << ", of a table of rank " << rank;
  return success();
}

LogicalResult FillOp::verify() {
  RingType ring = getRing().getType();
  tessera::tile::ViewType view = getView().getType();
  if (view.getWidth() != ring.getColumns() || view.getElement() != ring.getElement()) // fill_c1
    return emitOpError("view of ")
           << view.getWidth() << " x " << view.getElement() << " does not fit a ring of "
           << ring.getColumns() << " x " << ring.getElement();
  return success();
}

static LogicalResult verifyFactor(Operation *op, Value factor,
                                  TypedValue<tessera::tile::TableType> table) {
  if (factor && (!table || !table.getType().getElement().isF32()))
    return op->emitOpError("multiplies what are no numbers of f32");
  return success();
}

LogicalResult FillStripOp::verify() {
  if (getTable() &&
      failed(verifyStrip(*this, getTable(), getCoordinates(), *getAlong()))) // fill_strip_c1
    return failure();
  if (!getRing().getType().getStrip()) // fill_strip_c2
    return emitOpError("fills a strip, and the ring has none");
  return verifyFactor(*this, getFactor(), getTable()); // fill_strip_c3
}

LogicalResult GatherStripOp::verify() {
  if (failed(verifyStrip(*this, getTable(), getCoordinates(), getAlong()))) // gather_strip_c1
    return failure();
  Type element = getTable().getType().getElement();
  if (getType().getElementType() != element) // gather_strip_c2
    return emitOpError("result ") << getType() << " is not of the table's " << element;
  if (int64_t keys = extentsOf(getSource().getType()).first;
      getType().getDimSize(1) != keys) // gather_strip_c3
    return emitOpError("source has ")
           << keys << " rows, result has " << getType().getDimSize(1) << " columns";
  if (std::abs(getRowFactor()) > 1 || std::abs(getColumnFactor()) != 1) // gather_strip_c4
    return emitOpError("expected rows of -1, 0 or 1 and columns of -1 or 1, found ")
           << getRowFactor() << " and " << getColumnFactor();
  return verifyFactor(*this, getFactor(), getTable()); // gather_strip_c5
}

int64_t GatherStripOp::getStripLength() {
  RankedTensorType type = getType();
  return std::abs(getRowFactor()) * (type.getDimSize(0) - 1) + type.getDimSize(1);
}

int64_t GatherStripOp::getStep() { return getColumnFactor() * getType().getDimSize(1); }

static LogicalResult verifySameCount(Operation *op) {
  if (op->getNumOperands() != op->getNumResults())
    return op->emitOpError("has ")
           << op->getNumOperands() << " values and " << op->getNumResults() << " results";
  return success();
}

LogicalResult PositiveMaxOp::verify() {
  int64_t from = getSource().getType().getDimSize(0), to = getType().getDimSize(0);
  if (from != to) // positive_max_c1
    return emitOpError("source has ") << from << " rows, result has " << to;
  return success();
}

LogicalResult TellOp::verify() { return verifySameCount(*this); } // tell_c1

LogicalResult RenewOp::verify() { return verifySameCount(*this); } // renew_c1

/// A slot that `op` takes from a ring is one of it.
static LogicalResult verifySlot(Operation *op, RingType ring, SlotType slot) {
  if (slot.getRows() != ring.getRows() || slot.getColumns() != ring.getColumns() ||
      slot.getElement() != ring.getElement()) // acquire_c1, held_c1
    return op->emitOpError("slot ") << slot << " is not one of the ring " << ring;
  return success();
}

LogicalResult AcquireOp::verify() {
  return verifySlot(*this, getRing().getType(), getSlot().getType());
}

LogicalResult HeldOp::verify() {
  return verifySlot(*this, getRing().getType(), getSlot().getType());
}

Value tessera::sm::ringOf(Value slot) {
  if (auto held = slot.getDefiningOp<HeldOp>())
    return held.getRing();
  return slot.getDefiningOp<AcquireOp>().getRing();
}

void DotOp::build(OpBuilder &builder, OperationState &state, Type result, Value lhs, Value rhs,
                  Value acc, bool transposed) {
  build(builder, state, result, lhs, rhs, acc, /*condition=*/Value(),
        transposed ? builder.getUnitAttr() : UnitAttr());
}

static LogicalResult verifyContraction(Operation *op, Type lhs, Type rhs, bool transposed) {
  int64_t columns = extentsOf(lhs).second;
  auto [rows, width] = extentsOf(rhs);
  int64_t depth = transposed ? width : rows;
  if (columns != depth)
    return op->emitOpError("contraction sizes differ: lhs has ")
           << columns << " columns, rhs has " << depth;
  return success();
}

static LogicalResult verifyProduct(Operation *op, Type lhs, Type rhs, bool transposed,
                                   Type result) {
  auto [depth, width] = extentsOf(rhs);
  std::pair<int64_t, int64_t> product{extentsOf(lhs).first, transposed ? depth : width};
  if (extentsOf(result) != product)
    return op->emitOpError("expected a product of ")
           << product.first << " x " << product.second << ", found " << result;
  return success();
}

LogicalResult DotOp::verify() {
  Type lhs = getLhs().getType(), rhs = getRhs().getType();
  if (failed(verifyContraction(*this, lhs, rhs, getTransposed()))) // dot_c1
    return failure();
  if (failed(verifyProduct(*this, lhs, rhs, getTransposed(), getType()))) // dot_c2
    return failure();
  if (getAcc() && getAcc().getType() != getType()) // dot_c3
    return emitOpError("adds ") << getType() << " to " << getAcc().getType();
  if (getCondition() && !getAcc()) // dot_c4
    return emitOpError("has a condition, and no sum to leave as it is");
  return success();
}

LogicalResult NonfiniteRowsOp::verify() {
  int64_t rows = getSource().getType().getDimSize(0), found = getType().getDimSize(0);
  if (rows != found) // nonfinite_rows_c1
    return emitOpError("source has ") << rows << " rows, result has " << found;
  return success();
}

LogicalResult LocateOp::verify() {
  PlaceType place = getPlace().getType();
  tessera::tile::ViewType view = getView().getType();
  bool isAsWide = getColumns() ? view.getWidth() % place.getColumns() == 0
                               : view.getWidth() == place.getColumns();
  if (!isAsWide || view.getElement() != place.getElement()) // locate_c1
    return emitOpError("view of ")
           << view.getWidth() << " x " << view.getElement() << " does not hold a place of "
           << place.getColumns() << " x " << place.getElement();
  return success();
}

LogicalResult PutOp::verify() {
  RankedTensorType tile = getValue().getType();
  PlaceType place = getPlace().getType();
  if (tile.getShape() != ArrayRef<int64_t>{place.getRows(), place.getColumns()} ||
      tile.getElementType() != place.getElement()) // put_c1
    return emitOpError("expected a place of ") << tile << ", found " << place;
  return success();
}

LogicalResult ExactDotOp::verify() {
  Type lhs = getLhs().getType(), rhs = getRhs().getType();
  if (failed(verifyContraction(*this, lhs, rhs, getTransposed()))) // exact_dot_c1
    return failure();
  if (isa<PlaceType>(lhs) != getTransposed()) // exact_dot_c2
    return emitOpError("expected a ")
           << (getTransposed() ? "place" : "tile in registers") << " on the left, found " << lhs;
  if (getSkipZeros() && isa<PlaceType>(lhs)) // exact_dot_c3
    return emitOpError("skips zeros of a place");
  if (failed(verifyProduct(*this, lhs, rhs, getTransposed(), getType()))) // exact_dot_c4
    return failure();
  if (int64_t depth = extentsOf(rhs).first; depth != exactKeys) // exact_dot_c5
    return emitOpError("expected ") << exactKeys << " rows on the right, found " << depth;
  return success();
}
